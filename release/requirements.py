"""What the release policy asks of a release, and how each point stands. Pure: facts in, requirements out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from accounts.roles import Role
from registry.states import Component, EvidenceKind, Level, Outcome
from release.facts import SHOWN_BY_FILES, EvidenceFacts, ItemFacts, ReleaseFacts, Standing
from release.states import Decision
from rules import Reason
from rules.verdict import Kind

EVIDENCE_TITLES = {
    EvidenceKind.VALIDATION: "Weights validated",
    EvidenceKind.LICENSE: "License present and known",
    EvidenceKind.SMOKE: "Quantized smoke inference",
    EvidenceKind.OPENNESS: "Card claims no more than is open",
}


# The requirements beside evidence that may be waived: two by legal reviewers, one by security reviewers.
LINEAGE_DECIDED = "lineage.decided"
LINEAGE_VERIFIED = "lineage.verified"
LIKENESS_DECIDED = "likeness.decided"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One point of the policy: what it asks, how it stands, why, and who acts next."""

    code: str
    title: str
    subject: str
    standing: Standing
    explanation: str
    lifted_by: str
    evidence_id: int | None = None

    def as_reason(self) -> Reason:
        """The requirement as a reason against going on."""
        where = f" ({self.subject})" if self.subject else ""
        return Reason(
            f"release.requirement.{self.code}", f"{self.title}{where}: {self.explanation}", self.lifted_by, Kind.WHEN
        )


def requirements(release: ReleaseFacts) -> list[Requirement]:
    """Everything the policy asks, in the order in which it is usually settled."""
    return [*content_requirements(release), *evidence_requirements(release), *approval_requirements(release)]


def content_requirements(release: ReleaseFacts) -> list[Requirement]:
    """That the draft says all it must: without these it cannot be submitted."""
    found = [
        _settled(
            "has_items",
            "Names what it releases",
            "",
            bool(release.items),
            f"{len(release.items)} in this release.",
            "No model is in this release yet.",
            "The release manager, by adding one",
        )
    ]
    leaves = [item for item in release.items if item.level != Level.HELD_BACK]
    if leaves:
        found.append(
            _settled(
                "has_target",
                "Says where it goes",
                "",
                bool(release.targets),
                ", ".join(target.name for target in release.targets),
                "No target is chosen.",
                "The release manager, by choosing a target",
            )
        )
    for item in release.items:
        found.extend(_about_item(item))
    return found


def evidence_requirements(release: ReleaseFacts) -> list[Requirement]:
    """That each checkpoint has the evidence that its level needs."""
    return [requirement for item in release.items for requirement in _evidence(release, item)]


def approval_requirements(release: ReleaseFacts) -> list[Requirement]:
    """That every role the policy names has signed this digest."""
    found = []
    for role in required_roles(release):
        vote = next((vote for vote in release.valid_votes if vote.role == role), None)
        if vote is None:
            void = any(vote.role == role for vote in release.votes)
            why = "An earlier signature is void, since the release changed." if void else "Has not signed yet."
            standing = Standing.UNMET
        elif vote.decision == Decision.APPROVE:
            standing, why = Standing.MET, f"Signed by {vote.by_name}."
        else:
            standing, why = Standing.UNMET, f"Refused by {vote.by_name}."
        found.append(
            Requirement(
                f"approval.{role.value}",
                f"Approved by {role.label}",
                "",
                standing,
                why,
                f"Somebody who is {role.label} and did not submit the release",
            )
        )
    return found


def required_roles(release: ReleaseFacts) -> list[Role]:
    """The roles that must sign: all that any item's level asks for, each once."""
    roles: list[Role] = []
    for item in release.items:
        for name in _section(release, "approvals").get(item.level.value, []):
            if (role := Role(name)) not in roles:
                roles.append(role)
    return roles


