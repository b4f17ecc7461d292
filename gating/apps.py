from django.apps import AppConfig


class GatingConfig(AppConfig):
    name = "gating"

    def ready(self) -> None:
        from accounts import erasure
        from audit import presenters as audit
        from gating.presenters import SENTENCES
        from gating.selectors import is_reviewer
        from gating.services.requests import erase_answers
        from web import navigation

        erasure.register("answers", erase_answers)
        for kind, sentence in SENTENCES.items():
            audit.register(kind, sentence)
        navigation.register("Models", "gating:models", icon="box", order=20)
        navigation.register("Access", "gating:queue", icon="key", order=30, is_shown=is_reviewer)
        navigation.register(
            "My access",
            "gating:mine",
            icon="key",
            order=31,
            is_shown=lambda user: navigation.signed_in(user) and not is_reviewer(user),
        )
