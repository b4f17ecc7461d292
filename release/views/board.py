"""The front page and the release board."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from registry.presenters import LEVELS
from registry.states import Level
from release import selectors
from release.presenters import board as shown
from release.presenters import states
from release.states import ReleaseState
from web.pagination import page_by_key


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Lead members of an organization to their board, and greet everybody else."""
    if selectors.organizations_of(request.user).exists():
        return HttpResponseRedirect(reverse("release:board"))
    return render(request, "release/front.html")


@require_GET
@login_required
def board(request: HttpRequest) -> HttpResponse:
    """What is out at which level, what is in work, and what waits for one's own signature."""
    chosen = request.GET.get("state", "")
    if chosen not in set(ReleaseState):
        chosen = ""
    wanted = [chosen] if chosen else states.IN_WORK
    releases = selectors.with_parts(selectors.releases_for(request.user).filter(state__in=wanted))
    page = page_by_key(request, releases, size=25)
    context = {
        "columns": shown.columns(request.user),
        "signatures": shown.awaiting_signature(request.user),
        "filters": shown.filters(request.user, chosen, request.path),
        "chosen": states.RELEASES[ReleaseState(chosen)] if chosen else None,
        "page": page,
        "rows": [shown.row(release) for release in page],
        "may_draft": selectors.may_draft_anywhere(request.user),
    }
    return render(request, "release/board.html", context)


@require_GET
@login_required
def at_level(request: HttpRequest, level: str) -> HttpResponse:
    """Every variant of one's organizations that stands at one level."""
    if level not in set(Level):
        raise Http404
    page = page_by_key(request, selectors.weights_in_force(request.user).filter(level=level), size=50)
    context = {"status": LEVELS[Level(level)], "level": level, "page": page}
    context["rows"] = shown.standings(request.user, page)
    return render(request, "release/level.html", context)
