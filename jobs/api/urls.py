"""Addresses of the REST API of jobs, below /api/v1/."""

urlpatterns: list = []
