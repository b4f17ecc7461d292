"""Drafts: opening one, saying what it is, and which variants are in it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from registry.selectors import actor_for
from release import policies, selectors
from release.forms import DescriptionForm, ReleaseForm, tell
from release.item_form import ItemForm, initial_of
from release.models import Release
from release.presenters import drafts as shown
from release.services import drafts
from release.views.acts import carried_out
from rules import Refused
from web import htmx


@require_http_methods(["GET", "POST"])
@login_required
def new(request: HttpRequest) -> HttpResponse:
    """Open a draft."""
    organizations = selectors.draftable_organizations(request.user)
    form = ReleaseForm(request.POST if request.method == "POST" else None, organizations=organizations)
    if request.method == "POST" and form.is_valid():
        organization = form.cleaned_data["organization"]
        release = drafts.create_draft(by=request.user, actor=actor_for(request.user, organization), **form.cleaned_data)
        messages.success(request, "Drafted. Say next which models are in it.")
        return htmx.go(request, reverse("release:cockpit", args=[release.pk]))
    context = {"form": form, "verdict": selectors.may_draft_anywhere(request.user)}
    return render(request, "release/new.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
@login_required
def edit(request: HttpRequest, release_id: int) -> HttpResponse:
    """Change title, summary, targets and hour of a draft."""
    release = selectors.release_for(request.user, release_id)
    actor = selectors.actor_in(release, request.user)
    targets = list(selectors.targets_of(release.organization))
    form = DescriptionForm(
        request.POST if request.method == "POST" else None, targets=targets, initial=shown.description(release)
    )
    if request.method == "POST" and form.is_valid():
        try:
            _describe(release, request, form)
            messages.success(request, "Saved.")
            return htmx.go(request, reverse("release:cockpit", args=[release.pk]))
        except Refused as refused:
            tell(form, refused.verdict)
    verdict = policies.may_edit(selectors.outline_of(release), actor)
    context = {"release": release, "form": form, "verdict": verdict, "targets": targets}
    return render(request, "release/edit.html", context, status=422 if form.is_bound else 200)


@transaction.atomic
def _describe(release: Release, request: HttpRequest, form: DescriptionForm) -> None:
    """Both or neither: a draft whose title was saved but not its targets would surprise."""
    said = dict(form.cleaned_data)
    who = {"release_id": release.pk, "by": request.user, "actor": selectors.actor_in(release, request.user)}
    drafts.set_targets(names=said.pop("targets"), **who)
    drafts.describe(**said, **who)


@require_GET
@login_required
def choose(request: HttpRequest, release_id: int) -> HttpResponse:
    """Choose the variant to put in."""
    release = selectors.release_for(request.user, release_id)
    actor = selectors.actor_in(release, request.user)
    asked = request.GET.get("q", "")[:100]
    context = {
        "release": release,
        "q": asked,
        "rows": shown.choosable(release, asked),
        "verdict": policies.may_edit(selectors.outline_of(release), actor),
    }
    return htmx.page(request, "release/choose.html", context, partial="found")


@require_http_methods(["GET", "POST"])
@login_required
def item(request: HttpRequest, release_id: int, name: str) -> HttpResponse:
    """Say how a variant stands in the release."""
    release = selectors.release_for(request.user, release_id)
    variant = selectors.own_variant(release, name)
    form = ItemForm(
        request.POST if request.method == "POST" else None,
        release=release,
        variant=variant,
        initial=initial_of(release, variant),
    )
    actor = selectors.actor_in(release, request.user)
    if request.method == "POST" and form.is_valid():
        try:
            drafts.put_item(release_id=release.pk, variant=variant, by=request.user, actor=actor, **form.said())
            messages.success(request, f"{variant.name} is in the release as you said.")
            return htmx.go(request, reverse("release:cockpit", args=[release.pk]))
        except Refused as refused:
            tell(form, refused.verdict)
    context = shown.item(release, variant, actor) | {"form": form}
    return render(request, "release/item.html", context, status=422 if form.is_bound else 200)


@require_POST
@login_required
def remove(request: HttpRequest, release_id: int, name: str) -> HttpResponse:
    """Take a variant out of the draft."""
    release = selectors.release_for(request.user, release_id)
    variant = selectors.own_variant(release, name)
    actor = selectors.actor_in(release, request.user)
    return carried_out(
        request,
        release,
        lambda: drafts.remove_item(release_id=release.pk, variant=variant, by=request.user, actor=actor),
        f"{variant.name} is no longer in the release.",
    )
