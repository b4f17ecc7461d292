"""Addresses of the pages of release."""

app_name = "release"
urlpatterns: list = []
