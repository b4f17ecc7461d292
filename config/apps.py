"""The composing app: it owns no table, only commands and the wiring of apps that don't know each other."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    label = "config"

    def ready(self) -> None:
        from audit.request import use_provider
        from web.middleware import current_request_id

        use_provider(current_request_id)
