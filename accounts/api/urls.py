"""Addresses of the REST API of accounts, below /api/v1/."""

from django.urls import path

from accounts.api import views

app_name = "accounts-api"
urlpatterns = [
    path("whoami/", views.WhoAmI.as_view(), name="whoami"),
    path("tokens/", views.Tokens.as_view(), name="tokens"),
    path("tokens/<int:token_id>/revoke/", views.RevokeToken.as_view(), name="revoke-token"),
]
