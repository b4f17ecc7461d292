"""Bring an installation up to date: tables, license catalog, and a release policy where there is none."""

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Migrate, load the license catalog, and install the default release policy if there is none. Repeatable."

    def handle(self, *args: object, **options: object) -> None:
        verbosity = int(options["verbosity"])  # type: ignore[call-overload]
        call_command("migrate", interactive=False, verbosity=verbosity, stdout=self.stdout)
        call_command("load_catalog", verbosity=verbosity, stdout=self.stdout)
        call_command("install_policy", stdout=self.stdout)
