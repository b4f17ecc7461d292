"""Addresses of a variant's pages, `/organization/name/`: they show what every app below knows of it."""

urlpatterns: list = []
