from django.apps import AppConfig


class GatingConfig(AppConfig):
    name = "gating"

    def ready(self) -> None:
        from accounts import erasure
        from audit import presenters as audit
        from gating.presenters import SENTENCES
        from gating.selectors import is_reviewer, visible_variant, visible_variants
        from gating.services.requests import erase_answers
        from licensing import sight
        from web import navigation

        sight.register(
            lambda user, repo_id: visible_variant(user, repo_id)[0],
            lambda user, ids: set(visible_variants(user).filter(pk__in=list(ids)).values_list("pk", flat=True)),
        )
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
