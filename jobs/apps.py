from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"

    def ready(self) -> None:
        from jobs import subjects
        from web import navigation

        navigation.register("Jobs", "jobs:jobs", icon="list-check", order=55, is_shown=subjects.are_shown_to)
