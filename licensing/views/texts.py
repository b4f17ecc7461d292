"""Pages of texts: the license list of SPDX, and what a pasted text is."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from licensing import selectors
from licensing.forms import TextForm
from licensing.library import identify_file
from licensing.presenters import identified
from licensing.spdx import LIST_VERSION
from licensing.views.catalog import may_add
from web import htmx

PER_PAGE = 50


@require_safe
def spdx(request: HttpRequest) -> HttpResponse:
    """List the licenses that SPDX publishes, narrowed by words."""
    search = request.GET.get("q", "")[:100]
    number = request.GET.get("page", "1")
    pages = Paginator(selectors.listed_licenses(search), PER_PAGE)
    context = {
        "page": pages.get_page(number if number.isascii() and number.isdigit() else 1),
        "search": search,
        "keys": selectors.keys_by_spdx(),
        "list_version": LIST_VERSION,
    }
    return htmx.page(request, "licensing/spdx.html", context, partial="list")


@require_safe
def spdx_license(request: HttpRequest, id: str) -> HttpResponse:
    """Show what SPDX publishes of one license: flags and text. What it demands is not known from there."""
    found = selectors.listed_license(id)
    context = {
        "listed": found,
        "key": selectors.keys_by_spdx().get(found.id),
        "list_version": LIST_VERSION,
        "verdict": may_add(request),
        "hidden": {"spdx": found.id},
    }
    return htmx.page(request, "licensing/spdx_license.html", context, partial="text")


@require_http_methods(["GET", "HEAD", "POST"])
def identify(request: HttpRequest) -> HttpResponse:
    """Say which license a pasted text is; nothing of it is kept."""
    form = TextForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        status = 422 if request.method == "POST" else 200
        return htmx.page(request, "licensing/identify.html", {"form": form}, partial="result", status=status)
    text = form.cleaned_data["text"].replace("\r\n", "\n")
    context = {"form": form, "found": identified(identify_file(text))}
    return htmx.page(request, "licensing/identify.html", context, partial="result")
