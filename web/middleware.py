"""What every request gets: an id that finds it in the logs, and an answer that explains a refusal.

Owns nothing else of the request; who asks is settled by Django's own middleware.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import Http404, HttpRequest, HttpResponse

from rules import Refused
from web import errors

GetResponse = Callable[[HttpRequest], HttpResponse]

# Anything else could break a log line or smuggle a header.
SANE_ID = re.compile(r"[A-Za-z0-9._~:=;,/+@-]{1,128}", re.ASCII)

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
