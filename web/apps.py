"""Registers the shared presentation with Django; it has no tables."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Shared presentation: pages, components, problems, pagination."""

    name = "web"
    verbose_name = "Web"
