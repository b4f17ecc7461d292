"""Addresses of the pages of gating."""

app_name = "gating"
urlpatterns: list = []
