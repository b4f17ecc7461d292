from django.apps import AppConfig


class HubConfig(AppConfig):
    name = "hub"

    def ready(self) -> None:
        from audit import presenters
        from hub.sentences import SENTENCES
        from release.presenters.variant import register_tab

        for kind, sentence in SENTENCES.items():
            presenters.register(kind, sentence)
        register_tab("hub:pulls", "Pull requests", "git-branch", is_inside=True)
        register_tab("hub:downloads", "Downloads", "download", is_inside=True)
