"""The composing app: it owns no table, only commands and wiring that need every other app."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    label = "config"
