"""Add a place that releases can go to."""

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.selectors import organization_named
from release.services.targets import put_target
from release.states import TargetKind
from rules import Refused


class Command(BaseCommand):
    help = (
        "Add or change a target of an organization. The token that publishes there comes from TARGET_TOKEN_<NAME> "
        "in the environment of the publishing workers."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization")
        parser.add_argument("name", help="Short name, such as hugging-face.")
        parser.add_argument("--title", help="How people know it; default: the name.")
        parser.add_argument("--endpoint", default="", help="Address of a Hub; without one the target is this instance.")
        parser.add_argument("--namespace", default="", help="The user or organization to publish under.")
        parser.add_argument("--default", action="store_true", help="Choose it for new drafts.")

    def handle(self, *args: object, **options: object) -> None:
        endpoint, namespace = str(options["endpoint"]), str(options["namespace"])
        if bool(endpoint) != bool(namespace):
            raise CommandError("--endpoint and --namespace go together.")
        try:
            organization = organization_named(str(options["organization"]))
        except Refused as refused:
            raise CommandError(refused.verdict.sentence) from refused
        target = put_target(
            organization=organization,
            name=str(options["name"]),
            title=str(options["title"] or options["name"]),
            kind=TargetKind.HUB if endpoint else TargetKind.HERE,
            by=None,
            endpoint=endpoint,
            namespace=namespace,
            is_default=bool(options["default"]),
        )
        self.stdout.write(f"{target.title} is a target of {organization}.")
