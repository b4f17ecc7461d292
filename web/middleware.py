"""What every request gets: an id that finds it in the logs, a readable address, and an answer that explains a refusal.

Owns nothing else of the request; who asks is settled by Django's own middleware.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import Http404, HttpRequest, HttpResponse

from rules import Kind, Refused, Rule
from web import errors

GetResponse = Callable[[HttpRequest], HttpResponse]

# Anything else could break a log line or smuggle a header.
SANE_ID = re.compile(r"[A-Za-z0-9._~:=;,/+@-]{1,128}", re.ASCII)

BAD_ADDRESS = Rule(
    "address_unreadable",
    "The address has a NUL character in {field}, and nothing here is called so.",
    "You, by leaving the character out",
    Kind.WHAT,
)

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """The id of the request at hand; empty outside one."""
    return _request_id.get()


class RequestIdMiddleware:
    """Sets `request.id` from X-Request-Id or X-Amzn-Trace-Id, or anew, and answers it as X-Request-Id."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.id = self._given(request) or str(uuid.uuid4())
        _request_id.set(request.id)
        response = self.get_response(request)
        response["X-Request-Id"] = request.id
        return response

    @staticmethod
    def _given(request: HttpRequest) -> str:
        for header in ("X-Request-Id", "X-Amzn-Trace-Id"):
            value = request.headers.get(header, "")
            if SANE_ID.fullmatch(value):
                return value
        return ""


class AddressMiddleware:
    """Refuses an address with a NUL character, which no text in the database can hold, before anything looks for it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path_info:
            return errors.not_found(request)
        for field, values in request.GET.lists():
            if "\0" in "".join((field, *values)):
                verdict = Refused.because(BAD_ADDRESS, field=field.replace("\0", "\ufffd")[:60]).verdict
                return errors.refused(request, verdict)
        return self.get_response(request)


class RefusalMiddleware:
    """Turns `Refused` and `Http404` that a view let through into an answer with reasons."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer the two exceptions that are no fault; leave all others to Django."""
        if isinstance(exception, Refused):
            return errors.refused(request, exception.verdict)
        if isinstance(exception, Http404):
            return errors.not_found(request, exception)
        return None
