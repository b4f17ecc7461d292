"""Which app answers at which address."""

from django.urls import include, path

from config import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", include("accounts.urls")),
    path("", include("web.urls")),
    path("", include("audit.urls")),
    path("", include("jobs.urls")),
    path("", include("licensing.urls")),
    path("", include("gating.urls")),
    path("", include("release.urls")),
    path("api/v1/", include("config.api")),
    # Last: its addresses begin with an organization's name, which may be any word.
    path("", include("hub.urls")),
    path("", include("release.variant_urls")),
]
handler400 = "web.errors.bad_request"
handler403 = "web.errors.permission_denied"
handler404 = "web.errors.not_found"
handler500 = "web.errors.server_error"
