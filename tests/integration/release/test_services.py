"""What the services of releases hold against time, against each other, and against odd input."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

import jobs.services as jobs
from accounts.roles import Role
from jobs.models import Job
from jobs.running import run
from jobs.states import JobState
from registry.models import Disclosure, Serving
from registry.services.variants import add_member
from registry.states import Level
from release.models import Publication, Release
from release.services import drafts, publications, reviews
from release.services.targets import put_target
from release.states import PublicationState, ReleaseState, TargetKind
from rules import Refused
from tests.factories import (
    Lab,
    approve,
    make_approved,
    make_commit,
    make_draft,
    make_live,
    make_variant,
    run_jobs,
    submit,
)

pytestmark = pytest.mark.django_db


def codes(error: pytest.ExceptionInfo[Refused]) -> frozenset[str]:
    """The codes of a refusal."""
    return error.value.verdict.codes


def describe(lab: Lab, release: Release, at) -> Release:
    """Name the hour of a draft."""
    who = {"by": lab.manager, "actor": lab.actor(lab.manager)}
    return drafts.describe(release_id=release.pk, title=release.title, summary="", scheduled_for=at, **who)


def publish(lab: Lab, release: Release) -> Release:
    """Begin to publish."""
    return publications.publish(release_id=release.pk, by=lab.manager, actor=lab.actor(lab.manager))


def withdraw(lab: Lab, release: Release, reason: str = "A claim.") -> Release:
    """Take back."""
    return publications.withdraw(release_id=release.pk, by=lab.manager, actor=lab.actor(lab.manager), reason=reason)


def to_a_hub(lab: Lab) -> None:
    """Make a Hub where nobody listens the only default target."""
    put_target(organization=lab.organization, name="here", title="Here", kind=TargetKind.HERE, by=None)
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


# --- the clock ---------------------------------------------------------------------------------


def test_an_earlier_schedule_does_not_fire_a_later_one(lab) -> None:
    soon, later = timezone.now() + timedelta(hours=1), timezone.now() + timedelta(days=1)
    release = make_draft(lab)
    who = {"release_id": release.pk, "by": lab.manager, "actor": lab.actor(lab.manager)}
    for hour in (soon, later):
        describe(lab, release, hour)
        approve(lab, submit(lab, release))
        publications.schedule(**who)
        if hour == soon:
            reviews.recall(**who)
    waiting = Job.objects.filter(kind="release.fire", state=JobState.QUEUED)
    assert [job.run_after for job in waiting.order_by("run_after")] == [soon, later]
    early = waiting.order_by("run_after").first()
    Job.objects.filter(pk=early.pk).update(run_after=timezone.now())
    assert run(str(early.pk), worker="test") == "succeeded"
    assert Release.objects.get(pk=release.pk).state == ReleaseState.SCHEDULED


def test_at_its_hour_a_scheduled_release_is_published_by_the_system(lab, monkeypatch) -> None:
    hour = timezone.now() + timedelta(hours=1)
    release = describe(lab, make_draft(lab), hour)
    approve(lab, submit(lab, release))
    publications.schedule(release_id=release.pk, by=lab.manager, actor=lab.actor(lab.manager))
    Job.objects.filter(kind="release.fire").update(run_after=timezone.now())
    monkeypatch.setattr(timezone, "now", lambda now=timezone.now: now() + timedelta(hours=2))
    assert run_jobs("release.fire") == ["succeeded"]
    assert Release.objects.get(pk=release.pk).state == ReleaseState.PUBLISHING


# --- who ---------------------------------------------------------------------------------------


def test_whoever_signed_a_release_cannot_submit_the_same_again(lab) -> None:
    add_member(organization=lab.organization, user=lab.safety, role=Role.RELEASE_MANAGER, by=None)
    release = approve(lab, submit(lab, make_draft(lab)), lab.safety)
    who = {"release_id": release.pk, "by": lab.safety, "actor": lab.actor(lab.safety)}
    reviews.recall(**who)
    with pytest.raises(Refused) as refused:
        reviews.submit(**who)
    assert codes(refused) == {"release.signer_submits"}
    assert Release.objects.get(pk=release.pk).state == ReleaseState.DRAFT
    drafts.set_targets(names=[], **who)
    drafts.set_targets(names=["here"], **who)
    again = submit(lab, release)
    assert again.digest == release.digest
    assert [vote.by for vote in again.reviews.all()] == [lab.safety]


# --- what is said of components ----------------------------------------------------------------


def test_a_held_back_component_of_a_public_item_needs_its_reason_before_submission(lab) -> None:
    release = make_draft(lab, components={"training_data": "held_back"})
    with pytest.raises(Refused) as refused:
        submit(lab, release)
    assert codes(refused) == {"release.requirement.held_back_explained"}


def test_a_held_back_component_with_its_reason_goes_on_record(lab) -> None:
    day = timezone.localdate() + timedelta(days=30)
    live = make_live(lab, components={"training_data": "held_back"}, reason_code="legal", review_on=day)
    assert live.state == ReleaseState.LIVE
    found = Disclosure.objects.get(component="training_data")
    assert (found.level, found.reason_code, found.review_on) == ("held_back", "legal", day)


@pytest.mark.parametrize(
    ("level", "components", "is_true"),
    [
        (Level.PUBLIC, {"weights": "held_back"}, False),
        (Level.PUBLIC, {"tokenizer": "gated"}, False),
        (Level.GATED, {"weights": "public"}, False),
        (Level.GATED, {"model_card": "public"}, True),
        (Level.GATED, {"model_card": "held_back"}, False),
    ],
)
def test_what_files_show_is_recorded_at_their_level(lab, level, components, is_true) -> None:
    day = timezone.localdate() + timedelta(days=30)
    release = make_draft(lab, level, components=components, reason_code="safety", review_on=day)
    if is_true:
        assert submit(lab, release).state == ReleaseState.IN_REVIEW
        return
    with pytest.raises(Refused) as refused:
        submit(lab, release)
    assert codes(refused) == {"release.requirement.files_follow_level"}


# --- cards -------------------------------------------------------------------------------------


@pytest.mark.parametrize("card", [b"# Big\n" + b"x" * (1 << 20), b"# Latin\n\xe9t\xe9\n"])
def test_a_card_that_cannot_be_read_is_never_written_anew(lab, card) -> None:
    variant = make_variant(lab.organization)
    commit = make_commit(variant, {"README.md": card, "config.json": b"{}"})
    release = make_draft(lab, variant=variant, commit=commit)
    with pytest.raises(Refused) as refused:
        submit(lab, release)
    assert refused.value.verdict.codes & {"release.bad_card", "release.requirement.has_license"}
    assert release.items.get().packaged is None


# --- withdrawal --------------------------------------------------------------------------------


def test_a_withdrawal_needs_a_reason(lab) -> None:
    release = make_live(lab)
    with pytest.raises(Refused) as refused:
        withdraw(lab, release, "  ")
    assert codes(refused) == {"release.withdrawal_reason"}
    assert Serving.objects.filter(until=None).exists()


def test_a_withdrawal_stops_what_is_queued_and_waits_for_what_runs(lab, django_capture_on_commit_callbacks) -> None:
    to_a_hub(lab)
    release = publish(lab, make_approved(lab))
    running = Job.objects.get(kind="release.publish")
    jobs.claim(str(running.pk), worker="somebody")
    with django_capture_on_commit_callbacks(execute=True):
        withdraw(lab, release)
    running.refresh_from_db()
    assert running.is_cancel_requested
    assert run_jobs("release.withdraw") == ["put back"]
    waiting = Job.objects.get(kind="release.withdraw")
    assert (waiting.error_code, waiting.attempts) == ("release.still_publishing", 0)


def test_a_queued_upload_is_cancelled_by_the_withdrawal(lab, django_capture_on_commit_callbacks) -> None:
    to_a_hub(lab)
    release = publish(lab, make_approved(lab))
    with django_capture_on_commit_callbacks(execute=True):
        withdraw(lab, release)
    assert Job.objects.get(kind="release.publish").state == JobState.CANCELLED


def test_an_upload_that_outlives_its_release_opens_nothing(lab) -> None:
    to_a_hub(lab)
    release = publish(lab, make_approved(lab))
    publication = Publication.objects.get(release=release)
    assert publications.is_wanted(publication)
    withdraw(lab, release)
    assert not publications.is_wanted(publication)


def test_withdrawing_what_was_replaced_leaves_its_successor_alone(lab) -> None:
    to_a_hub(lab)
    variant = make_variant(lab.organization)
    old, new = (
        publish(lab, make_approved(lab, variant=variant, commit=make_commit(variant), title=title))
        for title in ("Old", "New")
        if _settle(lab)
    )
    _settle(lab)
    withdraw(lab, old)
    assert not Job.objects.filter(kind="release.withdraw").exists()
    replaced = Publication.objects.get(release=old)
    assert (replaced.state, replaced.message) == (
        PublicationState.WITHDRAWN,
        "Replaced by “New”, which stays as it is.",
    )
    assert Publication.objects.get(release=new).state == PublicationState.LIVE


def _settle(lab: Lab) -> bool:
    """Let whatever is on its way be observed live, as the publisher records it."""
    for publication in Publication.objects.filter(release__organization=lab.organization, live_at=None):
        publications.go_live(publication, remote_commit="a" * 40, url="http://127.0.0.1:9/x", at=timezone.now())
    for job in Job.objects.filter(kind="release.publish", state=JobState.QUEUED):
        jobs.cancel(str(job.pk))
    return True


def test_one_release_at_a_time_goes_to_a_repository(lab) -> None:
    to_a_hub(lab)
    variant = make_variant(lab.organization)
    first = make_approved(lab, variant=variant, commit=make_commit(variant), title="First")
    second = make_approved(lab, variant=variant, commit=make_commit(variant), title="Second")
    publish(lab, first)
    with pytest.raises(Refused) as refused:
        publish(lab, second)
    assert codes(refused) == {"release.repository_busy"}
    assert "“First” is on its way to" in refused.value.verdict.sentence
    _settle(lab)
    assert publish(lab, second).state == ReleaseState.PUBLISHING


def test_the_next_release_replaces_what_is_served(lab) -> None:
    variant = make_variant(lab.organization)
    make_live(lab, variant=variant, commit=make_commit(variant))
    newer = make_live(lab, Level.GATED, variant=variant, commit=make_commit(variant))
    serving = Serving.objects.get(variant=variant, until=None)
    assert (serving.level, serving.release_digest) == ("gated", newer.digest)
    make_live(lab, Level.HELD_BACK, variant=variant, commit=make_commit(variant))
    assert not Serving.objects.filter(variant=variant, until=None).exists()


def test_a_publication_that_was_given_up_is_taken_up_again(lab) -> None:
    to_a_hub(lab)
    release = publish(lab, make_approved(lab))
    job = Job.objects.get(kind="release.publish")
    assert run(str(job.pk), worker="test") == "failed"
    publication = Publication.objects.get(release=release)
    assert publication.state == PublicationState.FAILED
    assert publication.message.startswith("No token is configured for the target “The Hub”")
    publications.retry(publication_id=publication.pk, by=lab.manager, actor=lab.actor(lab.manager))
    assert Job.objects.filter(kind="release.publish", state=JobState.QUEUED).count() == 1
    with pytest.raises(Refused) as refused:
        publications.retry(publication_id=publication.pk, by=lab.safety, actor=lab.actor(lab.safety))
    assert codes(refused) == {"release.not_in_role"}
