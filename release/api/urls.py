"""Addresses of the REST API of release, below /api/v1/."""

urlpatterns: list = []