def _lawful(item: ItemFacts) -> Iterator[Requirement]:
    """That no license of its lineage is broken, and that every text goes along which one of them asks for."""
    if item.lineage is None:
        return
    yield _settled(
        "lineage.lawful",
        "Lawful by the licenses of its lineage",
        item.repo_id,
        not item.lineage.against,
        f"{item.lineage.owed} duties are owed, and none is broken.",
        " ".join(item.lineage.against),
        "The release manager, by changing what is proposed",
    )
    if item.lineage.missing:
        yield _settled(
            "lineage.texts",
            "Brings every text that its lineage asks for",
            item.repo_id,
            False,
            "",
            " ".join(item.lineage.missing),
            "Whoever uploads, by adding them, or a legal reviewer, by adding the license with its text",
        )


def _decided(item: ItemFacts) -> Iterator[Requirement]:
    """That a person answered what the licenses of its lineage leave open."""
    if item.lineage is None or not item.lineage.questions:
        return
    why = f"For legal to decide: {' '.join(item.lineage.questions)}"
    is_waived = LINEAGE_DECIDED in item.waived
    yield Requirement(
        LINEAGE_DECIDED,
        "Questions on its lineage decided",
        item.repo_id,
        Standing.WAIVED if is_waived else Standing.UNMET,
        f"Waived. {why}" if is_waived else why,
        "A legal reviewer, by establishing what is unknown, or by deciding with a waiver and its reason",
    )


def _verified(item: ItemFacts) -> Iterator[Requirement]:
    """That no parent is named whose weights are not in it: licenses are followed along what is named."""
    if not item.parents:
        return
    against = [f"{one.name}: {one.sentence}" for one in item.parents if one.is_contradicted]
    why = " ".join(against) or " ".join(f"{one.name}: {one.sentence}" for one in item.parents)
    is_waived = bool(against) and LINEAGE_VERIFIED in item.waived
    standing = Standing.WAIVED if is_waived else Standing.UNMET if against else Standing.MET
    yield Requirement(
        LINEAGE_VERIFIED,
        "Parents borne out by its weights",
        item.repo_id,
        standing,
        f"Waived. {why}" if is_waived else why,
        "Whoever names its parents, by naming the right one, or a legal reviewer, by a waiver with its reason",
    )


def _likeness(item: ItemFacts) -> Iterator[Requirement]:
    """That a person looked at what resembles held-back content, where a common ancestor may be all there is to it."""
    if not item.doubts:
        return
    why = f"For a security reviewer to decide: {' '.join(item.doubts)}"
    is_waived = LIKENESS_DECIDED in item.waived
    yield Requirement(
        LIKENESS_DECIDED,
        "Likeness to what is held back decided",
        item.repo_id,
        Standing.WAIVED if is_waived else Standing.UNMET,
        f"Waived. {why}" if is_waived else why,
        "The release manager, by naming the public parent of both, or a security reviewer, by a waiver with its reason",
    )


def _evidence(release: ReleaseFacts, item: ItemFacts) -> Iterator[Requirement]:
    asked = _section(release, "evidence").get(item.level.value, {})
    if EvidenceKind.OPENNESS.value not in asked:
        yield from _claims(item)
    for name, accepted in asked.items():
        kind = EvidenceKind(name)
        evidence = next((one for one in item.evidence if one.kind == kind), EvidenceFacts(kind, None))
        code = f"evidence.{kind.value}"
        standing, why = _evidence_standing(evidence, frozenset(Outcome(word) for word in accepted))
        if kind == EvidenceKind.OPENNESS and standing == Standing.MET:
            standing, why = _claims_standing(item)
        if standing not in (Standing.MET, Standing.RUNNING) and code in item.waived:
            standing, why = Standing.WAIVED, f"Waived. {why}"
        yield Requirement(
            code,
            EVIDENCE_TITLES[kind],
            item.repo_id,
            standing,
            why,
            "Whoever uploads a checkpoint that passes, or an owner of a waiver",
            evidence.id,
        )
    yield from _decided(item)
    yield from _verified(item)
    yield from _likeness(item)


