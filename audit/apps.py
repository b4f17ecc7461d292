from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        from audit import access
        from web import navigation

        navigation.register(
            "Audit", "audit:events", icon="history", order=50, is_shown=lambda user: access.readership_of(user).is_any
        )
