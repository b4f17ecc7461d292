"""Import a folder as a checkpoint of a variant."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from registry.selectors import variant_named
from registry.services.imports import import_folder
from rules import Refused


class Command(BaseCommand):
    help = "Make the files of a folder below an allowed root the newest checkpoint of a variant."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--variant", required=True, metavar="ORGANIZATION/NAME")
        parser.add_argument("--as", dest="username", required=True, metavar="USERNAME", help="Whose act this is.")
        parser.add_argument("--branch", default="main")
        parser.add_argument("--title", default="")

    def handle(self, *args: object, **options: object) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user “{options['username']}”.")
        try:
            made = import_folder(
                variant=variant_named(str(options["variant"])),
                folder=options["folder"],  # type: ignore[arg-type]
                by=user,
                branch=str(options["branch"]),
                title=str(options["title"]),
                progress=self.show,
            )
        except Refused as refused:
            raise CommandError(refused.verdict.sentence) from refused
        self.stdout.write(f"\n{made.checkpoint.digest} at commit {made.oid}")

    def show(self, done: int, total: int, path: str) -> None:
        """One line that is written over, on a terminal alone."""
        if self.stdout.isatty():
            self.stdout.write(f"\r{done * 100 // max(total, 1):3d} %  {path[:80]:80}", ending="")
