"""Reads of releases, always for a viewer; an organization's releases do not exist for people outside it."""

from __future__ import annotations

from datetime import date

from django.db.models import QuerySet
from django.utils import timezone

import jobs.services as jobs
from accounts.models import Token, User
from accounts.roles import Actor, Role
from jobs.models import Job
from registry.models import Membership, Organization
from registry.selectors import actor_for, evidence_work, latest_evidence
from registry.states import EvidenceKind, Level, Outcome
from release import policies
from release.facts import DisclosureFacts, EvidenceFacts, ItemFacts, ReleaseFacts, TargetFacts, VoteFacts
from release.leaks import leaks
from release.models import Publication, Release, ReleaseItem, ReleasePolicy, Target, Waiver
from release.packaging import license_problem
from release.states import Decision, ReleaseState
from rules import Refused


def releases_for(user: User) -> QuerySet[Release]:
    """The releases that a person may know of: those of organizations that they belong to."""
    if not user.is_authenticated:
        return Release.objects.none()
    mine = Membership.objects.filter(user=user).values("organization")
    return Release.objects.filter(organization__in=mine).select_related("organization", "policy", "submitted_by")


def release_for(user: User, release_id: int) -> Release:
    """One release; Refused as missing for everybody outside its organization."""
    found = releases_for(user).filter(pk=release_id).first()
    if found is None:
        raise Refused.because(policies.NOT_MEMBER)
    return found


def actor_in(release: Release, user: User | None, token: Token | None = None) -> Actor:
    """Somebody as the release's policies see them."""
    return actor_for(user, release.organization, token)


def policy_in_force() -> ReleasePolicy:
    """The newest policy; there is always one once the instance is set up."""
    found = ReleasePolicy.objects.first()
    if found is None:
        raise RuntimeError("No release policy is installed; run `manage.py install_policy`.")
    return found


def targets_of(organization: Organization) -> QuerySet[Target]:
    """Where an organization's releases can go."""
    return Target.objects.filter(organization=organization, is_active=True)


def facts_of(release: Release) -> ReleaseFacts:
    """A release as the rules see it; the number of queries grows with its items."""
    items = release.items.select_related(
        "variant__organization", "checkpoint", "packaged", "license_version__license", "gate_version"
    )
    return ReleaseFacts(
        organization=release.organization.name,
        state=ReleaseState(release.state),
        digest=release.digest,
        title=release.title,
        policy=release.policy.document,
        policy_digest=release.policy.digest,
        submitted_by_id=release.submitted_by_id,
        scheduled_for=release.scheduled_for,
        items=tuple(item_facts(item) for item in items),
        targets=tuple(
            TargetFacts(target.name, target.kind, target.endpoint, target.namespace) for target in release.targets.all()
        ),
        votes=tuple(
            VoteFacts(Role(vote.role), vote.by_id, vote.by.username, Decision(vote.decision), vote.digest)
            for vote in release.reviews.select_related("by")
        ),
    )


def item_facts(item: ReleaseItem) -> ItemFacts:
    """One item as the rules see it."""
    license_version = item.license_version
    gate = item.gate_version
    is_leaving = item.level != Level.HELD_BACK
    return ItemFacts(
        repo_id=item.variant.repo_id,
        checkpoint=item.checkpoint.digest,
        packaged=item.packaged.digest if item.packaged else "",
        level=Level(item.level),
        license=str(license_version) if license_version else "",
        license_digest=(
            f"{license_version.license.key}@{license_version.version}"
            f":{license_version.text_sha256}:{license_version.terms_sha256}"
            if license_version
            else ""
        ),
        license_problem=license_problem(item.checkpoint, license_version) if is_leaving else "",
        gate=f"{gate.pk}:{gate.number}" if gate else "",
        has_gate=gate is not None,
        evidence=tuple(evidence_facts(item)),
        waived=waived(item),
        disclosures=tuple(DisclosureFacts(**line) for line in _lines(item)),
        leaks=leaks(item.variant, item.checkpoint_id) if is_leaving else (),
    )


def evidence_facts(item: ReleaseItem) -> list[EvidenceFacts]:
    """The newest evidence of each kind for the checkpoint, and whether more is being made."""
    made = latest_evidence(item.checkpoint)
    work = evidence_work(item.checkpoint)
    found = []
    for kind in EvidenceKind:
        evidence, job = made.get(kind), work.get(kind)
        is_running = bool(job and job.is_open)
        if evidence:
            found.append(EvidenceFacts(kind, Outcome(evidence.outcome), evidence.summary, evidence.pk, is_running))
        else:
            failed = f"It could not be made: {job.error_message}" if job and not job.is_open else ""
            found.append(EvidenceFacts(kind, None, failed, None, is_running))
    return found


def waived(item: ReleaseItem) -> frozenset[str]:
    """The requirements that a waiver in force lifts for the item's checkpoint."""
    rows = Waiver.objects.filter(digest=item.checkpoint.digest, expires_at__gt=timezone.now())
    return frozenset(rows.values_list("requirement", flat=True))


def publication_work(publications: list[Publication]) -> dict[int, Job]:
    """The newest job of each publication: what runs, waits or has failed."""
    subjects = {jobs.subject_of(publication): publication.pk for publication in publications}
    found: dict[int, Job] = {}
    for job in Job.objects.filter(subject__in=subjects).order_by("created_at"):
        found[subjects[job.subject]] = job
    return found


def _lines(item: ReleaseItem) -> list[dict]:  # type: ignore[type-arg]
    return [
        {
            **line,
            "level": Level(line["level"]),
            "review_on": date.fromisoformat(line["review_on"]) if line.get("review_on") else None,
        }
        for line in item.disclosures
    ]
