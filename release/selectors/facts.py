"""What the rules are given, read from rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.utils import timezone

from accounts.roles import Role
from licensing.openness_reads import Openness
from registry.selectors import evidence_work, latest_evidence
from registry.states import EvidenceKind, Level, Outcome
from release.card import BadCard
from release.facts import (
    DisclosureFacts,
    EvidenceFacts,
    ItemFacts,
    LineageFacts,
    OpennessFacts,
    ParentFacts,
    ReleaseFacts,
    TargetFacts,
    VoteFacts,
)
from release.leaks import Leaks, leaks
from release.models import Release, ReleaseItem, Review, Waiver
from release.packaging import license_problem, lineage_of_item, openness_of_item
from release.parentage import Parentage, Standing, parentage_of
from release.states import Decision, ReleaseState


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
        votes=_votes(release.reviews.select_related("by")),
    )


def outline_of(release: Release) -> ReleaseFacts:
    """What a release says without what its evidence says: enough to know who must sign; no query of its own where
    items and reviews were fetched before."""
    return ReleaseFacts(
        organization=release.organization.name,
        state=ReleaseState(release.state),
        digest=release.digest,
        title=release.title,
        policy=release.policy.document,
        submitted_by_id=release.submitted_by_id,
        items=tuple(ItemFacts(item.variant.repo_id, "", "", Level(item.level)) for item in release.items.all()),
        votes=_votes(release.reviews.all()),
    )


def item_facts(item: ReleaseItem) -> ItemFacts:
    """One item as the rules see it."""
    license_version = item.license_version
    gate = item.gate_version
    is_leaving = item.level != Level.HELD_BACK
    found = leaks(item.variant, item.checkpoint_id) if is_leaving else Leaks()
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
        leaks=found.sure,
        doubts=found.doubtful,
        openness=openness_facts(openness_of_item(item)) if is_leaving else None,
        lineage=_lineage(item) if is_leaving else None,
        parents=parent_facts(parentage_of(item.variant, item.checkpoint)) if is_leaving else (),
    )


def _lineage(item: ReleaseItem) -> LineageFacts | None:
    """What licenses along the lineage say; a card that cannot be read is refused for that alone."""
    try:
        return lineage_of_item(item)
    except BadCard:
        return None


def parent_facts(found: Iterable[Parentage]) -> tuple[ParentFacts, ...]:
    """What the rules need of what weights say of parents."""
    return tuple(ParentFacts(one.parent, one.sentence, one.standing == Standing.CONTRADICTED) for one in found)


def openness_facts(found: Openness) -> OpennessFacts:
    """What the rules need of an assessment."""
    sentences = [(excess.severity, f"{excess.message} {excess.fix}") for excess in found.excesses]
    return OpennessFacts(
        label=found.assessment.label.label.value,
        why_not_more=found.assessment.label.why_not_more,
        beyond=tuple(sentence for severity, sentence in sentences if severity == "block"),
        doubtful=tuple(sentence for severity, sentence in sentences if severity != "block"),
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


def _votes(reviews: Iterable[Review]) -> tuple[VoteFacts, ...]:
    return tuple(
        VoteFacts(Role(vote.role), vote.by_id, vote.by.username, Decision(vote.decision), vote.digest)
        for vote in reviews
    )


def _lines(item: ReleaseItem) -> list[dict]:  # type: ignore[type-arg]
    return [
        {
            **line,
            "level": Level(line["level"]),
            "review_on": date.fromisoformat(line["review_on"]) if line.get("review_on") else None,
        }
        for line in item.disclosures
    ]
