"""Composition only: settings, addresses, the Celery application, the launcher of the embedded services."""
