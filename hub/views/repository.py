"""The way from a name in a path to a repository that the caller may see, read or write."""

from __future__ import annotations

from gating.policies.access import NOT_FOUND
from hub import errors, policies
from hub.call import Call
from hub.errors import HubRefused
from hub.selectors import repositories
from hub.selectors.repositories import Repository
from rules import Refused


class SentOn(Exception):
    """The repository has another name now; `location` is the same request under it."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


def seen(call: Call, ns: str, name: str) -> Repository:
    """The repository, where the caller may know of it."""
    repo_id = f"{ns}/{name}"
    try:
        return repositories.repository(call.user, call.scopes, repo_id)
    except Refused as refused:
        now = repositories.renamed(call.user, call.scopes, repo_id) if NOT_FOUND.code in refused.verdict.codes else None
        if now is None:
            raise
        raise SentOn(call.location_under(repo_id, now)) from None


def read(call: Call, ns: str, name: str, path: str = "") -> Repository:
    """The repository, where the caller may read the file; a refusal is the gate's, in words the client shows."""
    found = seen(call, ns, name)
    verdict = found.access.reads_path(path)
    if not verdict.allowed:
        raise HubRefused(verdict, code=errors.GATE)
    return found


def written(call: Call, ns: str, name: str) -> Repository:
    """The repository, where the caller may write to it."""
    found = seen(call, ns, name)
    if call.user is None:
        raise Refused.because(policies.LOG_IN)
    found.access.writes.require()
    return found
