"""Addresses of the REST API of gating, below /api/v1/."""

from django.urls import path

from gating.api import views

app_name = "gating-api"
urlpatterns = [
    path("access-requests/", views.AccessRequests.as_view(), name="requests"),
    path("access-requests/<int:request_id>/", views.OneAccessRequest.as_view(), name="request"),
    *(
        path(f"access-requests/<int:request_id>/{verb}/", views.Decide.as_view(verb=verb), name=verb)
        for verb in ("accept", "reject", "reopen")
    ),
    path("access-requests/<int:request_id>/cancel/", views.Cancel.as_view(), name="cancel"),
    path("grants/", views.Grants.as_view(), name="grants"),
    path("grants/<int:grant_id>/revoke/", views.Revoke.as_view(), name="revoke"),
    path("variants/<str:organization>/<str:name>/access/", views.VariantAccess.as_view(), name="access"),
    path("variants/<str:organization>/<str:name>/access/text/", views.VariantText.as_view(), name="accept-text"),
    path("variants/<str:organization>/<str:name>/gate/", views.VariantGate.as_view(), name="gate"),
    path("variants/<str:organization>/<str:name>/grants/", views.VariantGrants.as_view(), name="variant-grants"),
]
