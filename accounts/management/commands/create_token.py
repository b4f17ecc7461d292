"""Make a token for a user and print its secret once."""

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.roles import Scope
from accounts.services import create_token
from rules import Refused


class Command(BaseCommand):
    help = "Print a new token for a user. The secret is shown once and kept nowhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--scope",
            action="append",
            metavar="|".join(Scope),
            help="May be given several times; default: read.",
        )
        parser.add_argument("--expires-days", type=int, default=90, metavar="N")
        parser.add_argument("--name", default="command line")

    def handle(self, *args: object, **options: object) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user “{options['username']}”.")
        try:
            new = create_token(
                user=user,
                name=str(options["name"]),
                scopes=options["scope"] or [Scope.READ],
                expires_days=options["expires_days"],
            )
        except Refused as refused:
            raise CommandError(refused.verdict.sentence) from refused
        self.stdout.write(new.secret)
