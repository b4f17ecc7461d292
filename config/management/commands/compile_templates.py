"""Compiles every template, so that a broken one is found before a visitor does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import get_template


class Command(BaseCommand):
    help = "Compile every template of this project."

    def handle(self, *args: Any, **options: Any) -> None:
        """Report all broken templates at once, each with its reason."""
        names = sorted(_names(Path(folder) for folder in settings.TEMPLATES[0]["DIRS"]))
        broken = [f"{name}: {reason}" for name in names if (reason := _reason(name))]
        if broken:
            raise CommandError("\n".join(broken))
        self.stdout.write(f"{len(names)} templates compile.")


def _names(folders: Any) -> set[str]:
    return {
        str(path.relative_to(folder))
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in {".html", ".txt", ".md"}
    }


def _reason(name: str) -> str:
    try:
        get_template(name)
    except (TemplateSyntaxError, TemplateDoesNotExist) as failure:
        return f"{type(failure).__name__}: {failure}"
    return ""