def _claims(item: ItemFacts) -> Iterator[Requirement]:
    """That the card claims no more openness than this draft discloses; the policy need not ask for it."""
    if item.openness is None:
        return
    code = f"evidence.{EvidenceKind.OPENNESS.value}"
    standing, why = _claims_standing(item)
    if standing == Standing.UNMET and code in item.waived:
        standing, why = Standing.WAIVED, f"Waived. {why}"
    made = next((one for one in item.evidence if one.kind == EvidenceKind.OPENNESS), None)
    yield Requirement(
        code,
        EVIDENCE_TITLES[EvidenceKind.OPENNESS],
        item.repo_id,
        standing,
        why,
        "Whoever uploads a card with weaker words, the release manager by disclosing more, or an owner of a waiver",
        made.id if made else None,
    )


def _claims_standing(item: ItemFacts) -> tuple[Standing, str]:
    if item.openness is None:
        return Standing.MET, ""
    if item.openness.beyond:
        return Standing.UNMET, " ".join(item.openness.beyond)
    if item.openness.doubtful:
        return Standing.MET, f"To be looked at: {' '.join(item.openness.doubtful)}"
    return Standing.MET, f"It may say “{item.openness.label}”. {item.openness.why_not_more}".strip()


def _evidence_standing(evidence: EvidenceFacts, accepted: frozenset[Outcome]) -> tuple[Standing, str]:
    if evidence.is_running:
        return Standing.RUNNING, "Being made now."
    if evidence.outcome is None:
        return Standing.NOT_RUN, "There is none yet."
    if evidence.outcome == Outcome.NOT_RUN:
        return Standing.NOT_RUN, evidence.summary
    if evidence.outcome in accepted:
        return Standing.MET, evidence.summary
    return Standing.UNMET, evidence.summary


def _about_item(item: ItemFacts) -> Iterator[Requirement]:
    manager = "The release manager, in the draft"
    held_back = [line for line in item.disclosures if line.level == Level.HELD_BACK]
    if held_back or item.level == Level.HELD_BACK:
        incomplete = [line.component for line in held_back if not (line.reason_code and line.owner and line.review_on)]
        yield _settled(
            "held_back_explained",
            "Says why it is held back, who owns that, and when it is looked at again",
            item.repo_id,
            bool(held_back) and not incomplete,
            "Every held-back component has a reason, an owner and a review date.",
            f"Missing for: {', '.join(incomplete) or 'every component'}.",
            manager,
        )
    if item.level == Level.HELD_BACK:
        return
    yield _settled(
        "has_license",
        "Says under which license",
        item.repo_id,
        bool(item.license) and not item.license_problem,
        item.license,
        item.license_problem or "No license is chosen.",
        manager,
    )
    yield from _lawful(item)
    if item.level == Level.GATED:
        yield _settled(
            "has_gate",
            "Has a gate",
            item.repo_id,
            item.has_gate,
            "Form, terms and duration are set.",
            "No form and duration are set for requests.",
            "The release manager or an access reviewer, by setting the gate",
        )
    untrue = [
        line.component
        for line in item.disclosures
        if line.component in SHOWN_BY_FILES and line.level not in _levels_of_files(item.level, line.component)
    ]
    yield _settled(
        "files_follow_level",
        "Says of its files what is true of them",
        item.repo_id,
        not untrue,
        "What the files show is recorded at the level at which they leave.",
        f"Recorded at another level than the files that show it: {', '.join(untrue)}.",
        manager,
    )
    yield _settled(
        "no_leak",
        "Carries nothing that is held back",
        item.repo_id,
        not item.leaks,
        "Nothing in it was known again as content of a variant that is held back.",
        " ".join(item.leaks),
        "The release manager, by taking it out, releasing that variant as well or naming the public parent of both",
    )


def _levels_of_files(level: Level, component: str) -> tuple[Level, ...]:
    """The levels at which a component that the files show can truly be recorded; a gate leaves the card open."""
    is_open = level == Level.GATED and component == Component.MODEL_CARD
    return (level, Level.PUBLIC) if is_open else (level,)


def _settled(code: str, title: str, subject: str, holds: bool, met: str, unmet: str, lifted_by: str) -> Requirement:
    standing = Standing.MET if holds else Standing.UNMET
    return Requirement(code, title, subject, standing, met if holds else unmet, lifted_by)


def _section(release: ReleaseFacts, name: str) -> dict:  # type: ignore[type-arg]
    section = release.policy.get(name, {})
    return section if isinstance(section, dict) else {}
