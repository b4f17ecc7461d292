"""The cockpit of one release: all that its people look at before they act, made of facts, verdicts and rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone

from accounts.roles import Actor
from jobs.models import Job
from jobs.states import JobState
from registry.presenters import EVIDENCE, LEVELS
from registry.states import Component, Level
from release import policies, selectors
from release.facts import ReleaseFacts
from release.models import Release, ReleaseItem, Review
from release.presenters import board, diff, publications, requirements, states
from release.presenters.events import timeline
from release.requirements import requirements as asked
from release.states import TRANSITIONS, Decision, ReleaseState
from rules import Verdict
from web.tones import Status


@dataclass(frozen=True, slots=True)
class Vote:
    """One vote as it is listed; a void one was given for another digest."""

    review: Review
    role: str
    status: Status
    is_void: bool


@dataclass(frozen=True, slots=True)
class Item:
    """One variant of the release, with what it would change outside."""

    row: ReleaseItem
    url: str
    status: Status
    before: Status
    direction: str
    audience: str
    lines: list[diff.Line]
    files: list[diff.FileChange]
    has_forerunner: bool

    @property
    def is_shown(self) -> bool:
        """Whether anything of it leaves."""
        return bool(self.row.level != Level.HELD_BACK)


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of evidence in the making."""

    label: str
    job: Job

    @property
    def is_waiting(self) -> bool:
        """Whether no worker has it yet."""
        return bool(self.job.state == JobState.QUEUED)


def live(release: Release, actor: Actor) -> dict[str, Any]:
    """What changes while workers work: steps, requirements, publications, and the acts that depend on them."""
    facts = selectors.facts_of(release)
    verdicts = policies.acts(facts, actor, timezone.now())
    work = evidence_in_the_making(release)
    places = publications.rows(release)
    offered = offered_acts(facts, verdicts)
    return {
        "release": release,
        "facts": facts,
        "status": states.release(release.state),
        "steps": states.steps(release),
        "next_by": board.next_by(facts, [place.row for place in places]),
        "groups": requirements.groups(facts),
        "count": requirements.count(facts),
        "waivable": bool(requirements.waivable(facts)) and release.state not in states.ENDED,
        "work": work,
        "places": places,
        "acts": offered,
        "verdicts": verdicts,
        "known": _fingerprint(facts, verdicts),
        "is_moving": is_moving(release, work, places),
        "events": timeline(selectors.events_of(release)),
        "may_retry": policies.may_retry(facts, actor),
        "voting_role": policies.voting_role(facts, actor),
    }


def whole(release: Release, actor: Actor) -> dict[str, Any]:
    """The context of the whole page."""
    shown = live(release, actor)
    return shown | {
        "items": items(release),
        "votes": votes(release),
        "targets": list(release.targets.all()),
        "may_change": shown["verdicts"]["change"],
    }


def offered_acts(facts: ReleaseFacts, verdicts: dict[str, Verdict]) -> dict[str, Verdict]:
    """The acts that start at the present state, whoever may do them; the others make no sense now."""
    possible = {transition.name for transition in TRANSITIONS.from_state(facts.state)}
    return {verb: verdict for verb, verdict in verdicts.items() if verb in possible}


def items(release: Release) -> list[Item]:
    """The release's variants with the difference that each would make; a few queries for each."""
    rows = list(
        release.items.select_related(
            "variant__organization", "checkpoint", "packaged", "license_version__license", "gate_version"
        )
    )
    in_force = selectors.disclosures_in_force([row.variant_id for row in rows])
    forerunners = selectors.live_items([row.variant_id for row in rows])
    return [_item(release, row, in_force.get(row.variant_id, {}), forerunners.get(row.variant_id)) for row in rows]


def votes(release: Release) -> list[Vote]:
    """All votes, newest first; those for another digest, or by the submitter, are void."""
    return [
        Vote(
            review,
            states.role(review.role),
            states.DECISIONS[Decision(review.decision)],
            review.digest != release.digest or review.by_id == release.submitted_by_id,
        )
        for review in release.reviews.select_related("by").order_by("-id")
    ]


def evidence_in_the_making(release: Release) -> list[Work]:
    """The open jobs that make evidence for this release's checkpoints."""
    found = []
    for item in release.items.select_related("checkpoint", "variant__organization"):
        for kind, job in selectors.evidence_work(item.checkpoint).items():
            if job.is_open:
                found.append(Work(f"{EVIDENCE[kind]} of {item.variant.name}", job))
    return found


def is_moving(release: Release, work: list[Work], places: list[publications.Place]) -> bool:
    """Whether the page should look again by itself."""
    if release.state == ReleaseState.SCHEDULED or work:
        return True
    if release.state == ReleaseState.PUBLISHING:
        return any(place.is_on_its_way for place in places)
    return any(place.is_leaving for place in places)


def _item(release: Release, row: ReleaseItem, in_force: dict[str, str], forerunner: ReleaseItem | None) -> Item:
    before = (
        in_force.get(Component.WEIGHTS, "") if forerunner or in_force.get(Component.WEIGHTS) == Level.HELD_BACK else ""
    )
    if forerunner is not None and forerunner.release_id == release.pk:
        forerunner = None
    leaving = row.packaged or row.checkpoint
    known = selectors.files_of(forerunner.packaged) if forerunner and forerunner.packaged else {}
    after = selectors.files_of(leaving) if row.level != Level.HELD_BACK else {}
    return Item(
        row,
        reverse("variant:card", args=[row.variant.organization.name, row.variant.name]),
        LEVELS[Level(row.level)],
        diff.level(before) if before else diff.NOT_DISCLOSED,
        diff.direction(before, row.level),
        diff.audience(before, row.level),
        diff.lines(in_force, row.disclosures),
        diff.file_changes(known, after),
        forerunner is not None,
    )


def _fingerprint(facts: ReleaseFacts, verdicts: dict[str, Verdict]) -> str:
    """Changes when a requirement stands otherwise, or an act becomes possible or impossible."""
    said = [facts.state, facts.digest, *(f"{verb}:{sorted(verdict.codes)}" for verb, verdict in verdicts.items())]
    said += [f"{one.code}:{one.subject}:{one.standing}:{one.explanation}" for one in asked(facts)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]
