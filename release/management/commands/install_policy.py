"""Install a version of the release policy."""

from pathlib import Path

import yaml
from django.core.management.base import BaseCommand, CommandError, CommandParser

from release.models import ReleasePolicy
from release.services.policies import default_document, install_policy
from rules import Refused


class Command(BaseCommand):
    help = "Make a YAML document the release policy in force; without one, the default policy if there is none yet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("document", nargs="?", type=Path)
        parser.add_argument("--note", default="")

    def handle(self, *args: object, **options: object) -> None:
        path = options["document"]
        in_force = ReleasePolicy.objects.first()
        if path is None and in_force is not None:
            self.stdout.write(f"Release policy {in_force.version} is in force already ({in_force.digest}).")
            return
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8")) if path else default_document()  # type: ignore[attr-defined]
            made = install_policy(document=document, by=None, note=str(options["note"]))
        except (OSError, yaml.YAMLError) as error:
            raise CommandError(f"{path} cannot be read: {error}") from error
        except Refused as refused:
            raise CommandError(refused.verdict.sentence) from refused
        self.stdout.write(f"Release policy {made.version} is in force ({made.digest}).")
