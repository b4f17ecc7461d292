"""The door of the protocol: takes its routes off the raw path, before sessions, forms and pages have a say.

Owns that every answer below /api/ is JSON with the protocol's headers, also where something fails.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse

from hub import errors, left_out, limits, policies, routing
from hub.call import Call
from hub.errors import HubRefused
from hub.routes import ROUTER
from hub.views.repository import SentOn
from rules import Refused

logger = logging.getLogger(__name__)
GetResponse = Callable[[HttpRequest], HttpResponse]


class HubMiddleware:
    """Answers the Hub's routes; hands all other requests on untouched."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = routing.raw_path(request.META)
        segments = routing.segments_of(path)
        match = ROUTER.find(request.method, segments) if segments else None
        is_ours = path == "/api" or path.startswith("/api/")
        if segments and segments[:2] == ["api", "v1"]:
            is_ours, match = False, None
        area = left_out.area_of(segments) if match is None or match.view is None else None
        if not is_ours and area is None and (match is None or match.view is None):
            return self.get_response(request)
        response = _answer(request, match, _beyond(area, segments))
        if not response.streaming and "Content-Length" not in response and "X-Accel-Redirect" not in response:
            # Without a length the server would send it in chunks, each piece by a call of its own.
            response["Content-Length"] = str(len(response.content))
        if request.method == "HEAD" and not response.streaming and response.content:
            # The length stays as GET would have it; the body stays here.
            length = str(len(response.content))
            response.content = b""
            response["Content-Length"] = length
        return response


def _answer(request: HttpRequest, match: routing.Match | None, beyond: HubRefused | None) -> HttpResponse:
    call = Call(request)
    try:
        limits.require(call, match)
        if beyond is not None:
            _ = call.token  # a token that opens nothing is told so first, as everywhere
            raise beyond
        if match is None:
            raise Refused.because(policies.NO_SUCH_ROUTE)
        if match.view is None:
            allowed = ", ".join(match.allowed)
            verdict = Refused.because(policies.WRONG_METHOD, allowed=allowed, method=request.method).verdict
            raise HubRefused(verdict, headers={"Allow": allowed})
        return match.view(call, **match.parts)
    except SentOn as direction:
        return errors.sent_on(direction.location)
    except HubRefused as refused:
        return refused.response()
    except Refused as refused:
        return errors.response(refused, is_somebody=_is_somebody(call))
    except SuspiciousOperation:
        return errors.plain(400, "The request could not be read.")
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        return errors.plain(
            500, "Something failed on our side. Nothing was half-done; the request id finds it in the log."
        )


def _beyond(area: left_out.Area | None, segments: list[str] | None) -> HubRefused | None:
    """The answer where an address lies in what is left out: nothing is there for anybody."""
    if area is None:
        return None
    verdict = Refused.because(policies.LEFT_OUT, sought=area.sought, instead=area.instead).verdict
    return HubRefused(verdict, code=left_out.code_of(area, segments or [], errors.REPO))


def _is_somebody(call: Call) -> bool:
    try:
        return call.user is not None
    except Refused:
        return False
