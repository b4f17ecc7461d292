"""Pull requests as the protocol answers them. Asks nothing, decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accounts.models import User
from hub.models import PullRequest
from hub.presenters import moment
from hub.selectors.pull_requests import Said
from hub.states import PullEventKind
from registry.services.commits import MAIN
from web.markdown import render_card


def pull_request(row: PullRequest) -> dict[str, Any]:
    """A pull request as it stands in a list."""
    return {
        "num": row.number,
        "title": row.title,
        "author": _speaker(row.author),
        "createdAt": moment(row.created_at),
        "status": row.state,
        "isPullRequest": True,
        "pinned": False,
        "repo": {"name": row.variant.repo_id, "type": "model"},
        "repoOwner": {"name": row.variant.organization.name, "type": "org"},
    }


def pull_details(row: PullRequest, told: list[Said], clashing: list[str], *, diff: str | None) -> dict[str, Any]:
    """A pull request with all that happened in it."""
    changes: dict[str, Any] = {"base": f"refs/heads/{MAIN}"}
    if row.merge_commit:
        changes["mergeCommitId"] = row.merge_commit.oid
    return pull_request(row) | {
        "events": [pull_event(said) for said in told],
        "changes": changes,
        "filesWithConflicts": clashing,
        "diff": diff,
        "locked": False,
    }


def pull_event(said: Said) -> dict[str, Any]:
    """Something that happened in a pull request."""
    event = said.event
    kinds: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
        PullEventKind.COMMENT: ("comment", lambda: _comment(said)),
        PullEventKind.COMMIT: ("commit", lambda: {"subject": event.commit.title, "oid": event.commit.oid}),
        PullEventKind.STATE: ("status-change", lambda: {"status": event.text}),
        PullEventKind.TITLE: ("title-change", lambda: {"from": event.former, "to": event.text}),
    }
    kind, told = kinds[event.kind]
    return {
        "id": f"{event.pk:024x}",
        "type": kind,
        "createdAt": moment(event.at),
        "author": _speaker(event.by),
        "data": told(),
    }


def _comment(said: Said) -> dict[str, Any]:
    versions = [said.event, *said.words]
    shown = [
        {
            "raw": "" if said.is_hidden else version.text,
            "html": "" if said.is_hidden else render_card(version.text),
            "updatedAt": moment(version.at),
            "author": _speaker(version.by),
        }
        for version in versions
    ]
    return {
        "edited": bool(said.words),
        "hidden": said.is_hidden,
        "latest": shown[-1],
        "history": shown[:-1],
        "numEdits": len(said.words),
        "identifiedLanguage": None,
        "reactions": [],
    }


def _speaker(user: User) -> dict[str, str]:
    return {"_id": f"{user.pk:024x}", "name": user.username, "fullname": user.display_name, "type": "user"}
