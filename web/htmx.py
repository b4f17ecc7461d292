"""One view, one template: the whole page, or the named partial of the same file that htmx asked for.

Owns that choice and the status codes htmx knows. It holds no page of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers

STOP_POLLING = 286


def wants_partial(request: HttpRequest) -> bool:
    """Whether htmx asks for a part; a boosted link or a restored page asks for the whole."""
    details = getattr(request, "htmx", None)
    return bool(details) and not details.boosted and not details.history_restore_request


def vary(answer: HttpResponse) -> HttpResponse:
    """Tell caches that page and partial differ; each answer that might be either needs it."""
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    partial: str,
    status: int = 200,
) -> HttpResponse:
    """Render the template, or only its partial when htmx asks.

    Waiting messages travel with a partial out of band, so that the live region announces them.
    """
    if not wants_partial(request):
        return vary(render(request, template, context, status=status))
    answer = render(request, f"{template}#{partial}", context, status=status)
    if len(get_messages(request)):
        answer.content += render_to_string("components/notices.html", {"out_of_band": True}, request).encode()
    return vary(answer)


def invalid(request: HttpRequest, template: str, context: Mapping[str, Any], *, partial: str) -> HttpResponse:
    """Show a form again with its errors: 422, which htmx is told to swap."""
    return page(request, template, context, partial=partial, status=422)


def last_poll(request: HttpRequest, template: str, context: Mapping[str, Any], *, partial: str) -> HttpResponse:
    """Answer a poll for the last time: 286 ends it. A whole page, asked for by a person, stays 200."""
    status = STOP_POLLING if wants_partial(request) else 200
    return page(request, template, context, partial=partial, status=status)


def go(request: HttpRequest, url: str) -> HttpResponse:
    """Lead to another page of ours after an act, with or without htmx."""
    if wants_partial(request):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url, status=303)
