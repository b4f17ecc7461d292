"""The page on where a variant came from: its relatives, what the weights say of them, and naming parents."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from registry.selectors import actor_for
from registry.states import Relation
from release import policies
from release.forms import ParentForm, tell
from release.parentage import comparable_with, parentage_of, unnamed_relatives
from release.presenters import lineage as shown
from release.presenters import variant as variant_shown
from release.selectors import variants as selectors
from release.services.parents import forget_parent, name_parent
from release.views.variant import inside
from rules import Refused
from web import htmx


@require_safe
def lineage(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Where it came from and what came from it, as far as the viewer may know; members see what the weights say."""
    seen = selectors.seen_by(request.user, organization, name)
    return render(request, "registry/lineage.html", _context(request, seen))


@require_POST
@login_required
def add(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Name a parent."""
    seen = inside(request, organization, name)
    form = ParentForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            edge = name_parent(
                variant=seen.variant,
                name=given["parent"],
                relation=Relation(given["relation"]),
                by=request.user,
                actor=actor_for(request.user, seen.variant.organization),
            )
            messages.success(request, f"On record: it comes from {edge.parent_name}.")
            return htmx.go(request, _here(seen))
        except Refused as refused:
            tell(form, refused.verdict)
    context = _context(request, seen) | {"form": form}
    return render(request, "registry/lineage.html", context, status=422)


@require_POST
@login_required
def remove(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Take a parent off the record."""
    seen = inside(request, organization, name)
    actor = actor_for(request.user, seen.variant.organization)
    forget_parent(variant=seen.variant, name=request.POST.get("parent", ""), by=request.user, actor=actor)
    messages.success(request, "It is off the record; the audit trail keeps that it was there.")
    return htmx.go(request, _here(seen))


def _context(request: HttpRequest, seen: selectors.Seen) -> dict[str, Any]:
    parents, children = shown.relatives(request.user, seen.variant)
    context = variant_shown.head(request.user, seen, "lineage") | {
        "parents": parents,
        "children": children,
        "drawing": shown.drawing(seen.variant.repo_id, parents, children),
    }
    if seen.is_member:
        context |= _inside(request, seen)
    return context


def _inside(request: HttpRequest, seen: selectors.Seen) -> dict[str, Any]:
    """What only members see; looking for relatives that nobody named takes a moment, so it is asked for."""
    context = {
        "form": ParentForm(),
        "may_name": policies.may_name_parents(actor_for(request.user, seen.variant.organization)),
    }
    if seen.commit:
        checkpoint = seen.commit.checkpoint
        context["findings"] = shown.findings(parentage_of(seen.variant, checkpoint), seen.variant)
        if "look" in request.GET:
            context["unnamed"] = unnamed_relatives(seen.variant, checkpoint, comparable_with(seen.variant))
    return context


def _here(seen: selectors.Seen) -> str:
    return reverse("variant:lineage", args=[seen.variant.organization.name, seen.variant.name])
