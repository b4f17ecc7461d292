"""The board: what is out at which level, what is in work and who acts next, what waits for one's own signature."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from registry.models import Disclosure
from registry.presenters import LEVELS, REASONS
from registry.states import Level, ReasonCode
from release import selectors
from release.facts import ReleaseFacts
from release.models import Publication, Release
from release.presenters import states
from release.requirements import approval_requirements, required_roles
from release.states import PublicationState, ReleaseState
from web.tones import Status

SHOWN_PER_LEVEL = 6
SHOWN_SIGNATURES = 20


@dataclass(frozen=True, slots=True)
class Standing:
    """One variant at its level."""

    repo_id: str
    decision: Disclosure
    release: Release | None
    places: list[Publication]
    reason: str


@dataclass(frozen=True, slots=True)
class Column:
    """One disclosure level with the variants that stand there now."""

    level: Level
    status: Status
    count: int
    rows: list[Standing]
    more_url: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One release in a list."""

    release: Release
    url: str
    status: Status
    next_by: str
    levels: list[Status]
    variants: list[str]
    waits_for_role: str = field(default="")


def columns(user: User) -> list[Column]:
    """The three levels, widest first, each with its newest variants; a constant number of queries."""
    counts = selectors.count_by_level(user)
    in_force = selectors.weights_in_force(user)
    by_level = {level: list(in_force.filter(level=level)[:SHOWN_PER_LEVEL]) for level in Level}
    rows = standings(user, [row for rows in by_level.values() for row in rows])
    shown = []
    for level in Level:
        of_level = [row for row in rows if row.decision.level == level]
        more = f"{reverse('release:level', args=[level.value])}" if counts[level.value] > len(of_level) else ""
        shown.append(Column(level, LEVELS[level], counts[level.value], of_level, more))
    return shown


def standings(user: User, decisions: Iterable[Disclosure]) -> list[Standing]:
    """Decisions in force with the releases that brought them and the places where they are observed."""
    decisions = list(decisions)
    releases = selectors.releases_with_digests(user, {row.release_digest for row in decisions})
    places = selectors.live_publications([row.variant_id for row in decisions])
    return [
        Standing(
            row.variant.repo_id,
            row,
            releases.get(row.release_digest),
            places.get(row.variant_id, []) if row.level != Level.HELD_BACK else [],
            REASONS[ReasonCode(row.reason_code)] if row.reason_code else "",
        )
        for row in decisions
    ]


def row(release: Release) -> Row:
    """A release of a list, whose parts were fetched before."""
    facts = selectors.outline_of(release)
    items = list(release.items.all())
    levels = [level for level in Level if any(item.level == level for item in items)]
    return Row(
        release,
        reverse("release:cockpit", args=[release.pk]),
        states.release(release.state),
        next_by(facts, list(release.publications.all())),
        [LEVELS[level] for level in levels],
        [item.variant.name for item in items],
    )


def next_by(facts: ReleaseFacts, publications: Iterable[Publication] = ()) -> str:
    """Who acts next, in words; empty where nobody must."""
    state = facts.state
    if state == ReleaseState.IN_REVIEW:
        missing = [role.label for role, asked in _asked(facts).items() if not asked.standing.is_settled]
        return _sentence_case(" and ".join(missing)) if missing else "Nobody is left to sign"
    if state == ReleaseState.PUBLISHING:
        has_failed = any(one.state == PublicationState.FAILED for one in publications)
        return "Release manager, to try again" if has_failed else "Publishing workers"
    return {
        ReleaseState.DRAFT: "Release manager, to complete and submit it",
        ReleaseState.APPROVED: "Release manager, to publish it",
        ReleaseState.SCHEDULED: "The clock",
        ReleaseState.REFUSED: "Release manager, to take it back to draft",
    }.get(state, "")


def awaiting_signature(user: User) -> list[Row]:
    """The releases that wait for this person's own signature, oldest submission first."""
    roles = selectors.roles_of(user)
    if not roles:
        return []
    waiting = selectors.with_parts(selectors.releases_for(user).filter(state=ReleaseState.IN_REVIEW))
    found = []
    for release in waiting.order_by("submitted_at")[: 5 * SHOWN_SIGNATURES]:
        facts = selectors.outline_of(release)
        role = _open_role(facts, roles.get(release.organization_id, frozenset()), user.pk)
        if role:
            shown = row(release)
            found.append(Row(release, shown.url, shown.status, shown.next_by, shown.levels, shown.variants, role.label))
    return found[:SHOWN_SIGNATURES]


def filters(user: User, chosen: str, path: str) -> list[dict[str, Any]]:
    """The filter by state as tabs: all in work, then each state that has releases."""
    counts = selectors.count_by_state(user)
    in_work = sum(counts.get(state.value, 0) for state in states.IN_WORK)
    shown = [{"label": "In work", "url": path, "is_current": not chosen, "count": in_work}]
    for state in ReleaseState:
        if counts.get(state.value) or chosen == state.value:
            shown.append(
                {
                    "label": states.RELEASES[state].label,
                    "url": f"{path}?state={state.value}",
                    "is_current": chosen == state.value,
                    "count": counts.get(state.value, 0),
                }
            )
    return shown


def _asked(facts: ReleaseFacts) -> dict[Role, Any]:
    return dict(zip(required_roles(facts), approval_requirements(facts), strict=True))


def _open_role(facts: ReleaseFacts, mine: frozenset[Role], user_id: int) -> Role | None:
    if facts.submitted_by_id == user_id or any(vote.by_id == user_id for vote in facts.valid_votes):
        return None
    voted = {vote.role for vote in facts.valid_votes}
    return next((role for role in required_roles(facts) if role in mine and role not in voted), None)


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]
