"""Background work of releases: publish, withdraw, fire at the signed hour."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.roles import SYSTEM
from jobs import Retry, handler
from jobs.running import Lease
from release.models import Publication, Release
from release.publishing.steps import publish_to_hub, withdraw_from_hub
from release.selectors import open_jobs
from release.services import publications as services
from release.states import ReleaseState, TargetKind
from rules import Refused

BACKOFF = tuple(settings.PUBLISH_RETRY_SECONDS)


def _given_up(subject: str, code: str, message: str) -> None:
    publication = _publication(subject.rpartition(":")[2])
    if publication.live_at is None:
        services.give_up(publication, message=message)


@handler(
    services.PUBLISH_JOB,
    queue="publish",
    max_attempts=12,
    backoff=BACKOFF,
    on_failure=_given_up,
    title="Publication",
)
def publish(lease: Lease) -> None:
    """Carry one publication out, or wait and say what for."""
    publication = _publication(lease.subject_id)
    if publication.release.state != ReleaseState.PUBLISHING or publication.live_at:
        return
    try:
        if publication.target.kind == TargetKind.HERE:
            with lease.writing():
                services.serve_here(publication)
        else:
            publish_to_hub(lease, publication)
    except Retry as error:
        _say_waiting(lease, publication, error)
        raise


@handler(services.WITHDRAW_JOB, queue="publish", max_attempts=50, backoff=BACKOFF, title="Withdrawal")
def withdraw(lease: Lease) -> None:
    """Hide one publication on its target."""
    publication = _publication(lease.subject_id)
    if publication.withdrawn_at is not None:
        return
    if open_jobs(publication, services.PUBLISH_JOB):
        # Whoever is still publishing could open the repository after it was closed.
        raise Retry("release.still_publishing", "The upload is being stopped first.", after_seconds=2, counts=False)
    withdraw_from_hub(lease, publication)


@handler(services.FIRE_JOB, queue="default", max_attempts=3, title="Scheduled release")
def fire(lease: Lease) -> None:
    """Publish a scheduled release, if every requirement still holds at this moment."""
    release = Release.objects.get(pk=lease.subject_id)
    # An earlier schedule's job finds another hour here, or none.
    if release.state != ReleaseState.SCHEDULED or release.scheduled_for > timezone.now():
        return
    try:
        services.publish(release_id=release.pk, by=None, actor=SYSTEM)
    except Refused as refused:
        services.hold_back_schedule(release_id=release.pk, verdict=refused.verdict)


def _publication(publication_id: str) -> Publication:
    rows = Publication.objects.select_related(
        "release__organization",
        "release__submitted_by",
        "item__variant__organization",
        "item__packaged",
        "item__gate_version",
        "target",
    )
    return rows.get(pk=publication_id)


def _say_waiting(lease: Lease, publication: Publication, error: Retry) -> None:
    pause = BACKOFF[min(lease.job.attempts, len(BACKOFF)) - 1]
    with lease.writing():
        Publication.objects.filter(pk=publication.pk).update(
            message=error.message, tries=lease.job.attempts, next_try_at=timezone.now() + timedelta(seconds=pause)
        )
