"""Pages of the record of events."""

from __future__ import annotations

import json

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from audit import access, exports, presenters, selectors, services
from audit.forms import FilterForm
from web import htmx
from web.pagination import page_by_key


@require_safe
@login_required
def events(request: HttpRequest) -> HttpResponse:
    """List what was done, newest first, as far as the visitor may read it."""
    form = FilterForm(request.GET)
    if not form.is_valid():
        return htmx.invalid(request, "audit/list.html", {"form": form, "rows": []}, partial="list")
    filters = form.filters()
    page = page_by_key(request, selectors.events_for(request.user, filters), size=50)
    context = {
        "form": form,
        "page": page,
        "rows": presenters.rows(page.rows),
        "is_narrowed": bool(filters.as_facts()),
        "query": _query(request),
        "readership": access.readership_of(request.user),
    }
    return htmx.page(request, "audit/list.html", context, partial="list")


@require_safe
@login_required
def event(request: HttpRequest, position: int) -> HttpResponse:
    """Show one event with the text that is hashed and its place in the chain."""
    found = selectors.event_for(request.user, position)
    (row,) = presenters.rows([found])
    body = json.dumps(json.loads(found.body), indent=2, ensure_ascii=False, sort_keys=True)
    context = {"event": found, "row": row, "body": body, "before": selectors.predecessor_of(found)}
    return htmx.page(request, "audit/detail.html", context, partial="event")


@login_required
@require_safe
def export(request: HttpRequest, form: str) -> StreamingHttpResponse:
    """Send the events of the list as a file, and record that they were taken."""
    asked = FilterForm(request.GET)
    if form not in exports.FORMS or not asked.is_valid():
        raise Http404
    content_type, written = exports.FORMS[form]
    filters = asked.filters()
    services.record_export(by=request.user, form=form, filters=filters.as_facts())
    name = f"events-{timezone.now():%Y%m%dT%H%M%SZ}.{form}"
    lines = written(selectors.newest_first(request.user, filters))
    return StreamingHttpResponse(
        lines, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _query(request: HttpRequest) -> str:
    """The filters of this page, for the addresses of its export."""
    asked = {name: value for name, value in request.GET.items() if name not in {"after", "before"} and value}
    query = request.GET.copy()
    query.clear()
    query.update(asked)
    return query.urlencode()
