"""Remove content that nothing needs, and what uploads left behind."""

from __future__ import annotations

import json

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from hub.services import upkeep
from web.formatting import size


class Command(BaseCommand):
    help = (
        "Remove content that no checkpoint or upload has needed for BLOB_GRACE_DAYS, stored bytes without a row, and "
        "what uploads left behind."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only say what would be removed.")
        parser.add_argument("--json", action="store_true", help="The numbers as JSON.")

    def handle(self, *args: object, **options: object) -> None:
        is_dry = bool(options["dry_run"])
        found = upkeep.collect(now=timezone.now(), is_dry=is_dry)
        if options["json"]:
            self.stdout.write(json.dumps({"dry_run": is_dry} | found.as_dict(), indent=2))
            return
        verb = "Would remove" if is_dry else "Removed"
        blobs = found.blobs
        self.stdout.write(
            f"{verb} {blobs.blobs} blobs ({size(blobs.blob_bytes)}), {blobs.strays} stray files "
            f"({size(blobs.stray_bytes)}), {found.xorbs} xorbs, {found.uploads} uploads in parts, "
            f"{found.drafts} drafts."
        )
        if blobs.busy:
            self.stdout.write(f"Left {blobs.busy} times, since something was being kept there just then.")
