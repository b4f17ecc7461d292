"""What a repository holds at a revision, and how it came to be: trees, paths, refs, commits."""

from __future__ import annotations

from bisect import bisect_right
from typing import NoReturn

from django.http import HttpResponse, JsonResponse

from hub import presenters
from hub.call import Call, malformed
from hub.errors import HubRefused
from hub.selectors import pull_requests, security
from hub.selectors.last_commits import last_commits
from hub.selectors.repositories import Repository
from hub.selectors.trees import Entry, tree_of
from hub.services import refs as ref_services
from hub.views import repository
from registry import policies as registry
from registry.models import Commit
from registry.services.commits import MAIN
from registry.states import RefKind
from rules import Refused

TREE_PAGE, EXPANDED_PAGE, COMMIT_PAGE, MOST_PATHS = 1000, 100, 50, 5000


def tree(call: Call, ns: str, name: str, rev: str, path: str = "") -> HttpResponse:
    """A page of the files and folders below a folder."""
    found = repository.seen(call, ns, name)
    commit = found.commit_or_none(rev)
    whole, folder = tree_of(commit.checkpoint if commit else None), path.strip("/")
    if folder and (folder not in whole.entries or not whole.entries[folder].is_folder):
        verdict = Refused.because(registry.PATH_MISSING, path=folder).verdict
        raise HubRefused(verdict, headers={"X-Repo-Commit": commit.oid} if commit else {})
    listed = whole.below(folder, is_recursive=call.asks("recursive"))
    size = EXPANDED_PAGE if call.asks("expand") else TREE_PAGE
    start = bisect_right([entry.path for entry in listed], call.query("cursor")) if call.query("cursor") else 0
    page = listed[start : start + size]
    answer = JsonResponse(_shown(found, commit, page, is_expanded=call.asks("expand")), safe=False)
    if start + size < len(listed):
        answer["Link"] = call.next_link(cursor=page[-1].path)
    return answer


def large_files(call: Call, ns: str, name: str) -> HttpResponse:
    """A page of the large files of the main branch, for those who may write."""
    found = repository.written(call, ns, name)
    commit = found.commit_or_none(MAIN)
    listed = [entry for entry in tree_of(commit.checkpoint if commit else None).files if entry.is_large]
    start = bisect_right([entry.path for entry in listed], call.query("cursor")) if call.query("cursor") else 0
    page = listed[start : start + EXPANDED_PAGE]
    last = last_commits(found, commit, page) if commit else {}
    shown = [presenters.large_file(entry, last.get(entry.path, commit), MAIN) for entry in page]
    answer = JsonResponse(shown, safe=False)
    if start + EXPANDED_PAGE < len(listed):
        answer["Link"] = call.next_link(cursor=page[-1].path)
    return answer


def delete_large_files(call: Call, ns: str, name: str) -> NoReturn:
    """Refuse to delete for good what commits name."""
    ref_services.refuse_rewriting(repository.written(call, ns, name))


def paths(call: Call, ns: str, name: str, rev: str) -> HttpResponse:
    """Those of the named paths that are there; sent as a form or as JSON."""
    found = repository.seen(call, ns, name)
    commit = found.commit_or_none(rev)
    if call.request.content_type == "application/json":
        sent = call.json()
        wanted, is_expanded = sent.get("paths"), sent.get("expand") is True
        wanted = [wanted] if isinstance(wanted, str) else wanted
    else:
        fields = call.form()
        wanted = [value for key, value in fields if key in {"paths", "paths[]"}]
        is_expanded = ("expand", "true") in [(key, value.lower()) for key, value in fields]
    if not isinstance(wanted, list) or len(wanted) > MOST_PATHS or not all(isinstance(path, str) for path in wanted):
        raise malformed(f"The field paths must be a list of at most {MOST_PATHS} texts.")
    entries = tree_of(commit.checkpoint if commit else None).entries
    there = [entries[path.strip("/")] for path in dict.fromkeys(wanted) if path.strip("/") in entries]
    return JsonResponse(_shown(found, commit, there, is_expanded=is_expanded), safe=False)


def _shown(found: Repository, commit: Commit | None, entries: list[Entry], *, is_expanded: bool) -> list[dict]:
    """Entries as they stand in listings; expanded with their last commit and what validation said of them."""
    if commit is None or not is_expanded:
        return [presenters.tree_entry(entry) for entry in entries]
    last = last_commits(found, commit, entries)
    scans = security.of_files(found, commit.checkpoint, [entry.path for entry in entries if not entry.is_folder])
    return [presenters.tree_entry(entry, last.get(entry.path), scans.get(entry.path)) for entry in entries]


def refs(call: Call, ns: str, name: str) -> HttpResponse:
    """Branches and tags."""
    found = repository.seen(call, ns, name)
    listed = found.refs()
    shown = {
        "branches": [presenters.ref("heads", ref, oid) for kind, ref, oid in listed if kind == RefKind.BRANCH],
        "tags": [presenters.ref("tags", ref, oid) for kind, ref, oid in listed if kind == RefKind.TAG],
        "converts": [],
    }
    if call.asks("include_prs"):
        heads = pull_requests.heads(found).items()
        shown["pullRequests"] = [presenters.ref("pr", str(number), commit.oid) for number, commit in sorted(heads)]
    return JsonResponse(shown)


def commits(call: Call, ns: str, name: str, rev: str) -> HttpResponse:
    """A page of the history before a revision, newest first."""
    found = repository.seen(call, ns, name)
    page, limit = _number(call, "p", 0), min(_number(call, "limit", COMMIT_PAGE), 1000) or COMMIT_PAGE
    listed = found.history(rev, skip=page * limit, limit=limit + 1)
    is_formatted = "formatted" in call.words("expand")
    shown = [presenters.commit(commit, found.author_of(commit), is_formatted=is_formatted) for commit in listed[:limit]]
    answer = JsonResponse(shown, safe=False)
    if len(listed) > limit:
        answer["Link"] = call.next_link(p=str(page + 1))
    return answer


def create_branch(call: Call, ns: str, name: str, branch: str) -> HttpResponse:
    """Make a branch from a revision, or from `main`."""
    found = repository.written(call, ns, name)
    start = call.json().get("startingPoint")
    if start is not None and not isinstance(start, str):
        raise malformed("The field startingPoint must be a text.")
    ref_services.create_branch(repository=found, name=branch, starting_point=start or "main")
    return JsonResponse({})


def delete_branch(call: Call, ns: str, name: str, branch: str) -> HttpResponse:
    """Forget a branch."""
    ref_services.delete(repository=repository.written(call, ns, name), kind=RefKind.BRANCH, name=branch)
    return JsonResponse({})


def create_tag(call: Call, ns: str, name: str, rev: str) -> HttpResponse:
    """Name the commit that a revision is."""
    found = repository.written(call, ns, name)
    tag = call.json().get("tag")
    if not isinstance(tag, str):
        raise malformed("The field tag must be a text.")
    ref_services.create_tag(repository=found, name=tag, revision=rev)
    return JsonResponse({})


def delete_tag(call: Call, ns: str, name: str, tag: str) -> HttpResponse:
    """Forget a tag."""
    ref_services.delete(repository=repository.written(call, ns, name), kind=RefKind.TAG, name=tag)
    return JsonResponse({})


def squash(call: Call, ns: str, name: str, branch: str) -> NoReturn:
    """Refuse to rewrite history."""
    ref_services.refuse_rewriting(repository.written(call, ns, name))


def _number(call: Call, name: str, default: int) -> int:
    text = call.query(name)
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 8):
        raise malformed(f"The parameter {name} must be a number.")
    return int(text)
