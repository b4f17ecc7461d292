"""The portal: finding a model that one may know of."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from gating import presenters, selectors
from gating.form import plain
from licensing.selectors import offered_licenses, offered_under
from registry.presenters import LEVELS
from registry.states import Level
from web import htmx
from web.pagination import page_by_key


@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """List the models that the visitor may know of, newest first, narrowed by words, level and license."""
    search, level, license = (request.GET.get(name, "").strip()[:100] for name in ("q", "level", "license"))
    search, license = plain(search), plain(license)
    level = level if level in set(Level) else ""
    rows = selectors.visible_variants(request.user).filter(_matches(search))
    if level:
        rows = rows.filter(selectors.at_level(Level(level)))
    if license:
        rows = rows.filter(offered_under(license))
    page = page_by_key(request, rows, size=20)
    context = {
        "page": page,
        "rows": presenters.model_rows(request.user, page),
        "search": search,
        "level": level,
        "license": license,
        "levels": [(value.value, status.label) for value, status in LEVELS.items()],
        "licenses": list(offered_licenses()[:200]),
    }
    return htmx.page(request, "gating/models.html", context, partial="list")


def _matches(search: str) -> Q:
    organization, slash, name = search.partition("/")
    if slash:
        return Q(organization__name__icontains=organization, name__icontains=name)
    return (
        Q(name__icontains=search)
        | Q(summary__icontains=search)
        | Q(organization__name__icontains=search)
        | Q(family__title__icontains=search)
    )
