from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "registry"

    def ready(self) -> None:
        from accounts import erasure
        from accounts.presenters import register_roles_provider
        from audit import presenters
        from jobs import device_register, devices
        from registry import tasks  # noqa: F401 - registers the handlers
        from registry.evidence_jobs import register
        from registry.inference import attached, routing
        from registry.presenters import sentence
        from registry.selectors import holds_a_role, roles_of
        from registry.states import EvidenceKind

        register_roles_provider(roles_of)
        erasure.register_duty("a role in an organization", holds_a_role)
        register(EvidenceKind.VALIDATION, "registry.validate")
        register(EvidenceKind.SMOKE, "registry.smoke")
        presenters.register("registry:", sentence)
        devices.register_finder(attached.QUEUES, attached.describe, attached.free_now)
        device_register.listen(routing.look_again)
