"""A model card's front matter: read as the untrusted YAML that it is. Pure.

Owns what the protocol derives from it, tags and names; rendering a card is a matter of pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

CARD_LIMIT_BYTES = 1 << 20
FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)(?:\r?\n)?---[ \t]*(?:\r?\n|\Z)", re.DOTALL)


class CardError(ValueError):
    """The front matter cannot be read; the message says why."""


class _Loader(yaml.SafeLoader):
    """Refuses aliases, by which a few lines unfold into gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed in a card")
        return super().compose_node(parent, index)


def front_matter(card: str) -> dict[str, Any]:
    """The card's metadata as JSON values; empty where there is none. Raises CardError where it cannot be read."""
    found = FRONT_MATTER.match(card)
    if not found:
        return {}
    try:
        parsed = yaml.load(found[1], Loader=_Loader)  # noqa: S506, a safe loader made stricter
        values = json.loads(json.dumps(parsed, default=str, allow_nan=False))
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise CardError(f"The card's metadata is no YAML that can be kept: {_line(error)}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise CardError("The card's metadata must be a mapping of names to values.")
    return values


def lenient_front_matter(card: str) -> dict[str, Any]:
    """The same, empty where it cannot be read."""
    try:
        return front_matter(card)
    except CardError:
        return {}


def tags(metadata: dict[str, Any]) -> list[str]:
    """What a listing can be searched by, in the Hub's words."""
    found = list(_words(metadata.get("tags")))
    found += [str(metadata[name]) for name in ("library_name", "pipeline_tag") if isinstance(metadata.get(name), str)]
    for name in ("license", "base_model", "dataset"):
        found += [f"{name}:{word}" for word in _words(metadata.get(name if name != "dataset" else "datasets"))]
    found += list(_words(metadata.get("language")))
    return list(dict.fromkeys(found))


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (word for word in value if isinstance(word, str))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
