"""Addresses of the pages of licensing."""

app_name = "licensing"
urlpatterns: list = []
