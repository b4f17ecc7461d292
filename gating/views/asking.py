"""Asking for access, and one's own requests."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.signing_in import sent_from
from gating import presenters, selectors, services
from gating.ask_form import AskForm
from gating.form import stored_fields
from gating.models import GateVersion
from gating.states import RequestState
from registry.models import Variant
from rules import Refused
from web import htmx
from web.pagination import page_by_key


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Show the terms of a gated model and its form, and take the answers."""
    variant, _ = selectors.visible_variant(request.user, f"{organization}/{name}")
    gate = selectors.gate_in_force(variant)
    if request.method != "POST":
        return _page(request, variant, _blank(request, variant, gate))
    if not request.user.is_authenticated:
        return redirect_to_login(request.path)
    form = _form(gate, request.POST.dict())
    try:
        asked = services.ask(
            variant=variant,
            user=request.user,
            answers=form.answers(),
            accepted_text_sha256=form.accepted_sha256,
            **sent_from(request),
        )
    except Refused as refused:
        form.refuse(refused.verdict)
        return _page(request, variant, form, status=refused.verdict.status)
    is_open = asked.state == RequestState.ACCEPTED
    messages.success(
        request, "You have access now." if is_open else "Your request is sent. You see here what becomes of it."
    )
    return htmx.go(request, resolve_url("gating:ask", variant.organization.name, variant.name))


@login_required
@require_POST
def accept_text(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Accept a license text that changed, so that one's grant goes on."""
    variant, _ = selectors.visible_variant(request.user, f"{organization}/{name}")
    digest = request.POST.get("license", "")[:71]
    services.accept_text(variant=variant, user=request.user, accepted_text_sha256=digest, **sent_from(request))
    messages.success(request, "You accepted the new text. Your access goes on.")
    return htmx.go(request, resolve_url("gating:ask", variant.organization.name, variant.name))


def _page(request: HttpRequest, variant: Variant, form: AskForm, *, status: int = 200) -> HttpResponse:
    panel = presenters.access_panel(request.user, variant)
    context = {"variant": variant, "panel": panel, "form": form, "variant_url": f"/{variant.repo_id}/"}
    return htmx.page(request, "gating/ask.html", context, partial="form", status=status)


def _form(gate: GateVersion | None, given: dict[str, str] | None, initial: dict[str, object] | None = None) -> AskForm:
    return AskForm(stored_fields(gate.fields) if gate else (), gate.license_version if gate else None, given, initial)


def _blank(request: HttpRequest, variant: Variant, gate: GateVersion | None) -> AskForm:
    """An unsent form, with what the requester answered last time."""
    earlier = selectors.request_at(request.user, variant)
    return _form(gate, None, earlier.answers if earlier else None)


@login_required
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """List one's own requests."""
    page = page_by_key(request, selectors.requests_of(request.user), size=30)
    accesses = selectors.accesses(request.user, [row.variant for row in page])
    rows = [
        (row, presenters.standing(accesses[row.request.variant_id]) if accesses[row.request.variant_id].sees else None)
        for row in presenters.request_rows(page)
    ]
    return htmx.page(request, "gating/mine.html", {"page": page, "rows": rows}, partial="list")


@login_required
@require_POST
def cancel(request: HttpRequest, request_id: int) -> HttpResponse:
    """Withdraw one's own request."""
    cancelled = services.cancel(request_id=request_id, by=request.user)
    messages.success(request, f"Your request for {cancelled.variant.repo_id} is withdrawn.")
    return htmx.go(request, resolve_url("gating:mine"))
