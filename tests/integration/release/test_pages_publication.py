"""Pages of a release on its way out and back: publishing, waiting targets, the journal, withdrawal."""

from __future__ import annotations

import pytest

import jobs.services as jobs
from jobs.models import Job
from release.models import Publication
from release.services import publications
from release.services.targets import put_target
from release.states import PublicationState, ReleaseState, TargetKind
from tests.factories import (
    make_approved,
    make_draft,
    make_live,
    submit,
)
from tests.integration.release.pages import address, state

pytestmark = pytest.mark.django_db


def test_publishing_shows_first_what_happens_and_takes_a_tick(lab, browser_of) -> None:
    release = make_approved(lab)
    client = browser_of(lab.manager)
    page = client.get(address(release, "publish/"))
    assert "Everybody will see it and may download it." in page.text
    assert lab.safety.username in page.text
    unticked = client.post(address(release, "publish/"), {})
    assert (unticked.status_code, state(release)) == (422, "approved")
    assert client.post(address(release, "publish/"), {"understood": "on"}).status_code == 303
    assert state(release) == "publishing"


def test_publishing_is_refused_to_whoever_may_not(lab, browser_of) -> None:
    release = make_approved(lab)
    client = browser_of(lab.safety)
    assert "takes somebody who is release manager" in client.get(address(release, "publish/")).text
    assert client.post(address(release, "publish/"), {"understood": "on"}).status_code == 403
    assert state(release) == "approved"


def test_a_waiting_publication_says_what_for_and_when_it_is_tried_again(lab, browser_of) -> None:
    put_target(
        organization=lab.organization,
        name="hub",
        title="The Hub",
        kind=TargetKind.HUB,
        by=None,
        endpoint="http://127.0.0.1:9",
        namespace="acme",
        is_default=True,
    )
    release = make_approved(lab)
    publications.publish(release_id=release.pk, by=lab.manager, actor=lab.actor(lab.manager))
    row = Publication.objects.get(target__name="hub")
    job = jobs.claim(str(Job.objects.get(subject=jobs.subject_of(row)).pk), worker="test")
    publications.note(row, PublicationState.STAGED)
    jobs.put_back(job, code="release.target_busy", message="The Hub answered 503; trying again.", after_seconds=60)
    client = browser_of(lab.auditor)
    page = client.get(address(release))
    assert "The Hub answered 503; trying again." in page.text
    assert "attempt 2 of 12" in page.text
    journal = client.get(address(release, f"publications/{row.pk}/"))
    assert [file.path for file, _ in journal.context["files"]] == ["LICENSE", "README.md", "config.json"]
    publications.give_up(row, message="The Hub refuses to commit: 403")
    given_up = browser_of(lab.manager).get(address(release))
    assert "The Hub refuses to commit: 403" in given_up.text
    jobs.cancel(str(job.pk))
    assert browser_of(lab.safety).post(address(release, f"publications/{row.pk}/retry/")).status_code == 403
    assert browser_of(lab.manager).post(address(release, f"publications/{row.pk}/retry/")).status_code == 303
    assert Job.objects.filter(subject=jobs.subject_of(row), state="queued").exists()


def test_the_journal_of_another_release_is_not_here(lab, browser_of) -> None:
    live, other = make_live(lab), make_draft(lab)
    publication = live.publications.get()
    client = browser_of(lab.manager)
    assert client.get(address(live, f"publications/{publication.pk}/")).status_code == 200
    assert client.get(address(other, f"publications/{publication.pk}/")).status_code == 404
    assert client.post(address(other, f"publications/{publication.pk}/retry/")).status_code == 404


def test_withdrawing_shows_what_cannot_be_taken_back_and_keeps_what_was_typed(lab, browser_of) -> None:
    release = make_live(lab)
    client = browser_of(lab.manager)
    assert "Whoever has a copy keeps it." in client.get(address(release, "withdraw/")).text
    bad = client.post(address(release, "withdraw/"), {"reason": "A claim by Ada."})
    assert (bad.status_code, state(release)) == (422, "live")
    assert "A claim by Ada." in bad.text
    done = client.post(address(release, "withdraw/"), {"reason": "A claim by Ada.", "understood": "on"})
    assert done.status_code == 303
    page = client.get(address(release))
    assert state(release) == ReleaseState.WITHDRAWN
    assert "A claim by Ada." in page.text
    assert page.context["acts"] == {}


def test_every_state_has_its_page(lab, browser_of) -> None:
    client = browser_of(lab.auditor)
    shown = {}
    for release in (make_draft(lab), submit(lab, make_draft(lab)), make_approved(lab), make_live(lab)):
        page = client.get(address(release))
        assert page.status_code == 200
        shown[page.context["release"].state] = [step["state"] for step in page.context["steps"]]
    assert shown == {
        "draft": ["current", "upcoming", "upcoming", "upcoming", "upcoming"],
        "in_review": ["done", "current", "upcoming", "upcoming", "upcoming"],
        "approved": ["done", "done", "current", "upcoming", "upcoming"],
        "live": ["done", "done", "done", "done", "done"],
    }
