"""Pages of a model's pull requests, for members of its organization: what is proposed, what its evidence says, and
the acts on it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from hub.models import PullRequest
from hub.pull_page import CHOICES, context_of, done, rows
from hub.selectors import pull_requests as selectors
from hub.selectors.repositories import Repository
from hub.services import pull_requests as services
from hub.states import CLOSE, MERGE, OFFER, REOPEN
from release.presenters import variant as shown
from release.selectors.variants import Seen
from release.views.variant import inside
from web import htmx
from web.pagination import page_by_key

MOVES = {transition.name: transition for transition in (OFFER, CLOSE, REOPEN)}


@require_safe
@login_required
def listing(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """The pull requests of a model."""
    seen, found = _place(request, organization, name)
    chosen = request.GET.get("status", "open")
    if chosen not in CHOICES:
        raise Http404
    page = page_by_key(request, selectors.rows_of(found, status=chosen), size=30, key="-number")
    context = shown.head(request.user, seen, "hub:pulls") | {"page": page, "rows": rows(page), "chosen": chosen}
    return render(request, "hub/pulls.html", context | {"choices": CHOICES})


@require_safe
def plain(request: HttpRequest, organization: str, name: str, number: int) -> HttpResponse:
    """The address as the Hub's client prints it, without the last slash."""
    return HttpResponsePermanentRedirect(reverse("hub:pull", args=[organization, name, number]))


@require_safe
@login_required
def one(request: HttpRequest, organization: str, name: str, number: int) -> HttpResponse:
    """One pull request: what it changes, what its evidence says, what was said."""
    seen, found = _place(request, organization, name)
    row = selectors.named(found, number)
    context = shown.head(request.user, seen, "hub:pulls") | context_of(row, selectors.actor(found, None))
    return render(request, "hub/pull.html", context)


@require_POST
@login_required
def comment(request: HttpRequest, organization: str, name: str, number: int) -> HttpResponse:
    """Say something."""
    _, found = _place(request, organization, name)
    row, actor = selectors.named(found, number), selectors.actor(found, None)
    services.comment(pull_request=row, text=request.POST.get("text", ""), by=request.user, actor=actor)
    return _back(request, row)


@require_POST
@login_required
def act(request: HttpRequest, organization: str, name: str, number: int, verb: str) -> HttpResponse:
    """Offer, close, reopen or merge it."""
    _, found = _place(request, organization, name)
    row, actor = selectors.named(found, number), selectors.actor(found, None)
    said = {"pull_request": row, "by": request.user, "actor": actor}
    if verb == MERGE.name:
        services.merge(**said)
    elif verb in MOVES:
        services.move(**said, transition=MOVES[verb])
    else:
        raise Http404
    messages.success(request, done(verb, number))
    return _back(request, row)


def _place(request: HttpRequest, organization: str, name: str) -> tuple[Seen, Repository]:
    seen = inside(request, organization, name)
    return seen, Repository(seen.variant, seen.access, request.user)


def _back(request: HttpRequest, row: PullRequest) -> HttpResponse:
    return htmx.go(request, reverse("hub:pull", args=[row.variant.organization.name, row.variant.name, row.number]))
