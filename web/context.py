"""What every page knows: the instance, its navigation, the visitor's theme."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from web import navigation

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "imprimatur_theme"


@dataclass(frozen=True, slots=True)
class Instance:
    """The process that answers; a stand-in plays the public Hub and must never pass for the governing one."""

    name: str
    role: str
    url: str
    version: str

    @property
    def is_stand_in(self) -> bool:
        """Whether this process only plays the Hub that is published to."""
        return self.role == "public-hub"


@cache
def _version() -> str:
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def instance(request: HttpRequest) -> dict[str, Any]:
    """Add `instance`, `navigation` and `theme`; navigation is worked out only where a page shows it."""
    theme = request.COOKIES.get(THEME_COOKIE, "auto")
    return {
        "instance": Instance(settings.INSTANCE_NAME, settings.INSTANCE_ROLE, settings.PUBLIC_URL, _version()),
        "navigation": SimpleLazyObject(lambda: navigation.shown(request)),
        "theme": theme if theme in THEMES else "auto",
    }
