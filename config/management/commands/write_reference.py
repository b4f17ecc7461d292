"""Write `docs/reference/` anew from the code, or say what is out of date there."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.reference import PAGES


class Command(BaseCommand):
    help = "Write docs/reference/ from the code. With --check, write nothing and exit 1 where it is out of date."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true")

    def handle(self, *args: object, **options: object) -> None:
        folder = settings.BASE_DIR / "docs" / "reference"
        folder.mkdir(parents=True, exist_ok=True)
        stale = []
        for name, make in PAGES.items():
            page, text = folder / name, make()
            if page.exists() and page.read_text(encoding="utf-8") == text:
                continue
            stale.append(name)
            if not options["check"]:
                page.write_text(text, encoding="utf-8")
        if stale and options["check"]:
            raise CommandError(f"Out of date: {', '.join(stale)}. Run `make reference`.")
        self.stdout.write(f"Written: {', '.join(stale)}." if stale else "Everything is up to date.")
