from django.apps import AppConfig


class LicensingConfig(AppConfig):
    name = "licensing"

    def ready(self) -> None:
        from accounts import erasure
        from audit import presenters as audit
        from licensing import openness_tasks, tasks  # noqa: F401 - registers the handlers
        from licensing.presenters import SENTENCES
        from licensing.services import erase_acceptances
        from registry.evidence_jobs import register
        from registry.states import EvidenceKind
        from web import navigation

        register(EvidenceKind.LICENSE, "licensing.review")
        register(EvidenceKind.OPENNESS, "licensing.openness")
        erasure.register("acceptances", erase_acceptances)
        navigation.register("Licenses", "licensing:licenses", icon="license", order=40)
        for kind, sentence in SENTENCES.items():
            audit.register(kind, sentence)
