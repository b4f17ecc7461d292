"""The REST API's addresses: each app's own, the OpenAPI document and its page."""

from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView

from accounts.api import openapi  # noqa: F401 - names our ways of authentication in the document
from config import api_reference


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of this version; made once for each process."""
    return SchemaGenerator().get_schema(request=None, public=True)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show every endpoint with its parameters, answers and a command to try it; open to everybody."""
    context = {
        "parts": api_reference.parts(document(), settings.PUBLIC_URL),
        "schemas": api_reference.schemas(document()),
    }
    return render(request, "api/reference.html", context)


urlpatterns = [
    path("", page, name="api"),
    path("openapi.yaml", SpectacularAPIView.as_view(permission_classes=[]), name="openapi"),
    path("", include("accounts.api.urls")),
    path("", include("audit.api.urls")),
    path("", include("jobs.api.urls")),
    path("", include("licensing.api.urls")),
    path("", include("gating.api.urls")),
    path("", include("release.api.urls")),
]
