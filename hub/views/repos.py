"""Repositories: create, change, look at, list."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse

from hub import policies, presenters
from hub.call import Call, malformed, text_of
from hub.errors import missing_repo
from hub.selectors import infos, lists, storage
from hub.selectors import repositories as one
from hub.services import removal, repositories
from hub.views import repository
from rules import Refused

GOVERNED_IS_PRIVATE = "visibility; Created private: in a governed namespace only a release makes a model public."


def create(call: Call) -> HttpResponse:
    """Make a repository."""
    user, sent = call.somebody(), call.json()
    _models_only(text_of(sent, "type", "model"))
    namespace, _, name = _name_in(sent, user.username).partition("/")
    visibility = text_of(sent, "visibility", "private" if sent.get("private") else "")
    if visibility not in {"", "private", "public"}:
        raise malformed('The field visibility must be "private" or "public".')
    made = repositories.create(
        namespace=namespace,
        name=name,
        by=user,
        token=call.token,
        is_private=visibility == "private",
        url=f"{call.origin}/{{repo_id}}",
    )
    answer = JsonResponse({"url": f"{call.origin}/{made.repo_id}", "name": made.repo_id, "id": made.repo_id})
    if visibility == "public" and made.is_private:
        answer["X-HF-Warning"] = GOVERNED_IS_PRIVATE
    return answer


def delete(call: Call) -> HttpResponse:
    """Delete a repository, where its namespace is under direct control."""
    user, sent = call.somebody(), call.json()
    _models_only(text_of(sent, "type", "model"))
    found = one.repository(user, call.scopes, _name_in(sent, user.username))
    removal.delete(repository=found, token=call.token)
    return JsonResponse({})


def move(call: Call) -> HttpResponse:
    """Rename a repository, where its namespace is under direct control."""
    user, sent = call.somebody(), call.json()
    _models_only(text_of(sent, "type", "model"))
    found = one.repository(user, call.scopes, text_of(sent, "fromRepo"))
    removal.rename(repository=found, token=call.token, to=text_of(sent, "toRepo"))
    return JsonResponse({})


def duplicate(call: Call, ns: str, name: str) -> HttpResponse:
    """Make another repository with the same files, in the same namespace."""
    user, found = call.somebody(), repository.read(call, ns, name)
    sent = call.json()
    made = repositories.duplicate(
        source=found,
        to=text_of(sent, "repository"),
        by=user,
        token=call.token,
        is_private=_privacy_in(sent),
        url=f"{call.origin}/{{repo_id}}",
    )
    answer = JsonResponse({"url": f"{call.origin}/{made.repo_id}", "filesCopyPending": False})
    if sent.get("visibility") == "public" and made.is_private:
        answer["X-HF-Warning"] = GOVERNED_IS_PRIVATE
    return answer


def kept(call: Call, ns: str = "") -> HttpResponse:
    """A page of the repositories of the caller's organizations, with the bytes that each keeps."""
    page = storage.page(call.somebody(), call.scopes, organization=ns, after=call.query("cursor"))
    answer = JsonResponse(page.items, safe=False)
    if page.cursor:
        answer["Link"] = call.next_link(cursor=page.cursor)
    return answer


def settings(call: Call, ns: str, name: str) -> HttpResponse:
    """Change visibility and gate, where the namespace is under direct control."""
    call.somebody()
    found = repository.seen(call, ns, name)
    sent = call.json()
    repositories.change_settings(
        repository=found, token=call.token, is_private=_privacy_in(sent), gate=sent.get("gated")
    )
    return JsonResponse(sent)


def info(call: Call, ns: str, name: str, rev: str = "main") -> HttpResponse:
    """All that is known of a repository at a revision, or the properties that were asked for."""
    found = repository.seen(call, ns, name)
    wanted = infos.properties(call.words("expand"))
    shown = infos.info(found, rev, with_blobs=call.asks("blobs"), with_security=call.asks("securityStatus"))
    return JsonResponse(presenters.only(shown, wanted) if wanted else shown)


def listing(call: Call) -> HttpResponse:
    """A page of the repositories that the caller may know of."""
    page = lists.page(lists.Wanted.of(call.query, words=call.words, asks=call.asks), user=call.user, scopes=call.scopes)
    answer = JsonResponse(page.items, safe=False)
    if page.cursor:
        answer["Link"] = call.next_link(cursor=page.cursor)
    return answer


def may_read(call: Call, ns: str, name: str) -> HttpResponse:
    """Whether the caller may read the repository's files."""
    repository.read(call, ns, name)
    return JsonResponse({})


def may_write(call: Call, ns: str, name: str) -> HttpResponse:
    """Whether the caller may commit to the repository."""
    repository.written(call, ns, name)
    return JsonResponse({})


def unknown(call: Call, **parts: str) -> HttpResponse:
    """A repository of a form of name that is never here; asked for like one that is missing."""
    _ = call.token
    raise missing_repo()


def _models_only(kind: str) -> None:
    if kind != "model":
        raise Refused.because(policies.MODELS_ONLY, kind=f"{kind}s")


def _name_in(sent: dict[str, Any], own: str) -> str:
    """`namespace/name` of a body that names the two apart, or together as scripts do."""
    name, namespace = text_of(sent, "name"), text_of(sent, "organization", "")
    return name if "/" in name and not namespace else f"{namespace or own}/{name}"


def _privacy_in(sent: dict[str, Any]) -> bool | None:
    visibility = sent.get("visibility")
    if visibility is None:
        is_private = sent.get("private")
        if is_private is not None and not isinstance(is_private, bool):
            raise malformed("The field private must be true or false.")
        return is_private
    if visibility not in ("private", "public"):  # no set: what was sent may be a list
        raise malformed('The field visibility must be "private" or "public".')
    return visibility == "private"
