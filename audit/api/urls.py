"""Addresses of the REST API of audit, below /api/v1/."""

urlpatterns: list = []
