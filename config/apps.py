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
        import accounts.presenters
        import audit.access
        import audit.presenters
        import audit.request
        import audit.services
        import jobs.subjects
        from config import visibility
        from web import navigation
        from web.middleware import current_request_id

        audit.request.use_provider(current_request_id)
        audit.access.use_provider(visibility.readership)
        accounts.events.use_recorder(audit.services.record)
        for kind, sentence in accounts.presenters.SENTENCES.items():
            audit.presenters.register(kind, sentence)
        jobs.subjects.use_concern(visibility.sees_jobs)
        for model, (visible, describe) in visibility.JOB_SUBJECTS.items():
            jobs.subjects.register(model, visible=visible, describe=describe)
        navigation.register("API", "api", icon="api", order=60, is_shown=navigation.signed_in)
