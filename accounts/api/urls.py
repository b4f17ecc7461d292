"""Addresses of the REST API of accounts, below /api/v1/."""

urlpatterns: list = []
