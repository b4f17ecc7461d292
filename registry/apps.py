from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "registry"

    def ready(self) -> None:
        from registry import tasks  # noqa: F401 - registers the handlers
        from registry.evidence_jobs import register
        from registry.states import EvidenceKind

        register(EvidenceKind.VALIDATION, "registry.validate")
        register(EvidenceKind.SMOKE, "registry.smoke")
