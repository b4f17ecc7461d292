"""Each state with its label, tone and icon, and the steps of a release on its way."""

from __future__ import annotations

from typing import Any

from accounts.roles import Role
from release.models import Release
from release.states import Decision, PublicationState, ReleaseState
from web.tones import Status, Tone

RELEASES = {
    ReleaseState.DRAFT: Status("Draft", Tone.PENDING, "pencil"),
    ReleaseState.IN_REVIEW: Status("In review", Tone.INFO, "eye"),
    ReleaseState.APPROVED: Status("Approved", Tone.SUCCESS, "signature"),
    ReleaseState.SCHEDULED: Status("Scheduled", Tone.INFO, "calendar-time"),
    ReleaseState.PUBLISHING: Status("Publishing", Tone.INFO, "cloud-upload"),
    ReleaseState.LIVE: Status("Live", Tone.SUCCESS, "world-check"),
    ReleaseState.WITHDRAWN: Status("Withdrawn", Tone.MUTED, "world-off"),
    ReleaseState.REFUSED: Status("Refused", Tone.DANGER, "hand-stop"),
}

PUBLICATIONS = {
    PublicationState.PENDING: Status("Waiting", Tone.PENDING, "hourglass"),
    PublicationState.STAGED: Status("Uploading", Tone.INFO, "cloud-upload"),
    PublicationState.VERIFIED: Status("Read back", Tone.INFO, "checklist"),
    PublicationState.LIVE: Status("Live", Tone.SUCCESS, "world-check"),
    PublicationState.DRIFTED: Status("Drifted", Tone.WARNING, "alert-triangle"),
    PublicationState.FAILED: Status("Given up", Tone.DANGER, "alert-octagon"),
    PublicationState.WITHDRAWN: Status("Withdrawn", Tone.MUTED, "world-off"),
}

DECISIONS = {
    Decision.APPROVE: Status("Approved", Tone.SUCCESS, "signature"),
    Decision.REFUSE: Status("Refused", Tone.DANGER, "hand-stop"),
}

WAY = (
    ReleaseState.DRAFT,
    ReleaseState.IN_REVIEW,
    ReleaseState.APPROVED,
    ReleaseState.PUBLISHING,
    ReleaseState.LIVE,
)
ENDED = frozenset({ReleaseState.LIVE, ReleaseState.WITHDRAWN})
IN_WORK = tuple(state for state in ReleaseState if state not in ENDED)


def release(value: str) -> Status:
    """The status of a stored state of a release."""
    return RELEASES[ReleaseState(value)]


def publication(value: str) -> Status:
    """The status of a stored state of a publication."""
    return PUBLICATIONS[PublicationState(value)]


def role(value: str) -> str:
    """A stored role in words."""
    return Role(value).label


def steps(release: Release) -> list[dict[str, Any]]:
    """Where a release stands on its way from draft to live, with the moments that are known."""
    state = ReleaseState(release.state)
    at = {
        ReleaseState.DRAFT: release.drafted_at,
        ReleaseState.IN_REVIEW: release.submitted_at,
        ReleaseState.LIVE: release.live_at,
    }
    position = WAY.index(_place(state))
    shown = []
    for index, step in enumerate(WAY):
        stands = "done" if index < position else "current" if index == position else "upcoming"
        shown.append(
            {"label": RELEASES[step].label, "state": stands, "at": at.get(step) if stands != "upcoming" else None}
        )
    if state == ReleaseState.LIVE:
        shown[-1]["state"] = "done"
    elif state == ReleaseState.REFUSED:
        shown[position] |= {"state": "failed", "label": "Refused"}
    elif state == ReleaseState.SCHEDULED:
        shown[position] |= {"label": "Scheduled", "at": release.scheduled_for}
    elif state == ReleaseState.WITHDRAWN:
        was_live = release.live_at is not None
        for step in shown[: len(WAY) if was_live else 3]:
            step["state"] = "done"
        if not was_live:
            shown[3] |= {"state": "skipped"}
            shown[4] |= {"state": "skipped"}
        shown.append({"label": "Withdrawn", "state": "current", "at": release.withdrawn_at})
    return shown


def _place(state: ReleaseState) -> ReleaseState:
    """The step of the way that a state belongs to."""
    aside = {
        ReleaseState.REFUSED: ReleaseState.IN_REVIEW,
        ReleaseState.SCHEDULED: ReleaseState.APPROVED,
        ReleaseState.WITHDRAWN: ReleaseState.LIVE,
    }
    return aside.get(state, state)
