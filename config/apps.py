"""The composing app: it owns no table, only commands and the wiring of apps that don't know each other."""

from django.apps import AppConfig

# Here rather than in the package, so that the launcher, which needs no Celery, does not load it.
from config.celery import app as celery_app

__all__ = ["ConfigConfig", "celery_app"]


class ConfigConfig(AppConfig):
    name = "config"
    label = "config"

    def ready(self) -> None:
        import accounts.events
        import audit.services
        import jobs.devices
        from audit.request import use_provider
        from smoke.devices import discover
        from web.middleware import current_request_id

        use_provider(current_request_id)
        accounts.events.use_recorder(audit.services.record)
        jobs.devices.register_finder("smoke.", lambda: [device.to_json() for device in discover().devices])
