"""What the protocol makes of a model card's metadata: JSON values, tags and names. Pure.

How the front matter is read is known to `weights.front_matter`; rendering a card is a matter of pages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from weights.front_matter import FENCED, FrontMatterError, split_card

CARD_LIMIT_BYTES = 1 << 20
# Of the most costly YAML, this much is read in a fifth of a second.
CHEAP_CHARACTERS = 48 << 10


class CardError(ValueError):
    """The front matter cannot be read; the message says why."""


def front_matter(card: str) -> dict[str, Any]:
    """The card's metadata as JSON values; empty where there is none. Raises CardError where it cannot be read."""
    try:
        metadata, _ = split_card(card)
        values: dict[str, Any] = json.loads(json.dumps(metadata, default=str, allow_nan=False))
    except FrontMatterError as error:
        raise CardError(f"The card cannot be read: {error}.") from error
    except (ValueError, TypeError) as error:
        raise CardError(f"The card's metadata cannot be kept: {error}.") from error
    return values


def is_cheap(card: str) -> bool:
    """Whether the metadata is short enough to be read for anybody."""
    found = FENCED.match(card)
    return found is None or len(found["yaml"]) <= CHEAP_CHARACTERS


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
