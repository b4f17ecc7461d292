"""Bring the license catalog in the database up to the one that ships."""

from django.core.management.base import BaseCommand

from licensing.services import load_catalog


class Command(BaseCommand):
    help = "Load the shipped license catalog. Safe to repeat: versions are added, never changed."

    def handle(self, *args: object, **options: object) -> None:
        loaded = load_catalog()
        self.stdout.write(f"{loaded.licenses_added} licenses and {loaded.versions_added} versions added.")
