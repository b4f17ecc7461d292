"""Pages of licenses: the list, one license in plain words with its text, and adding one's own."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.views.decorators.http import require_http_methods, require_safe

from licensing import policies, presenters, selectors, services
from licensing.catalog import shipped
from licensing.forms import LicenseForm
from licensing.terms import Kind
from rules import Refused, Verdict
from web import htmx
from web.pagination import page_by_key


@require_safe
def licenses(request: HttpRequest) -> HttpResponse:
    """List the licenses, narrowed by words, kind, and whether their text is held."""
    search, kind, text = (request.GET.get(name, "")[:100] for name in ("q", "kind", "text"))
    kind = kind if kind in set(Kind) else ""
    held = {"held": True, "missing": False}.get(text)
    page = page_by_key(request, selectors.licenses(search=search, kind=kind, has_text=held), size=30, key="key")
    context = {
        "page": page,
        "rows": [presenters.row(license) for license in page],
        "search": search,
        "kind": kind,
        "text": text,
        "kinds": [(key.value, status.label) for key, status in presenters.KINDS.items()],
        "verdict": _may_add(request),
        "as_of": shipped().as_of,
    }
    return htmx.page(request, "licensing/licenses.html", context, partial="list")


@require_safe
def license(request: HttpRequest, key: str) -> HttpResponse:
    """Show one license: its current version, or the one whose text or terms the address names."""
    found = selectors.license_of(key)
    versions = selectors.versions_of(found)
    version = selectors.version_by_id(found, request.GET.get("version", ""))
    context = {
        "license": found,
        "version": version,
        "versions": versions,
        "is_current": version.pk == versions[0].pk,
        "sheet": presenters.sheet(version),
        "verdict": _may_add(request),
        "as_of": shipped().as_of,
    }
    return htmx.page(request, "licensing/license.html", context, partial="text")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, key: str = "") -> HttpResponse:
    """Add a license of the lab's own, or a new version of one that was added before."""
    _may_add(request).require()
    succeeded = selectors.license_of(key) if key else None
    if request.method != "POST":
        form = LicenseForm(initial={"name": succeeded.name} if succeeded else None)
        return _add_page(request, form, succeeded)
    form = LicenseForm(request.POST)
    if not form.is_valid():
        return _add_page(request, form, succeeded, status=422)
    given = {name: form.cleaned_data[name] for name in ("name", "version", "text")}
    try:
        made = services.add_license(**given, terms=form.terms(), by=request.user, key=key)
    except Refused as refused:
        for reason in refused.verdict.reasons:
            form.add_error(reason.field if reason.field in form.fields else None, reason.message)
        return _add_page(request, form, succeeded, status=refused.verdict.status)
    messages.success(request, f"{made} is added; its text can be accepted from now on.")
    return htmx.go(request, resolve_url("licensing:license", made.license.key))


def _add_page(request: HttpRequest, form: LicenseForm, succeeded: object, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "succeeded": succeeded}
    return htmx.page(request, "licensing/add.html", context, partial="form", status=status)


def _may_add(request: HttpRequest) -> Verdict:
    """Whether this visitor may add licenses at all; the words of a license are judged when there are some."""
    actor = selectors.actor_anywhere(request.user)
    return policies.may_add_license(actor, name="any", version="", text="any")
