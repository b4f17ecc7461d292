"""The acts on a release, each a form of its own; a refusal comes back on the page with its reasons."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from release import selectors
from release.forms import ApproveForm, PublishForm, RefuseForm, WaiverForm, WithdrawForm, tell
from release.models import Release
from release.presenters import confirm, requirements
from release.services import policies as policy_services
from release.services import publications, reviews
from release.views import cockpit
from rules import Refused
from web import htmx


def carried_out(request: HttpRequest, release: Release, act: Callable[[], object], said: str) -> HttpResponse:
    """Do it and lead back to the cockpit; where it is refused, show the cockpit as it is with every reason."""
    try:
        act()
    except Refused as refused:
        again = selectors.release_for(request.user, release.pk)
        return cockpit.page(request, again, status=refused.verdict.status, refused=refused.verdict)
    messages.success(request, said)
    return htmx.go(request, reverse("release:cockpit", args=[release.pk]))


def _plain(service: Callable[..., object], said: str) -> Callable[..., HttpResponse]:
    """A view of an act that needs nothing but the press of its button."""

    @require_POST
    @login_required
    def view(request: HttpRequest, release_id: int) -> HttpResponse:
        release = selectors.release_for(request.user, release_id)
        actor = selectors.actor_in(release, request.user)
        return carried_out(request, release, lambda: service(release_id=release.pk, by=request.user, actor=actor), said)

    return view


submit = _plain(reviews.submit, "Submitted. Reviewers sign the digest that is shown now.")
recall = _plain(reviews.recall, "Taken back to draft.")
schedule = _plain(publications.schedule, "Scheduled. Every requirement is asked again at its hour.")


@require_POST
@login_required
def approve(request: HttpRequest, release_id: int) -> HttpResponse:
    """Sign the digest that the form carries."""
    release = selectors.release_for(request.user, release_id)
    form = ApproveForm(request.POST, prefix="approve")
    if not form.is_valid():
        return cockpit.page(request, release, status=422, approve_form=form)
    actor, said = selectors.actor_in(release, request.user), form.cleaned_data
    return carried_out(
        request,
        release,
        lambda: reviews.approve(
            release_id=release.pk, by=request.user, actor=actor, seen=said["seen"], reason=said["note"]
        ),
        "Signed.",
    )


@require_POST
@login_required
def refuse(request: HttpRequest, release_id: int) -> HttpResponse:
    """Refuse the digest that the form carries, with a reason."""
    release = selectors.release_for(request.user, release_id)
    form = RefuseForm(request.POST, prefix="refuse")
    if not form.is_valid():
        return cockpit.page(request, release, status=422, refuse_form=form)
    actor, said = selectors.actor_in(release, request.user), form.cleaned_data
    return carried_out(
        request,
        release,
        lambda: reviews.refuse(
            release_id=release.pk, by=request.user, actor=actor, seen=said["seen"], reason=said["reason"]
        ),
        "Refused. The release manager sees your reason.",
    )


@require_http_methods(["GET", "POST"])
@login_required
def publish(request: HttpRequest, release_id: int) -> HttpResponse:
    """Show what will leave and who will see it; then begin."""
    release = selectors.release_for(request.user, release_id)
    actor = selectors.actor_in(release, request.user)
    form = PublishForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return carried_out(
            request,
            release,
            lambda: publications.publish(release_id=release.pk, by=request.user, actor=actor),
            "Publishing has begun.",
        )
    context = confirm.publish(release, actor) | {"form": form}
    return render(request, "release/publish.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
@login_required
def withdraw(request: HttpRequest, release_id: int) -> HttpResponse:
    """Show what can and what cannot be taken back; then take back what can."""
    release = selectors.release_for(request.user, release_id)
    actor = selectors.actor_in(release, request.user)
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        return carried_out(
            request,
            release,
            lambda: publications.withdraw(release_id=release.pk, by=request.user, actor=actor, reason=reason),
            "Withdrawn here. What targets show is being hidden.",
        )
    context = confirm.withdraw(release, actor) | {"form": form}
    return render(request, "release/withdraw.html", context, status=422 if form.is_bound else 200)


@require_POST
@login_required
def retry(request: HttpRequest, release_id: int, publication_id: int) -> HttpResponse:
    """Take a publication up again where it was given up."""
    release = selectors.release_for(request.user, release_id)
    publication = selectors.publication_of(release, publication_id)
    actor = selectors.actor_in(release, request.user)
    return carried_out(
        request,
        release,
        lambda: publications.retry(publication_id=publication.pk, by=request.user, actor=actor),
        f"Trying {publication.repo_id} again where it stopped.",
    )


@require_http_methods(["GET", "POST"])
@login_required
def waive(request: HttpRequest, release_id: int) -> HttpResponse:
    """Take the absence of one piece of evidence upon oneself."""
    release = selectors.release_for(request.user, release_id)
    actor = selectors.actor_in(release, request.user)
    choices = requirements.waiver_choices(selectors.facts_of(release))
    form = WaiverForm(request.POST if request.method == "POST" else None, choices=choices)
    if request.method == "POST" and form.is_valid():
        try:
            policy_services.waive_for(release=release, by=request.user, actor=actor, **form.cleaned_data)
            messages.success(request, "Waived, under your name.")
            return htmx.go(request, reverse("release:cockpit", args=[release.pk]))
        except Refused as refused:
            tell(form, refused.verdict)
    context = {"release": release, "form": form, "verdict": confirm.may_waive(actor), "choices": choices}
    return render(request, "release/waive.html", context, status=422 if form.is_bound else 200)
