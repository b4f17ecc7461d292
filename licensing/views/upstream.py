"""The page of what verdicts on lineage rest on: licenses of models elsewhere, and what is true of the licensee."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.views.decorators.http import require_http_methods

from licensing import lineage_reads, lineage_writes
from licensing.lineage_forms import LicenseeForm, UpstreamForm
from licensing.models import LicenseeStatement
from licensing.selectors import actor_anywhere
from registry.models import Organization
from registry.selectors import actor_for
from rules import Refused
from web import htmx
from web.pagination import page_by_key


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def upstream(request: HttpRequest) -> HttpResponse:
    """List the models elsewhere whose license is established, and establish one."""
    form = UpstreamForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return _page(request, form, status=422 if form.is_bound else 200)
    try:
        made = lineage_writes.establish_upstream(
            **form.cleaned_data, by=request.user, actor=actor_anywhere(request.user)
        )
    except Refused as refused:
        return _page(request, _told(form, refused), status=refused.verdict.status)
    messages.success(request, f"{made.repo_id} is on record, under {made.license_version}.")
    return htmx.go(request, resolve_url("licensing:upstream"))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def licensee(request: HttpRequest) -> HttpResponse:
    """State what licenses ask about an organization that one belongs to."""
    organizations = {one.name: one for one in lineage_reads.organizations_of(request.user)}
    form = LicenseeForm(request.POST if request.method == "POST" else None, organizations=list(organizations))
    if request.method != "POST" or not form.is_valid():
        return _licensee_page(request, form, list(organizations.values()), status=422 if form.is_bound else 200)
    organization = organizations[form.cleaned_data["organization"]]
    try:
        lineage_writes.state_licensee(
            organization=organization, said=form.said(), by=request.user, actor=actor_for(request.user, organization)
        )
    except Refused as refused:
        told = _told(form, refused)
        return _licensee_page(request, told, list(organizations.values()), status=refused.verdict.status)
    messages.success(request, f"What licenses ask about {organization} is on record.")
    return htmx.go(request, resolve_url("licensing:licensee"))


def _page(request: HttpRequest, form: UpstreamForm, *, status: int) -> HttpResponse:
    search = request.GET.get("q", "")[:100]
    context = {
        "form": form,
        "search": search,
        "page": page_by_key(request, lineage_reads.upstream_licenses(search), size=30, key="-pk"),
        "verdict": lineage_writes.may_establish(actor_anywhere(request.user)),
    }
    return htmx.page(request, "licensing/upstream.html", context, partial="list", status=status)


def _licensee_page(
    request: HttpRequest, form: LicenseeForm, organizations: list[Organization], *, status: int
) -> HttpResponse:
    context = {
        "form": form,
        "stated": [(one, said, _in_words(form, said)) for one, said in _statements(organizations)],
        "verdict": lineage_writes.may_establish(actor_anywhere(request.user)),
    }
    return htmx.page(request, "licensing/licensee.html", context, partial="form", status=status)


def _statements(organizations: Iterable[Organization]) -> Iterator[tuple[Organization, LicenseeStatement | None]]:
    for organization in organizations:
        yield organization, lineage_reads.licensee_statement(organization)


def _in_words(form: LicenseeForm, statement: LicenseeStatement | None) -> list[tuple[str, str]]:
    """What was stated, by the labels of the form."""
    found = []
    for name, value in (statement.said if statement else {}).items():
        said = ", ".join(f"{month}: {users:,}" for month, users in value.items()) if name == "mau_at" else f"{value}"
        found.append((form.fields[name].label, said))
    return found


def _told(form: Form, refused: Refused) -> Form:
    """The form with the reasons of a refusal beside the fields that they are about."""
    for reason in refused.verdict.reasons:
        form.add_error(reason.field if reason.field in form.fields else None, reason.message)
    return form
