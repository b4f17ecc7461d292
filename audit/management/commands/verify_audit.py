"""Read the chain of events back and say whether it holds."""

from django.core.management.base import BaseCommand, CommandParser

from audit.verification import verify_chain


class Command(BaseCommand):
    help = "Recompute the hash chain of all events. Exit 0: it holds. Exit 1: it does not, with the first break."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--head", default="", help="A hash noted earlier, which the chain must still contain.")

    def handle(self, *args: object, **options: object) -> None:
        report = verify_chain(noted=str(options["head"]))
        if report.broken:
            self.stderr.write(f"BROKEN at position {report.broken.position}: {report.broken.message}")
            self.stderr.write(f"{report.events} events before it hold; last good hash {report.head}.")
            raise SystemExit(1)
        self.stdout.write(f"The chain holds: {report.events} events, head {report.head}.")
