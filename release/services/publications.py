"""Carrying a release out: publish, schedule, go live, withdraw. What is live is written here and nowhere else."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils import timezone

import audit.services as audit
import jobs.services as jobs
from accounts.models import User
from accounts.roles import Actor
from gating.services.gates import put_in_force
from licensing.services import offer_under
from registry.models import Disclosure, Serving, Variant
from registry.services.commits import commit_released
from registry.states import Level
from release import policies, states
from release.models import Publication, PublicationFile, Release, ReleaseItem
from release.selectors import facts_of, open_jobs, outline_of, successor_of
from release.services.reviews import locked, move
from release.states import PublicationState, ReleaseState, TargetKind
from rules import Refused, Verdict

PUBLISH_JOB = "release.publish"
WITHDRAW_JOB = "release.withdraw"
FIRE_JOB = "release.fire"
UNDER_WAY = (PublicationState.PENDING, PublicationState.STAGED, PublicationState.VERIFIED, PublicationState.FAILED)


@transaction.atomic
def publish(*, release_id: int, by: User | None, actor: Actor) -> Release:
    """Begin to carry an approved release out; every requirement is asked again first."""
    release = locked(release_id)
    now = timezone.now()
    policies.may_publish(facts_of(release), actor, now).require()
    _require_free_repositories(release)
    move(release, states.PUBLISH, by=by, at=now)
    for item in _items(release):
        if item.level == Level.HELD_BACK:
            continue
        for target in release.targets.all():
            publication, _ = Publication.objects.get_or_create(
                item=item,
                target=target,
                defaults={"release": release, "repo_id": _repo_id(item, target), "updated_at": now},
            )
            _journal(publication, item)
            jobs.enqueue(PUBLISH_JOB, subject=publication)
    _finish(release, at=now)
    return release


@transaction.atomic
def schedule(*, release_id: int, by: User, actor: Actor) -> Release:
    """Have the release published at the hour that was signed with it; the gates are asked again then."""
    release = locked(release_id)
    now = timezone.now()
    policies.may_schedule(facts_of(release), actor, now).require()
    move(release, states.SCHEDULE, by=by, at=now, scheduled_for=release.scheduled_for.isoformat())
    # One job for each hour: an earlier schedule's may still be waiting, and would otherwise stand for this one.
    hour = release.scheduled_for.isoformat()
    jobs.enqueue(FIRE_JOB, subject=release, key=f"{FIRE_JOB}:{release.pk}:{hour}", run_after=release.scheduled_for)
    return release


@transaction.atomic
def hold_back_schedule(*, release_id: int, verdict: Verdict) -> None:
    """Take a scheduled release back to approved, since at its hour something stood against it; its people see what."""
    release = locked(release_id)
    if release.state == ReleaseState.SCHEDULED:
        move(release, states.UNSCHEDULE, by=None, at=timezone.now(), reasons=verdict.as_list())


@transaction.atomic
def retry(*, publication_id: int, by: User, actor: Actor) -> None:
    """Take a publication that was given up on again, where it stopped."""
    # The release first, as everywhere, so that this never waits in a circle with a withdrawal.
    release = locked(Publication.objects.values_list("release", flat=True).get(pk=publication_id))
    publication = Publication.objects.select_for_update(of=("self",)).select_related("target").get(pk=publication_id)
    policies.may_retry(outline_of(release), actor).require()
    if publication.state == PublicationState.FAILED:
        now = timezone.now()
        publication.message, publication.updated_at = "", now
        publication.save(update_fields=["message", "updated_at"])
        jobs.enqueue(PUBLISH_JOB, subject=publication)
        _event(release, "release:publication:retried", publication, by, now)


@transaction.atomic
def withdraw(*, release_id: int, by: User, actor: Actor, reason: str) -> Release:
    """Take back what was disclosed: here at once, on targets by a job. Copies already made stay where they are."""
    release = locked(release_id)
    policies.may_withdraw(outline_of(release), actor).require()
    if not reason.strip():
        raise Refused.because(policies.WITHDRAWAL_REASON)
    now = timezone.now()
    Serving.objects.filter(
        release_digest=release.digest, variant__organization=release.organization, until=None
    ).update(until=now)
    for publication in release.publications.select_related("target"):
        if publication.target.kind == TargetKind.HERE:
            _set_state(publication, PublicationState.WITHDRAWN, now, withdrawn_at=now)
        elif successor := successor_of(publication):
            said = f"Replaced by “{successor.release.title}”, which stays as it is."
            _set_state(publication, PublicationState.WITHDRAWN, now, withdrawn_at=now, message=said)
        else:
            _stop_publishing(publication)
            jobs.enqueue(WITHDRAW_JOB, subject=publication)
    release.withdrawn_at = now
    move(release, states.WITHDRAW, by=by, at=now, fields=["withdrawn_at"], reason=reason)
    return release


def serve_here(publication: Publication) -> None:
    """Make the item what this instance serves to outsiders, in one transaction with everything that says so."""
    with transaction.atomic():
        release = locked(publication.release_id)
        if release.state != ReleaseState.PUBLISHING:
            return
        now = timezone.now()
        item = publication.item
        made = commit_released(
            variant=item.variant, checkpoint=item.packaged, title=release.title, author=release.submitted_by, at=now
        )
        Serving.objects.select_for_update().filter(variant=item.variant, until=None).update(until=now)
        Serving.objects.create(
            variant=item.variant,
            checkpoint=item.packaged,
            commit=made,
            level=item.level,
            release_digest=release.digest,
            since=now,
        )
        if item.gate_version:
            put_in_force(gate_version=item.gate_version, release_digest=release.digest, at=now)
        if item.license_version:
            offer_under(
                variant=item.variant, license_version=item.license_version, release_digest=release.digest, at=now
            )
        go_live(publication, remote_commit=made.oid, url="", at=now)


@transaction.atomic
def go_live(publication: Publication, *, remote_commit: str, url: str, at: datetime) -> None:
    """Record that the publication was observed live, and with the last one that the release is."""
    release = locked(publication.release_id)
    PublicationFile.objects.filter(publication=publication, verified_at=None).update(verified_at=at, uploaded_at=at)
    _set_state(publication, PublicationState.LIVE, at, remote_commit=remote_commit, url=url, live_at=at, message="")
    _event(
        release,
        "release:publication:live",
        publication,
        None,
        at,
        remote_commit=remote_commit,
        checkpoint=publication.item.packaged.digest,
        level=publication.item.level,
    )
    _finish(release, at=at)


@transaction.atomic
def note(publication: Publication, state: PublicationState, **fields: object) -> None:
    """Record a step of a publication."""
    _set_state(publication, state, timezone.now(), **fields)


@transaction.atomic
def give_up(publication: Publication, *, message: str) -> None:
    """Record that a publication was given up, and why; publishing it again resumes it."""
    now = timezone.now()
    _set_state(publication, PublicationState.FAILED, now, message=message[:1000], next_try_at=None)
    _event(publication.release, "release:publication:failed", publication, None, now, reason=message[:300])


@transaction.atomic
def withdrawn(publication: Publication) -> None:
    """Record that a target was read back hidden."""
    now = timezone.now()
    _set_state(publication, PublicationState.WITHDRAWN, now, withdrawn_at=now, message="")
    _event(publication.release, "release:publication:withdrawn", publication, None, now)


def is_wanted(publication: Publication) -> bool:
    """Whether it is still to be made visible: its release may have been withdrawn while bytes went up."""
    return Release.objects.filter(pk=publication.release_id, state=ReleaseState.PUBLISHING).exists()


def _require_free_repositories(release: Release) -> None:
    """Refuse while another release is on its way to one of the same repositories: a target has one publisher at a
    time. Releases of one variant wait for each other here."""
    variants = release.items.exclude(level=Level.HELD_BACK).values("variant")
    list(Variant.objects.select_for_update(no_key=True).filter(pk__in=variants).order_by("pk"))
    busy = (
        Publication.objects.filter(
            release__state=ReleaseState.PUBLISHING, item__variant__in=variants, target__in=release.targets.all()
        )
        .exclude(release=release)
        .select_related("release", "target")
        .first()
    )
    if busy:
        raise Refused.because(
            policies.REPOSITORY_BUSY, repo=busy.repo_id, target=busy.target.title, release=busy.release.title
        )


def _stop_publishing(publication: Publication) -> None:
    """Ask whoever publishes it to stop, once this is committed: a worker that ends its step holds its job's row and
    waits for the release's. The withdrawal waits until it has stopped."""
    for job in open_jobs(publication, PUBLISH_JOB):
        transaction.on_commit(partial(jobs.cancel, str(job.pk)))


