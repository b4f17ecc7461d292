"""Reading a model card's front matter: untrusted YAML, bounded in bytes, depth and cleverness.

Owns the safe reading only. What the words mean is asked of the catalog.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml

CARD_BYTES = 256 * 1024
DEPTH = 20
FENCE = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)(?:\r?\n)?^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)


class BadCard(ValueError):
    """Front matter that cannot be read; says why in words for people."""


class _Loader(yaml.SafeLoader):
    """Plain data without anchors, by which a few bytes could stand for gigabytes, and without deep nesting."""

    depth = 0

    def compose_node(self, parent: object, index: object) -> object:
        if self.check_event(yaml.AliasEvent):
            raise BadCard("the front matter uses YAML aliases, which are not followed")
        self.depth += 1
        if self.depth > DEPTH:
            raise BadCard(f"the front matter is nested deeper than {DEPTH} levels")
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


# Dates and numbers stay as they are written: `version: 1.10` is not 1.1.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in {"tag:yaml.org,2002:timestamp"}]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def front_matter(head: bytes) -> dict[str, object]:
    """The metadata at the beginning of a card, from its first `CARD_BYTES` bytes; empty where there is none."""
    try:
        text = head[:CARD_BYTES].decode("utf-8", "strict" if len(head) <= CARD_BYTES else "ignore")
    except UnicodeDecodeError:
        raise BadCard("the card is not UTF-8") from None
    found = FENCE.match(text)
    if found is None:
        if re.match(r"\A\ufeff?---[ \t]*\r?\n", text):
            raise BadCard(f"the front matter does not end within {CARD_BYTES} bytes")
        return {}
    try:
        read = yaml.load(found.group(1), _Loader)  # noqa: S506 - a SafeLoader, narrowed further
    except BadCard:
        raise
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        raise BadCard(f"the front matter is no YAML: {_first_line(problem)}") from None
    if read is None:
        return {}
    if not isinstance(read, Mapping):
        raise BadCard("the front matter is no mapping")
    return {str(key): value for key, value in read.items()}


def words(value: object) -> tuple[str, ...]:
    """A value that may be one text or a list of them; other kinds are left out."""
    given = value if isinstance(value, list) else [value]
    return tuple(item.strip() for item in given if isinstance(item, str) and item.strip())


def _first_line(problem: Exception) -> str:
    said = getattr(problem, "problem", None) or str(problem)
    return str(said).splitlines()[0][:200] if said else type(problem).__name__
