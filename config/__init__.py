"""Composition only: settings, addresses, the Celery application, the launcher of the embedded services."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
