"""Erases a person: what names them goes, what they agreed to stays under a pseudonym."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.selectors import user_named
from accounts.services import erase_person
from rules import Refused


class Command(BaseCommand):
    help = "Take a person out of this instance; their acceptances and requests stay under a pseudonym. Irreversible."

    def add_arguments(self, parser: CommandParser) -> None:
        """The account, and that it is meant."""
        parser.add_argument("username")
        parser.add_argument("--yes", action="store_true", help="do it; without this, nothing is changed")

    def handle(self, *args: Any, username: str, yes: bool, **options: Any) -> None:
        """Erase, and say under which pseudonym the rows stay."""
        user = user_named(username)
        if user is None:
            raise CommandError(f"There is no open account {username}.")
        if not yes:
            raise CommandError(f"This cannot be undone. To erase {username}, say so: --yes")
        try:
            pseudonym = erase_person(user_id=user.pk, by=None)
        except Refused as refused:
            raise CommandError(refused.verdict.sentence) from refused
        self.stdout.write(f"{username} is erased; what they agreed to stays as {pseudonym}.")
