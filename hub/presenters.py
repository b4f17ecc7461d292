"""What the protocol's answers look like: the Hub's names for our facts. Asks nothing, decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from accounts.models import Token, User
from accounts.roles import WRITER_ROLES, Role, Scope
from hub import cards
from hub.masks import masked
from hub.selectors.trees import Entry
from hub.states import PullState
from registry.models import Commit, Variant
from web.tones import Status, Tone

EXPANDABLE = frozenset(
    (
        *("author", "baseModels", "cardData", "config", "createdAt", "disabled", "downloads", "downloadsAllTime"),
        *("evalResults", "gated", "gguf", "inference", "inferenceProviderMapping", "lastModified", "library_name"),
        *("likes", "mask_token", "model-index", "pipeline_tag", "private", "resourceGroup", "safetensors", "sha"),
        *("siblings", "spaces", "tags", "transformersInfo", "trendingScore", "usedStorage", "widgetData", "xetEnabled"),
        *("securityRepoStatus", "childrenModelCount"),
    )
)


def only(shown: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The named properties of a repository, and which it is."""
    return {name: shown[name] for name in ("_id", "id", *names) if name in shown}


def moment(at: datetime) -> str:
    """A time as the client parses it, ending in Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def whoami(user: User, token: Token, roles: dict[tuple[str, str], set[Role]]) -> dict[str, Any]:
    """The caller, their token and their organizations by (name, title)."""
    return {
        "type": "user",
        "id": str(user.pk),
        "name": user.username,
        "fullname": user.display_name,
        "email": user.email,
        "emailVerified": bool(user.email),
        "canPay": False,
        "isPro": False,
        "orgs": [
            {"type": "org", "name": name, "fullname": title or name, "roleInOrg": _role_word(held)}
            for (name, title), held in roles.items()
        ],
        "auth": {
            "type": "access_token",
            "accessToken": {
                "displayName": token.name,
                "role": "write" if Scope.WRITE in token.scope_set else "read",
                "createdAt": moment(token.created_at),
            },
        },
    }


def summary(variant: Variant, *, is_private: bool, gated: str | bool, modified: datetime, sha: str) -> dict[str, Any]:
    """A repository as it stands in a list."""
    return {
        "_id": masked(variant.pk),
        "id": variant.repo_id,
        "modelId": variant.repo_id,
        "author": variant.organization.name,
        "private": is_private,
        "gated": gated,
        "disabled": False,
        "downloads": variant.downloads,
        "likes": 0,
        "createdAt": moment(variant.created_at),
        "lastModified": moment(modified),
        "tags": [],
        "sha": sha or None,
    }


def card_fields(metadata: dict[str, Any]) -> dict[str, Any]:
    """What a card's metadata adds to a repository."""
    found: dict[str, Any] = {"cardData": metadata} | card_words(metadata)
    if isinstance(metadata.get("model-index"), list):
        found["model-index"] = metadata["model-index"]
    return found


def card_words(metadata: dict[str, Any]) -> dict[str, Any]:
    """What of a card's metadata repositories are searched by."""
    found: dict[str, Any] = {"tags": cards.tags(metadata)}
    return found | {
        name: metadata[name] for name in ("pipeline_tag", "library_name") if isinstance(metadata.get(name), str)
    }


def sibling(entry: Entry, *, with_blobs: bool) -> dict[str, Any]:
    """A file as it stands in a repository's information."""
    if not with_blobs:
        return {"rfilename": entry.path}
    return {"rfilename": entry.path, "size": entry.size_bytes, "blobId": entry.oid} | _large(entry, "sha256")


def tree_entry(
    entry: Entry, last_commit: Commit | None = None, security: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A file or folder as it stands in a listing."""
    kind = "directory" if entry.is_folder else "file"
    shown = {"type": kind, "oid": entry.oid, "size": entry.size_bytes, "path": entry.path} | _large(entry, "oid")
    if last_commit is not None:
        shown["lastCommit"] = {
            "id": last_commit.oid,
            "title": last_commit.title,
            "date": moment(last_commit.created_at),
        }
    if security is not None:
        shown["securityFileStatus"] = security
    return shown


def large_file(entry: Entry, last_commit: Commit, branch: str) -> dict[str, Any]:
    """A large file as it stands in the list of what takes up storage."""
    return {
        "fileOid": entry.oid,
        "oid": entry.sha256,
        "filename": entry.path,
        "pushedAt": moment(last_commit.created_at),
        "ref": f"refs/heads/{branch}",
        "size": entry.size_bytes,
    }


def commit(made: Commit, author: str, *, is_formatted: bool) -> dict[str, Any]:
    """A commit as it stands in a history."""
    shown = {
        "id": made.oid,
        "title": made.title,
        "message": made.message,
        "authors": [{"user": author}],
        "date": moment(made.created_at),
    }
    return shown | ({"formatted": {"title": made.title, "message": made.message}} if is_formatted else {})


def ref(prefix: str, name: str, oid: str) -> dict[str, str]:
    """A branch or tag."""
    return {"name": name, "ref": f"refs/{prefix}/{name}", "targetCommit": oid}


def _large(entry: Entry, name_of_hash: str) -> dict[str, Any]:
    if not entry.is_large:
        return {}
    return {"lfs": {name_of_hash: entry.sha256, "size": entry.size_bytes, "pointerSize": entry.pointer_size}}


def _role_word(held: set[Role]) -> str:
    if Role.OWNER in held:
        return "admin"
    return "write" if held & WRITER_ROLES else "read"


PULL_STATES = {
    PullState.DRAFT: Status("Draft", Tone.PENDING, "pencil"),
    PullState.OPEN: Status("Open", Tone.INFO, "git-branch"),
    PullState.CLOSED: Status("Closed", Tone.MUTED, "x"),
    PullState.MERGED: Status("Merged", Tone.SUCCESS, "git-merge"),
}