def _finish(release: Release, *, at: datetime) -> None:
    """Move the release to live once nothing of it is under way, and put its disclosures in force."""
    if release.state != ReleaseState.PUBLISHING:
        return
    if release.publications.exclude(state=PublicationState.LIVE).exists():
        return
    for item in _items(release):
        _put_in_force(item, release, at)
        if item.level == Level.HELD_BACK:
            Serving.objects.filter(variant=item.variant, until=None).update(until=at)
    release.live_at = at
    move(release, states.GO_LIVE, by=None, at=at, fields=["live_at"])


def _put_in_force(item: ReleaseItem, release: Release, at: datetime) -> None:
    users = {user.username: user for user in User.objects.filter(username__in={x["owner"] for x in item.disclosures})}
    for line in item.disclosures:
        Disclosure.objects.filter(variant=item.variant, component=line["component"], superseded_at=None).update(
            superseded_at=at
        )
        Disclosure.objects.create(
            variant=item.variant,
            component=line["component"],
            level=line["level"],
            reason_code=line["reason_code"],
            note=line["note"],
            owner=users.get(line["owner"], release.submitted_by),
            review_on=line["review_on"] or None,
            decided_at=at,
            release_digest=release.digest,
        )


def _journal(publication: Publication, item: ReleaseItem) -> None:
    files = item.packaged.files.select_related("blob")
    PublicationFile.objects.bulk_create(
        (
            PublicationFile(
                publication=publication, path=file.path, sha256=file.blob_id, size_bytes=file.blob.size_bytes
            )
            for file in files
        ),
        ignore_conflicts=True,
        batch_size=2000,
    )


def _items(release: Release) -> list[ReleaseItem]:
    return list(release.items.select_related("variant__organization", "packaged", "checkpoint", "gate_version"))


def _repo_id(item: ReleaseItem, target: object) -> str:
    if target.kind == TargetKind.HERE:  # type: ignore[attr-defined]
        return item.variant.repo_id
    return f"{target.namespace}/{item.variant.name}"  # type: ignore[attr-defined]


def _set_state(publication: Publication, state: PublicationState, at: datetime, **fields: object) -> None:
    for name, value in fields.items():
        setattr(publication, name, value)
    publication.state, publication.updated_at = state, at
    publication.save(update_fields=["state", "updated_at", *fields])


def _event(
    release: Release, kind: str, publication: Publication, by: User | None, at: datetime, **facts: object
) -> None:
    audit.record(
        kind,
        subject=release,
        actor=by,
        at=at,
        organization=release.organization.name,
        target=publication.target.name,
        repo=publication.repo_id,
        **facts,
    )
