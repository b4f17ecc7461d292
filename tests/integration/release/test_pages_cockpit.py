"""The cockpit of a release and the pages that lead from it: what they show, what they refuse, what they keep."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

import jobs.services as jobs
from jobs.models import Job
from registry.states import Level, Outcome
from release.models import Release, Waiver
from tests.factories import (
    approve,
    make_commit,
    make_draft,
    make_evidence,
    make_lab,
    make_license,
    make_live,
    make_variant,
    submit,
)
from tests.integration.release.pages import HTMX, address, state

pytestmark = pytest.mark.django_db


# --- who sees it -------------------------------------------------------------------------------


@pytest.mark.parametrize("rest", ["", "edit/", "items/", "publish/", "withdraw/", "waive/"])
def test_a_release_does_not_exist_for_people_outside(lab, browser_of, rest) -> None:
    release = make_draft(lab)
    assert Client().get(address(release, rest)).status_code == 302
    answer = browser_of(make_lab().manager).get(address(release, rest))
    assert answer.status_code == 404
    assert release.title not in answer.text


@pytest.mark.parametrize("rest", ["submit/", "approve/", "refuse/", "recall/", "schedule/", "items/x/remove/"])
def test_acts_need_a_form_that_is_sent(lab, browser_of, rest) -> None:
    assert browser_of(lab.manager).get(address(make_draft(lab), rest)).status_code == 405


def test_a_form_from_elsewhere_is_refused(lab) -> None:
    release = make_draft(lab)
    client = Client(enforce_csrf_checks=True)
    client.force_login(lab.manager)
    assert client.post(address(release, "submit/")).status_code == 403
    assert state(release) == "draft"


# --- drafting ----------------------------------------------------------------------------------


def test_a_draft_is_made_and_led_to(lab, browser_of) -> None:
    body = {"organization": lab.organization.pk, "title": "Second wave", "summary": "Why now."}
    answer = browser_of(lab.manager).post("/releases/new/", body)
    made = Release.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (303, address(made))
    assert (made.title, made.summary, made.drafted_by) == ("Second wave", "Why now.", lab.manager)


def test_a_draft_without_title_comes_back_with_what_was_typed(lab, browser_of) -> None:
    body = {"organization": lab.organization.pk, "title": "", "summary": "Keep me"}
    answer = browser_of(lab.manager).post("/releases/new/", body)
    assert answer.status_code == 422
    assert "Keep me" in answer.text
    assert "This field is required" in answer.text
    assert not Release.objects.exists()


def test_nobody_drafts_for_an_organization_that_is_not_theirs(lab, browser_of) -> None:
    other = make_lab()
    answer = browser_of(lab.manager).post("/releases/new/", {"organization": other.organization.pk, "title": "x"})
    assert answer.status_code == 422
    assert not Release.objects.exists()


def test_targets_title_and_hour_are_saved_together_or_not_at_all(lab, browser_of) -> None:
    release = make_draft(lab, title="Before")
    client = browser_of(lab.manager)
    ahead = (timezone.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    past = client.post(
        address(release, "edit/"), {"title": "After", "summary": "", "targets": [], "scheduled_for": "2020-01-01T10:00"}
    )
    assert past.status_code == 422
    assert "2020-01-01 10:00 UTC has passed." in past.text
    assert "After" in past.text
    release.refresh_from_db()
    assert (release.title, release.targets.count()) == ("Before", 1)
    done = client.post(
        address(release, "edit/"), {"title": "After", "summary": "s", "targets": ["here"], "scheduled_for": ahead}
    )
    assert done.status_code == 303
    release.refresh_from_db()
    assert (release.title, release.scheduled_for.strftime("%Y-%m-%dT%H:%M")) == ("After", ahead)


def item_body(checkpoint, **changes: object) -> dict[str, object]:
    """What the form of an item sends."""
    return {"checkpoint": checkpoint.digest, "level": "public", "license": make_license().pk} | changes


def test_a_variant_is_put_in_with_all_that_the_form_says(lab, browser_of) -> None:
    release, variant = make_draft(lab), make_variant(lab.organization, "nano")
    checkpoint = make_commit(variant).checkpoint
    day = (timezone.localdate() + timedelta(days=40)).isoformat()
    client = browser_of(lab.manager)
    page = client.get(address(release, "items/nano/"))
    assert page.context["form"]["checkpoint"].value() == checkpoint.digest
    body = item_body(
        checkpoint,
        component_training_data="held_back",
        reason_code="privacy",
        note="Names in it.",
        owner=lab.legal.username,
        review_on=day,
    )
    assert client.post(address(release, "items/nano/"), body).status_code == 303
    item = release.items.get(variant=variant)
    line = next(line for line in item.disclosures if line["component"] == "training_data")
    assert line == {
        "component": "training_data",
        "level": "held_back",
        "reason_code": "privacy",
        "note": "Names in it.",
        "owner": lab.legal.username,
        "review_on": day,
    }
    again = client.get(address(release, "items/nano/"))
    assert {name: again.context["form"][name].value() for name in ("owner", "component_training_data")} == {
        "owner": lab.legal.username,
        "component_training_data": "held_back",
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"level": "secret"}, "Select a valid choice"),
        ({"checkpoint": "sha256:" + "0" * 64}, "Select a valid choice"),
        ({"license": "999999"}, "Select a valid choice"),
        ({"owner": "stranger"}, "Select a valid choice"),
        ({"review_on": "2020-01-01"}, "Choose a day that lies ahead."),
        ({"note": "x" * 501}, "at most 500 characters"),
    ],
)
def test_a_bad_item_comes_back_with_its_fault_and_changes_nothing(lab, browser_of, changes, said) -> None:
    release, variant = make_draft(lab), make_variant(lab.organization, "nano")
    body = item_body(make_commit(variant).checkpoint, reason_code="cost") | changes
    answer = browser_of(lab.manager).post(address(release, "items/nano/"), body)
    assert answer.status_code == 422
    assert said in answer.text
    assert '<option value="cost" selected>' in answer.text
    assert not release.items.filter(variant=variant).exists()


def test_a_variant_is_taken_out(lab, browser_of) -> None:
    release = make_draft(lab)
    name = release.items.get().variant.name
    assert browser_of(lab.manager).post(address(release, f"items/{name}/remove/")).status_code == 303
    assert not release.items.exists()


def test_choosing_searches_by_name(lab, browser_of) -> None:
    release = make_draft(lab)
    make_variant(lab.organization, "wanted")
    client = browser_of(lab.manager)
    answer = client.get(address(release, "items/"), {"q": "WANT"})
    assert [row["variant"].name for row in answer.context["rows"]] == ["wanted"]
    part = client.get(address(release, "items/"), {"q": "WANT"}, headers=HTMX)
    assert "wanted" in part.text
    assert "<html" not in part.text


# --- the way to approval -----------------------------------------------------------------------


def test_what_stands_in_the_way_disables_the_button_and_says_why(lab, browser_of) -> None:
    release = make_draft(lab, license_version=None)
    answer = browser_of(lab.manager).get(address(release))
    assert answer.context["acts"]["submit"].codes == {"release.requirement.has_license"}
    assert "No license is chosen." in answer.text
    assert '<button class="btn btn-primary" disabled>' in answer.text


def test_a_refused_act_answers_with_its_status_and_changes_nothing(lab, browser_of) -> None:
    release = make_draft(lab, license_version=None)
    answer = browser_of(lab.manager).post(address(release, "submit/"))
    assert answer.status_code == 409
    assert "Nothing was changed." in answer.text
    assert state(release) == "draft"
    assert browser_of(lab.safety).post(address(release, "submit/")).status_code == 403


def test_from_draft_to_approved_by_two_people(lab, browser_of) -> None:
    release = make_draft(lab)
    assert browser_of(lab.manager).post(address(release, "submit/")).status_code == 303
    release.refresh_from_db()
    for reviewer in (lab.safety, lab.legal):
        client = browser_of(reviewer)
        page = client.get(address(release))
        seen = page.context["approve_form"]["seen"].value()
        assert seen == release.digest
        done = client.post(address(release, "approve/"), {"approve-seen": seen, "approve-note": "Read."})
        assert done.status_code == 303
    assert state(release) == "approved"
    assert [vote.reason for vote in release.reviews.all()] == ["Read.", "Read."]


def test_signing_a_digest_that_changed_meanwhile_is_refused_in_words(lab, browser_of) -> None:
    release = submit(lab, make_draft(lab))
    stale = "sha256:" + "0" * 64
    answer = browser_of(lab.safety).post(address(release, "approve/"), {"approve-seen": stale, "approve-note": ""})
    assert answer.status_code == 409
    assert "it changed meanwhile" in answer.text
    assert not release.reviews.exists()


def test_a_refusal_without_reason_comes_back_open(lab, browser_of) -> None:
    release = submit(lab, make_draft(lab))
    client = browser_of(lab.legal)
    answer = client.post(address(release, "refuse/"), {"refuse-seen": release.digest, "refuse-reason": " "})
    assert answer.status_code == 422
    assert '<details class="refuse" open>' in answer.text
    done = client.post(address(release, "refuse/"), {"refuse-seen": release.digest, "refuse-reason": "No rights."})
    assert done.status_code == 303
    assert "No rights." in client.get(address(release)).text
    assert state(release) == "refused"


def test_votes_on_an_older_digest_are_shown_as_void(lab, browser_of) -> None:
    release = approve(lab, submit(lab, make_draft(lab)), lab.safety)
    client = browser_of(lab.manager)
    client.post(address(release, "recall/"))
    release.items.get()
    votes = client.get(address(release)).context["votes"]
    assert [vote.is_void for vote in votes] == [True]


def test_the_difference_to_what_is_live_is_told_by_file_and_by_audience(lab, browser_of) -> None:
    variant = make_variant(lab.organization, "nano")
    first = make_commit(variant, {"README.md": b"# A\n", "a.bin": b"1", "gone.bin": b"2"})
    make_live(lab, variant=variant, commit=first)
    second = make_commit(variant, {"README.md": b"# A\n", "a.bin": b"3", "new.bin": b"4"})
    release = make_draft(lab, Level.GATED, variant=variant, commit=second)
    item = browser_of(lab.safety).get(address(release)).context["items"][0]
    assert {change.label: change.paths for change in item.files} == {
        "added": ["new.bin"],
        "changed": ["README.md", "a.bin"],
        "removed": ["LICENSE", "gone.bin"],
    }
    assert (item.direction, item.before.label, item.status.label) == ("less", "Public", "Gated")
    assert item.audience.startswith("Downloading will take a grant.")


def test_an_outsiders_view_shows_the_packaged_files_and_card(lab, browser_of) -> None:
    variant = make_variant(lab.organization, "nano")
    commit = make_commit(variant, {"README.md": b"# Hello\n\nText <script>x</script>\n", "w.bin": b"1"})
    draft = make_draft(lab, Level.GATED, variant=variant, commit=commit)
    client = browser_of(lab.auditor)
    before = client.get(address(draft, "items/nano/outsider/"))
    submit(lab, draft)
    after = client.get(address(draft, "items/nano/outsider/"))
    for answer in (before, after):
        rows = {row["file"]["path"]: row["status"].label for row in answer.context["files"]}
        assert rows == {"LICENSE": "Open", "README.md": "Open", "w.bin": "Takes a grant"}
        assert "<script>x" not in answer.text
        assert "license: apache-2.0" in answer.text
    assert before.context["card"] == after.context["card"]
    assert before.context["digest"] == ""
    assert after.context["digest"] == draft.items.get().packaged.digest


def test_an_outsider_would_see_nothing_of_what_is_held_back(lab, browser_of) -> None:
    release = make_draft(lab, Level.HELD_BACK)
    name = release.items.get().variant.name
    answer = browser_of(lab.auditor).get(address(release, f"items/{name}/outsider/"))
    assert "An outsider sees nothing" in answer.text
    assert "config.json" not in answer.text


# --- evidence ----------------------------------------------------------------------------------


def test_evidence_in_the_making_is_polled_until_it_is_made(lab, browser_of) -> None:
    release = make_draft(lab, has_evidence=False)
    checkpoint = release.items.get().checkpoint
    client = browser_of(lab.manager)
    job = jobs.claim(str(Job.objects.get(kind="registry.smoke").pk), worker="test")
    jobs.beat(job, done=1, total=4, stage="loading")
    page = client.get(address(release))
    assert 'hx-trigger="every 2s"' in page.text
    known = page.context["known"]
    part = client.get(address(release), {"known": known}, headers=HTMX)
    assert part.status_code == 200
    assert "25 %" in part.text
    assert "<html" not in part.text
    assert "hx-swap-oob" not in part.text
    jobs.succeed(job)
    for other in Job.objects.filter(subject=jobs.subject_of(checkpoint), state="queued"):
        jobs.cancel(str(other.pk))
    make_evidence(checkpoint)
    last = client.get(address(release), {"known": known}, headers=HTMX)
    assert last.status_code == 286
    assert 'id="acts" class="panel cockpit-acts" hx-swap-oob="true"' in last.text
    assert "hx-trigger" not in last.text


def test_missing_evidence_is_waived_by_a_reviewer_on_a_page_of_its_own(lab, browser_of) -> None:
    release = make_draft(lab, has_evidence=False)
    checkpoint = release.items.get().checkpoint
    make_evidence(checkpoint, kinds={"validation", "license"})
    make_evidence(checkpoint, Outcome.NOT_RUN, kinds={"smoke"})
    what = f"evidence.smoke@{checkpoint.digest}"
    client = browser_of(lab.safety)
    assert [choice[0] for choice in client.get(address(release, "waive/")).context["choices"]] == [what]
    bad = client.post(address(release, "waive/"), {"what": what, "reason": "", "days": "0"})
    assert bad.status_code == 422
    assert not Waiver.objects.exists()
    refused = browser_of(lab.manager).post(address(release, "waive/"), {"what": what, "reason": "x", "days": "3"})
    assert refused.status_code == 422
    assert "To waive a requirement of a release takes somebody" in refused.text
    assert client.post(address(release, "waive/"), {"what": what, "reason": "No GPU.", "days": "3"}).status_code == 303
    assert Waiver.objects.get().owner == lab.safety
