from django.apps import AppConfig


class ReleaseConfig(AppConfig):
    name = "release"

    def ready(self) -> None:
        from audit import presenters
        from jobs import subjects
        from release import selectors, tasks  # noqa: F401 - registers the handlers
        from release.presenters.events import sentence
        from web import navigation

        presenters.register("release:", sentence)
        navigation.register("Releases", "release:board", icon="rocket", order=10, is_shown=selectors.is_member)
        navigation.register("Devices", "release:devices", icon="cpu", order=56, is_shown=subjects.are_shown_to)
