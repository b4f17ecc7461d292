"""Problem documents (RFC 9457): the one form in which the API says no.

Owns the members of a problem and the mapping from exceptions to them. It decides nothing: reasons come from
`rules`, from serializers, or from the framework.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.views import set_rollback

from rules import Refused, Verdict

CONTENT_TYPE = "application/problem+json"

# Codes of what the framework refuses; those of decisions are registered by their rules. Never reuse one.
STATUS_CODES = {
    400: "malformed",
    401: "not_signed_in",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "too_many_requests",
    500: "server_error",
}

Reasons = list[dict[str, str]]


class ReasonSerializer(serializers.Serializer):
    """One reason of a problem, for the OpenAPI document."""

    code = serializers.CharField()
    message = serializers.CharField()
    lifted_by = serializers.CharField(required=False)
    field = serializers.CharField(required=False)


class ActionSerializer(serializers.Serializer):
    """One verb, whether this caller may do it now, and every reason against it."""

    name = serializers.CharField()
    allowed = serializers.BooleanField()
    reasons = ReasonSerializer(many=True)


class ProblemSerializer(serializers.Serializer):
    """The members of a problem, for the OpenAPI document."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    reasons = ReasonSerializer(many=True)
    instance = serializers.CharField()
    request_id = serializers.CharField()


def problem(
    request: HttpRequest, status: int, detail: str, *, code: str = "", reasons: Reasons | None = None
) -> dict[str, Any]:
    """Return the members of a problem; without a code, the status gives one."""
    code = code or STATUS_CODES.get(status, f"status_{status}")
    return {
        "type": f"urn:imprimatur:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "reasons": reasons or [],
        "instance": request.path,
        "request_id": getattr(request, "id", ""),
    }


def refusal(request: HttpRequest, verdict: Verdict) -> dict[str, Any]:
    """Return the problem of a verdict: its code is that of the first reason which decides the status."""
    leading = next(reason for reason in verdict.reasons if reason.kind.status == verdict.status)
    return problem(request, verdict.status, verdict.sentence, code=leading.code, reasons=verdict.as_list())


def response(members: dict[str, Any], headers: Mapping[str, str] | None = None) -> JsonResponse:
    """Return a problem as an answer outside Django REST framework."""
    headers = dict(headers or {})
    if members["status"] == 401:
        headers.setdefault("WWW-Authenticate", "Bearer")
    return JsonResponse(members, status=members["status"], content_type=CONTENT_TYPE, headers=headers)


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what an API view raises into a problem.

    None for the unexpected: Django logs it with its trace, and the handler of 500 answers without one.
    """
    members = _members(exc, context["request"])
    if members is None:
        return None
    set_rollback()
    headers = {}
    if members["status"] == 401:
        headers["WWW-Authenticate"] = getattr(exc, "auth_header", "Bearer")
    if isinstance(exc, exceptions.Throttled) and exc.wait is not None:
        headers["Retry-After"] = str(max(1, int(exc.wait)))
    return Response(members, status=members["status"], headers=headers, content_type=CONTENT_TYPE)


def _members(exc: Exception, request: HttpRequest) -> dict[str, Any] | None:
    if isinstance(exc, Refused):
        return refusal(request, exc.verdict)
    if isinstance(exc, exceptions.ValidationError):
        reasons = list(_field_reasons(exc.detail))
        return problem(request, 422, "Some fields cannot be accepted.", reasons=reasons)
    if isinstance(exc, Http404):
        return problem(request, 404, "There is nothing here, or nothing that you may see.")
    if isinstance(exc, PermissionDenied):
        return problem(request, 403, "You may not do this.")
    if isinstance(exc, exceptions.NotAuthenticated):
        return problem(request, 401, "Sign in, or send a token as 'Authorization: Bearer …'.")
    if isinstance(exc, exceptions.AuthenticationFailed):
        return problem(request, 401, str(exc.detail), code="token_invalid")
    if isinstance(exc, exceptions.APIException):
        return problem(request, exc.status_code, str(exc.detail))
    return None


def _field_reasons(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Flatten a serializer's errors; the field is a dotted path such as `files.0.path`."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _field_reasons(inner, path if name == "non_field_errors" else f"{path}.{name}".lstrip("."))
    elif isinstance(detail, list):
        for position, inner in enumerate(detail):
            deeper = f"{path}.{position}".lstrip(".") if isinstance(inner, Mapping | list) else path
            yield from _field_reasons(inner, deeper)
    else:
        reason = {"code": getattr(detail, "code", None) or "invalid", "message": str(detail)}
        yield reason | {"field": path} if path else reason
