from django.apps import AppConfig


class HubConfig(AppConfig):
    name = "hub"

    def ready(self) -> None:
        from audit import presenters
        from hub.sentences import SENTENCES

        for kind, sentence in SENTENCES.items():
            presenters.register(kind, sentence)
