"""The REST API's addresses: each app's own, the OpenAPI document and its page."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

urlpatterns = [
    path("openapi.yaml", SpectacularAPIView.as_view(permission_classes=[]), name="openapi"),
    path("", include("accounts.api.urls")),
    path("", include("audit.api.urls")),
    path("", include("jobs.api.urls")),
    path("", include("licensing.api.urls")),
    path("", include("gating.api.urls")),
    path("", include("release.api.urls")),
]
