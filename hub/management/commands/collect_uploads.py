"""Remove what uploads left behind and nobody refers to any more."""

from __future__ import annotations

from django.core.management.base import BaseCommand
from django.utils import timezone

from hub.services import parts
from hub.services.xet.collecting import collect


class Command(BaseCommand):
    help = "Remove what uploads left behind: xorbs not used for weeks, parts not used for a week, drafts."

    def handle(self, *args: object, **options: object) -> None:
        now = timezone.now()
        found, uploads = collect(now=now), parts.collect(now=now)
        self.stdout.write(
            f"Removed {found.xorbs} xorbs, {found.files} of their files, {found.drafts} drafts, "
            f"{uploads} uploads in parts."
        )
