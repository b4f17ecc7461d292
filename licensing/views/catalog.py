"""Pages of the catalog: the list, one license in plain words with its text, two beside each other, adding one's own."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.views.decorators.http import require_http_methods, require_safe

from licensing import plain_terms, policies, presenters, selectors, services
from licensing.catalog import shipped
from licensing.comparison import text_comparison
from licensing.forms import LicenseForm, initial_of
from licensing.models import License, LicenseVersion
from licensing.spdx import Listed
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
        "verdict": may_add(request),
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
        "groups": plain_terms.grouped(plain_terms.rows_of(version)),
        "verdict": may_add(request),
        "as_of": shipped().as_of,
    }
    return htmx.page(request, "licensing/license.html", context, partial="text")


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Put two licenses, or two versions of one, beside each other, term by term."""
    words = [request.GET.get(name, "")[:100] for name in ("a", "b")]
    sides = [_named_version(word) if word else None for word in words]
    context: dict[str, object] = {
        "sides": [("a", "First license", words[0], sides[0]), ("b", "Second license", words[1], sides[1])],
        "choices": selectors.current_versions().order_by("license__key"),
    }
    if all(sides):
        left, right = sides
        groups = plain_terms.paired(plain_terms.rows_of(left), plain_terms.rows_of(right))
        pairs = [pair for _, found in groups for pair in found]
        context |= {
            "left": left,
            "right": right,
            "known": [(side, presenters.sheet(side).certainty) for side in sides],
            "groups": groups,
            "differing": sum(pair.differs for pair in pairs),
            "count": len(pairs),
            "texts": text_comparison(left, right),
        }
    return htmx.page(request, "licensing/compare.html", context, partial="result")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, key: str = "") -> HttpResponse:
    """Add a license of the lab's own, or a new version of one that was added before."""
    may_add(request).require()
    succeeded = selectors.license_of(key) if key else None
    listed = selectors.listed_license(request.GET["spdx"]) if request.GET.get("spdx") and not key else None
    if request.method != "POST":
        return _add_page(request, LicenseForm(initial=_initial(succeeded, listed)), succeeded, listed)
    form = LicenseForm(request.POST)
    if not form.is_valid():
        return _add_page(request, form, succeeded, listed, status=422)
    given = {name: form.cleaned_data[name] for name in ("name", "version", "text")}
    try:
        terms = form.terms() | (_flags(listed) if listed else {})
        spdx_id = listed.id if listed else ""
        made = services.add_license(**given, terms=terms, by=request.user, key=key, spdx_id=spdx_id)
    except Refused as refused:
        for reason in refused.verdict.reasons:
            form.add_error(reason.field if reason.field in form.fields else None, reason.message)
        return _add_page(request, form, succeeded, listed, status=refused.verdict.status)
    messages.success(request, f"{made} is added; its text can be accepted from now on.")
    return htmx.go(request, resolve_url("licensing:license", made.license.key))


def may_add(request: HttpRequest) -> Verdict:
    """Whether this visitor may add licenses at all; the words of a license are judged when there are some."""
    actor = selectors.actor_anywhere(request.user)
    return policies.may_add_license(actor, name="any", version="", text="any")


def _add_page(
    request: HttpRequest, form: LicenseForm, succeeded: License | None, listed: Listed | None, *, status: int = 200
) -> HttpResponse:
    context = {"form": form, "succeeded": succeeded, "listed": listed}
    return htmx.page(request, "licensing/add.html", context, partial="form", status=status)


def _initial(succeeded: License | None, listed: Listed | None) -> dict[str, object]:
    """What a new form begins with: the version that it succeeds, or what the list of SPDX tells."""
    if succeeded:
        version = selectors.current_version(succeeded)
        return initial_of(version.terms, name=succeeded.name, text=version.text)
    return {"name": listed.name, "text": listed.text} if listed else {}


def _flags(listed: Listed) -> dict[str, bool]:
    """What the list says of openness; nobody fills that in by hand."""
    return {"osi_approved": listed.is_osi_approved, "fsf_libre": listed.is_fsf_libre}


def _named_version(word: str) -> LicenseVersion:
    """The version that `key` or `key@id` names."""
    key, _, version = word.rpartition("@") if "@" in word else (word, "", "")
    return selectors.version_by_id(selectors.license_of(key), version)
