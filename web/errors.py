"""Answers to what goes wrong: a problem for programs, a page for people, a fragment for htmx.

Owns Django's error handlers and the page of a refusal. The reasons belong to the rule that gave them.
"""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme

from rules import Verdict
from web import htmx, problems

logger = logging.getLogger(__name__)


def wants_problem(request: HttpRequest) -> bool:
    """Whether a program asks: below /api/, or with an Accept header that names JSON and no HTML."""
    accept = request.headers.get("Accept", "")
    return request.path.startswith("/api/") or ("json" in accept and "text/html" not in accept)


def refused(request: HttpRequest, verdict: Verdict) -> HttpResponse:
    """Answer a refusal with all its reasons and who can lift each."""
    if wants_problem(request):
        return problems.response(problems.refusal(request, verdict))
    context = {"verdict": verdict, "back": _page_before(request)}
    return _answer(request, "errors/refused.html", verdict.status, context)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request that could not be read."""
    return _plain(request, 400, "errors/400.html", "The request could not be read.")


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request that this person may not make."""
    return _plain(request, 403, "errors/403.html", "You may not do this.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that came without the proof that it was sent from one of our pages."""
    logger.warning("A form was refused for its CSRF token: %s", reason)
    detail = "This form is out of date or did not come from this site. Reload the page and send it again."
    return _plain(request, 403, "errors/csrf.html", detail, code="csrf_failed")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer where nothing is, or nothing that this person may see: the two look the same."""
    return _plain(request, 404, "errors/404.html", "There is nothing here, or nothing that you may see.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a fault of ours without a trace and without the database, which may be what failed."""
    detail = "Something failed on our side. Nothing was half-done; the request id finds it in the log."
    if wants_problem(request):
        return problems.response(problems.problem(request, 500, detail))
    page = render_to_string("errors/500.html", {"detail": detail, "request_id": getattr(request, "id", "")})
    return HttpResponse(page, status=500)


def _plain(request: HttpRequest, status: int, template: str, detail: str, *, code: str = "") -> HttpResponse:
    if wants_problem(request):
        return problems.response(problems.problem(request, status, detail, code=code))
    return _answer(request, template, status, {"detail": detail, "back": _page_before(request)})


def _answer(request: HttpRequest, template: str, status: int, context: dict[str, object]) -> HttpResponse:
    if htmx.wants_partial(request):
        template = f"{template}#notice"
    answer = render(request, template, context, status=status)
    if htmx.wants_partial(request):  # what the request was aimed at stays; the reasons go to the live region
        answer["HX-Retarget"], answer["HX-Reswap"] = "#notices", "innerHTML"
    return htmx.vary(answer)


def _page_before(request: HttpRequest) -> str:
    """The page that led here, where it is one of ours and not this one."""
    referer = request.headers.get("Referer", "")
    safe = url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure())
    return referer if safe and referer != request.build_absolute_uri() else ""
