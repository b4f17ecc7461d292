"""The page of acceptances: who agreed to which text, and its copy as a file."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_POST, require_safe

from licensing.acceptances import FORMS, Filters, readable, record_export
from licensing.models import License
from web import htmx
from web.pagination import page_by_key


@login_required
@require_safe
def acceptances(request: HttpRequest) -> HttpResponse:
    """List acceptances, newest first: one's own, and those that one reads by role."""
    filters = Filters.of(request.GET.dict())
    page = page_by_key(request, readable(request.user, filters), size=50)
    context = {
        "page": page,
        "filters": filters,
        "asked": filters.as_dict(),
        "licenses": License.objects.filter(versions__acceptances__isnull=False).distinct().order_by("name"),
    }
    return htmx.page(request, "licensing/acceptances.html", context, partial="list")


@login_required
@require_POST
def export(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Hand out what the page shows, all of it, as CSV or JSON lines; that somebody took it is on record."""
    filters = Filters.of(request.POST.dict())
    form = request.POST.get("form", "csv")
    return export_response(request.user, filters, form if form in FORMS else "csv")


def export_response(user: object, filters: Filters, form: str, **options: object) -> StreamingHttpResponse:
    """The file, streamed."""
    rows = readable(user, filters, **options)
    record_export(by=user, filters=filters, form=form, count=rows.count())
    write, kind = FORMS[form]
    answer = StreamingHttpResponse(write(rows), content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="acceptances.{form}"'
    return answer
