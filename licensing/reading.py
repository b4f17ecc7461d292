"""Reading nested facts strictly: every key known, every value of its kind, each fault with the path to it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

Word = TypeVar("Word", bound=StrEnum)


class Malformed(ValueError):
    """Facts that cannot be read; says where and why."""


class Reader:
    """One mapping that is taken apart key by key; an absent key reads like null, which means unknown."""

    def __init__(self, given: object, path: str = "") -> None:
        if not isinstance(given, Mapping):
            raise Malformed(f"{path or 'the entry'} is no mapping")
        self._left = dict(given)
        self.path = path

    def _take(self, key: str) -> object:
        return self._left.pop(key, None)

    def _fail(self, key: str, wanted: str, found: object) -> Malformed:
        return Malformed(f"{self.path}{'.' if self.path else ''}{key} must be {wanted}, not {found!r}")

    def text(self, key: str) -> str:
        """Words; unknown reads as the empty string. A number or date that YAML made of them is refused."""
        found = self._take(key)
        if found is None:
            return ""
        if not isinstance(found, str):
            raise self._fail(key, "text", found)
        return found

    def flag(self, key: str) -> bool | None:
        """Yes, no, or unknown."""
        found = self._take(key)
        if found is not None and not isinstance(found, bool):
            raise self._fail(key, "true, false or null", found)
        return found

    def choice(self, key: str, words: type[Word]) -> Word | None:
        """One of the words, or unknown."""
        found = self._take(key)
        if found is None:
            return None
        if found not in set(words):
            raise self._fail(key, f"one of {', '.join(words)}", found)
        return words(str(found))

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of words; absent reads as empty."""
        found = self._take(key)
        if found is None:
            return ()
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise self._fail(key, "a list of texts", found)
        return tuple(found)

    def scalar(self, key: str) -> int | str | tuple[str, ...] | None:
        """A number, a text or a list of texts."""
        found = self._take(key)
        if isinstance(found, list):
            return tuple(str(item) for item in found)
        if found is None or (isinstance(found, int | str) and not isinstance(found, bool)):
            return found
        raise self._fail(key, "a number, a text or a list", found)

    def inner(self, key: str) -> Reader | None:
        """The mapping below a key, where there is one."""
        found = self._take(key)
        return None if found is None else Reader(found, f"{self.path}{'.' if self.path else ''}{key}")

    def inners(self, key: str) -> list[Reader]:
        """The mappings of a list below a key."""
        found = self._take(key) or []
        if not isinstance(found, list):
            raise self._fail(key, "a list", found)
        base = f"{self.path}{'.' if self.path else ''}{key}"
        return [Reader(item, f"{base}.{position}") for position, item in enumerate(found)]

    def finish(self) -> None:
        """Refuse keys that nobody asked for: a misspelled one would silently read as unknown."""
        if self._left:
            raise Malformed(f"{self.path or 'the entry'} has unknown keys: {', '.join(sorted(self._left))}")
