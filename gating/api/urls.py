"""Addresses of the REST API of gating, below /api/v1/."""

urlpatterns: list = []
