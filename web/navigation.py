"""The entries of the top bar: apps register theirs, in `AppConfig.ready`.

Owns their order and which one is current. It knows no app: an entry is a URL name and a predicate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

Predicate = Callable[[Any], bool]


def anybody(user: Any) -> bool:
    """Shown to every visitor."""
    return True


def signed_in(user: Any) -> bool:
    """Shown to whoever is signed in."""
    return bool(user.is_authenticated)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; `order` sorts from left to right."""

    label: str
    url_name: str
    icon: str
    order: int
    is_shown: Predicate


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """An entry as this visitor sees it on this page."""

    label: str
    url: str
    icon: str
    is_current: bool


_entries: dict[str, Entry] = {}


def register(label: str, url_name: str, *, icon: str, order: int, is_shown: Predicate = anybody) -> None:
    """Add an entry; registering the same URL name again replaces it."""
    _entries[url_name] = Entry(label, url_name, icon, order, is_shown)


def shown(request: HttpRequest) -> list[ShownEntry]:
    """The entries for this visitor, in order; one whose page does not exist is left out."""
    found = []
    for entry in sorted(_entries.values(), key=lambda entry: (entry.order, entry.label)):
        if not entry.is_shown(request.user):
            continue
        try:
            found.append((entry, reverse(entry.url_name)))
        except NoReverseMatch:
            continue
    current = max((url for _, url in found if _leads(url, request.path)), key=len, default=None)
    return [ShownEntry(entry.label, url, entry.icon, url == current) for entry, url in found]


def _leads(url: str, path: str) -> bool:
    """Whether the page at `path` is the entry's own or lies below it."""
    return path == url or (url != "/" and path.startswith(url.rstrip("/") + "/"))
