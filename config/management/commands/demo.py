"""Make the demonstration, on the governing instance or on the one that plays the public Hub."""

import json
from dataclasses import asdict
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.demonstration.lab import ORGANIZATION, make_lab
from config.demonstration.models import make_models
from config.demonstration.people import HUB, LAB, Login, make_people
from config.launcher.instance import Folders, write_private
from rules import Refused


class Command(BaseCommand):
    help = (
        "Make the demonstration: organization, people, trained tiny models, a drafted release. Repeating it mends it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--hub", action="store_true", help="The people and namespace of the stand-in for the Hub.")
        parser.add_argument("--hub-url", default="", help="Where the stand-in answers; default: the port after ours.")
        parser.add_argument("--secrets", type=Path, default=Folders.of_environment().secrets)

    def handle(self, *args: object, **options: object) -> None:
        folder: Path = options["secrets"]  # type: ignore[assignment]
        try:
            if options["hub"]:
                logins = make_people(HUB, organization=ORGANIZATION, title="Acme on the Hub", is_direct_control=True)
                self.keep(logins, folder / "demo-hub-users.json")
            else:
                call_command("load_catalog", verbosity=0)
                call_command("install_policy", verbosity=0, stdout=self.stdout)
                logins = make_people(LAB, organization=ORGANIZATION, title="Acme Research", is_direct_control=False)
                places = make_models(settings.IMPORT_ROOTS[0] / "demonstration", self.tell)
                make_lab(places, hub_url=str(options["hub_url"]) or _next_port(settings.PUBLIC_URL), tell=self.tell)
                self.keep(logins, folder / "demo-users.json")
        except Refused as refused:
            raise CommandError(refused.verdict.sentence) from refused

    def tell(self, sentence: str) -> None:
        """Say what happens, at once."""
        self.stdout.write(sentence)
        self.stdout.flush()

    def keep(self, logins: list[Login], path: Path) -> None:
        """Write the log-ins where only their owner reads them; last, so that they stand for a finished whole."""
        write_private(path, json.dumps([asdict(login) for login in logins], indent=2))
        self.tell(f"{len(logins)} people can sign in.")


def _next_port(url: str) -> str:
    address, _, port = url.rpartition(":")
    return f"{address}:{int(port) + 1}" if port.isdigit() else ""
