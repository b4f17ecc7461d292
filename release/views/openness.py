"""The page on how open a variant is, and the form in which its owners state what no file tells."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from licensing.openness_form import StatementForm, initial_of
from licensing.openness_reads import openness_of, statements_of
from licensing.openness_writes import may_state, state_openness
from registry.selectors import actor_for
from release import policies
from release.presenters import openness as shown
from release.presenters import variant as variant_shown
from release.selectors import variants as selectors
from rules import Refused
from web import htmx


@require_safe
def openness(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """How open it is: the wheel with its table, the three statements, and, inside, what was stated and is planned."""
    seen = selectors.seen_by(request.user, organization, name)
    context = variant_shown.head(request.user, seen, "openness")
    if seen.commit:
        found = openness_of(seen.variant, seen.commit.checkpoint, is_inside=seen.is_member)
        context |= shown.context(found)
        if seen.is_member:
            context |= {
                "statements": [(row, shown.statement(row.said)) for row in statements_of(seen.variant)],
                "planned": shown.planned(seen.variant),
                "may_state": may_state(actor_for(request.user, seen.variant.organization)),
            }
    return render(request, "licensing/openness.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def state(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """State what no file tells; members with a pen only."""
    seen = selectors.seen_by(request.user, organization, name)
    if not seen.is_member:
        raise Refused.because(policies.INSIDE_ONLY)
    actor = actor_for(request.user, seen.variant.organization)
    may_state(actor).require()
    newest = next(iter(statements_of(seen.variant)), None)
    form = StatementForm(request.POST or None, initial=initial_of(newest.said) if newest else None)
    if request.method == "POST" and form.is_valid():
        try:
            state_openness(variant=seen.variant, said=form.said(), by=request.user, actor=actor)
            messages.success(request, "Stated. Openness is computed from it from now on.")
            return htmx.go(request, reverse("variant:openness", args=[organization, name]))
        except Refused as refused:
            shown.tell(form, refused)
    context = variant_shown.head(request.user, seen, "openness") | {"form": form}
    return render(request, "licensing/openness_state.html", context, status=422 if form.is_bound else 200)
