"""Remove what uploads left behind and nobody refers to any more."""

from __future__ import annotations

from django.core.management.base import BaseCommand
from django.utils import timezone

from hub.services.xet.collecting import collect


class Command(BaseCommand):
    help = "Remove what uploads left behind: xorbs that were not used for weeks, and drafts of broken uploads."

    def handle(self, *args: object, **options: object) -> None:
        found = collect(now=timezone.now())
        self.stdout.write(f"Removed {found.xorbs} xorbs, {found.files} of their files, {found.drafts} drafts.")
