"""Addresses of the pages of audit."""

app_name = "audit"
urlpatterns: list = []
