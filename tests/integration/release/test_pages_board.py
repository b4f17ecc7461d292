"""The front page and the release board."""

from __future__ import annotations

import pytest
from django.test import Client

from registry.states import Level
from release.states import ReleaseState
from tests.factories import approve, make_approved, make_draft, make_lab, make_live, make_user, submit

pytestmark = pytest.mark.django_db


def test_a_stranger_is_greeted_and_led_to_the_models(client: Client) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert "/models/" in answer.text
    assert "Releases" not in answer.text


def test_the_stand_in_says_what_it_is(client: Client, settings) -> None:
    settings.INSTANCE_ROLE = "public-hub"
    answer = client.get("/")
    assert "A stand-in for the public Hub" in answer.text
    assert "Held back" not in answer.text


def test_members_are_led_to_their_board_and_others_are_not(lab, browser_of) -> None:
    assert browser_of(lab.safety).get("/").headers["Location"] == "/releases/"
    assert browser_of(make_user()).get("/").status_code == 200


def test_the_board_needs_somebody(client: Client) -> None:
    assert client.get("/releases/").status_code == 302


def test_the_board_shows_each_level_with_the_release_that_brought_it(lab, browser_of) -> None:
    for level in Level:
        make_live(lab, level, title=f"The {level.value} one")
    board = browser_of(lab.auditor).get("/releases/")
    assert board.status_code == 200
    columns = board.context["columns"]
    assert [(column.level, column.count, len(column.rows)) for column in columns] == [
        (Level.PUBLIC, 1, 1),
        (Level.GATED, 1, 1),
        (Level.HELD_BACK, 1, 1),
    ]
    for column in columns:
        row = column.rows[0]
        assert row.release.title == f"The {column.level.value} one"
        assert row.release.title in board.text
        assert [place.target.title for place in row.places] == (
            [] if column.level == Level.HELD_BACK else ["This instance"]
        )


def test_what_was_withdrawn_is_out_at_no_level(lab, browser_of) -> None:
    from release.services.publications import withdraw

    release = make_live(lab)
    withdraw(release_id=release.pk, by=lab.manager, actor=lab.actor(lab.manager), reason="A claim.")
    board = browser_of(lab.manager).get("/releases/")
    assert [column.count for column in board.context["columns"]] == [0, 0, 0]


def test_releases_of_other_organizations_do_not_exist(lab, browser_of) -> None:
    other = make_lab()
    make_live(other, title="Not yours")
    make_draft(other, title="Not yours either")
    board = browser_of(lab.manager).get("/releases/")
    assert "Not yours" not in board.text
    assert board.context["rows"] == []
    assert [column.count for column in board.context["columns"]] == [0, 0, 0]


def test_a_reviewer_finds_what_waits_for_their_signature_until_they_signed(lab, browser_of) -> None:
    release = submit(lab, make_draft(lab, title="Sign me"))
    safety = browser_of(lab.safety)
    waiting = safety.get("/releases/").context["signatures"]
    assert [(row.release, row.waits_for_role) for row in waiting] == [(release, "safety reviewer")]
    assert browser_of(lab.security).get("/releases/").context["signatures"] == []
    assert browser_of(lab.manager).get("/releases/").context["signatures"] == []
    approve(lab, release, lab.safety)
    assert safety.get("/releases/").context["signatures"] == []
    assert len(browser_of(lab.legal).get("/releases/").context["signatures"]) == 1


def test_in_work_says_who_acts_next(lab, browser_of) -> None:
    make_draft(lab, title="a")
    approve(lab, submit(lab, make_draft(lab, title="b")), lab.safety)
    make_approved(lab, title="c")
    make_live(lab, title="d")
    rows = browser_of(lab.manager).get("/releases/").context["rows"]
    assert {row.release.title: row.next_by for row in rows} == {
        "a": "Release manager, to complete and submit it",
        "b": "Legal reviewer",
        "c": "Release manager, to publish it",
    }


def test_the_filter_shows_one_state_with_its_count(lab, browser_of) -> None:
    make_draft(lab, title="A draft")
    make_live(lab, title="A live one")
    client = browser_of(lab.manager)
    board = client.get("/releases/", {"state": ReleaseState.LIVE.value})
    assert [row.release.title for row in board.context["rows"]] == ["A live one"]
    assert {tab["label"]: tab["count"] for tab in board.context["filters"]} == {"In work": 1, "Draft": 1, "Live": 1}
    assert client.get("/releases/", {"state": "nonsense"}).context["chosen"] is None


def test_drafting_is_offered_to_whom_it_is_open_and_explained_to_others(lab, browser_of) -> None:
    assert browser_of(lab.manager).get("/releases/").context["may_draft"].allowed
    answer = browser_of(lab.safety).get("/releases/")
    assert answer.context["may_draft"].codes == {"release.not_in_role"}
    assert "To draft a release takes somebody who is automation or release manager." in answer.text


def test_a_level_has_a_page_of_its_own(lab, browser_of) -> None:
    make_live(lab, Level.HELD_BACK, title="Kept")
    client = browser_of(lab.auditor)
    assert "Kept" in client.get("/releases/level/held_back/").text
    assert "Kept" not in client.get("/releases/level/public/").text
    assert client.get("/releases/level/secret/").status_code == 404


def test_the_board_asks_the_database_as_often_for_many_releases_as_for_few(
    lab, browser_of, django_assert_max_num_queries
) -> None:
    for level in Level:
        make_live(lab, level)
    submit(lab, make_draft(lab))
    client = browser_of(lab.safety)
    client.get("/releases/")
    with django_assert_max_num_queries(45) as few:
        client.get("/releases/")
    for level in Level:
        make_live(lab, level)
        submit(lab, make_draft(lab, level=Level.PUBLIC))
    with django_assert_max_num_queries(len(few.captured_queries)):
        client.get("/releases/")
