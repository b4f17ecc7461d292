"""Addresses of the REST API of licensing, below /api/v1/."""

urlpatterns: list = []
