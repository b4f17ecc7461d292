"""Keeping a gate: what it asks, under which terms, and who has come through it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.views.decorators.http import require_http_methods, require_POST

from accounts.selectors import user_named
from gating import policies, selectors, services
from gating.decision_forms import GrantForm
from gating.gate_forms import GateForm, QuestionForm, asked_questions, blank_forms, sent_forms
from gating.policies.review import UNKNOWN_USER
from registry.models import Variant
from rules import Refused, Verdict
from web import htmx
from web.pagination import page_by_key


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def gate(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Show a gate, its versions and the people with access, and write a new version."""
    variant = _kept_variant(request, organization, name)
    if request.method != "POST":
        terms, rows = blank_forms(selectors.newest_gate(variant))
        return _page(request, variant, terms, rows)
    terms, rows = sent_forms(request.POST.dict())
    if not terms.is_valid():
        return _page(request, variant, terms, rows, status=422)
    questions, asking = asked_questions(rows)
    try:
        made = services.set_gate(variant=variant, fields=questions, by=request.user, **terms.terms())
    except Refused as refused:
        _place(refused.verdict, terms, asking)
        return _page(request, variant, terms, rows, status=refused.verdict.status)
    when = (
        "in force"
        if variant.organization.is_direct_control
        else "written; it comes into force with the release that carries it"
    )
    messages.success(request, f"Version {made.number} of the gate is {when}.")
    return htmx.go(request, resolve_url("gating:gate", organization, name))


@login_required
@require_POST
def grant(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Give somebody access who need not have asked."""
    variant = _kept_variant(request, organization, name)
    form = GrantForm(request.POST)
    given, days = request.POST.get("user", "").strip(), request.POST.get("days", "").strip()
    try:
        user = user_named(given)
        if user is None:
            raise Refused.because(UNKNOWN_USER, name=given[:96])
        whole = int(days) if days.isascii() and days.isdigit() else 0
        made = services.grant(variant=variant, user=user, by=request.user, days=whole if days else None)
    except Refused as refused:
        form.refuse(refused.verdict)
        terms, rows = blank_forms(selectors.newest_gate(variant))
        return _page(request, variant, terms, rows, grant_form=form, status=refused.verdict.status)
    messages.success(request, f"{user.username} may read {variant.repo_id} until {made.expires_at:%Y-%m-%d}.")
    return htmx.go(request, resolve_url("gating:gate", organization, name))


def _kept_variant(request: HttpRequest, organization: str, name: str) -> Variant:
    """The variant, for those who keep its gate."""
    variant, _ = selectors.visible_variant(request.user, f"{organization}/{name}")
    actor = selectors.actor_of(request.user, variant)
    policies.may_keep_gate(variant.organization.name, actor).require()
    return variant


def _place(verdict: Verdict, terms: GateForm, asking: list[QuestionForm]) -> None:
    """Show each reason at its field; `fields.2` is the third question that was asked."""
    for reason in verdict.reasons:
        kind, _, position = reason.field.partition(".")
        if kind == "fields" and position.isdigit() and int(position) < len(asking):
            row = asking[int(position)]
            row.is_valid()
            row.add_error("label", reason.message)
        else:
            terms.add_error(reason.field if reason.field in terms.fields else None, reason.message)


def _page(
    request: HttpRequest,
    variant: Variant,
    terms: GateForm,
    rows: list[QuestionForm],
    *,
    grant_form: GrantForm | None = None,
    status: int = 200,
) -> HttpResponse:
    page = page_by_key(request, selectors.running_grants(variant), size=20)
    context = {
        "variant": variant,
        "variant_url": f"/{variant.repo_id}/",
        "terms": terms,
        "rows": rows,
        "in_force": selectors.gate_in_force(variant),
        "versions": selectors.gates_of(variant)[:20],
        "page": page,
        "grant_form": grant_form or GrantForm(),
        "may_review": policies.may_review(variant.organization.name, selectors.actor_of(request.user, variant)).allowed,
    }
    return htmx.page(request, "gating/gate.html", context, partial="body", status=status)
