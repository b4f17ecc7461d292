"""What card and configuration say of models: of many checkpoints by one query, and kept by content.

Whether a caller may know of a checkpoint was asked before; a configuration lies behind the gate, a card does not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Any

from hub import cards, presenters
from hub.call import storable_in
from hub.selectors.kept import Kept
from registry.blobs import blob_store
from registry.models import CheckpointFile
from rules import Refused

CARD, CONFIG = "README.md", "config.json"
# Characters of JSON; in memory a value takes a few times as much. One that says nothing weighs something, too.
KEPT_CHARACTERS, LEAST_WEIGHT = 4_000_000, 500
# Reading a large card takes seconds, and a list speaks of a thousand: what it is searched by is bounded, and so stays.
TAG_CHARACTERS = 10_000
# What of a configuration is told; everything else is for whoever reads the file.
TOLD_OF_CONFIG = ("architectures", "model_type", "quantization_config")

_cards: Kept[dict[str, Any]] = Kept(KEPT_CHARACTERS)
_words: Kept[dict[str, Any]] = Kept(KEPT_CHARACTERS)
_configs: Kept[dict[str, Any]] = Kept(KEPT_CHARACTERS)


def card_data(checkpoints: Iterable[int]) -> dict[int, dict[str, Any]]:
    """The cards' metadata by checkpoint; those without a card, or with one that cannot be read, are left out."""
    return {pk: card_at(sha256) for pk, sha256 in _contents(checkpoints, CARD).items()}


def card_words(checkpoints: Iterable[int]) -> dict[int, dict[str, Any]]:
    """By what the cards say repositories are searched and sorted, by checkpoint."""
    return {pk: _told(_words, sha256, _words_of) for pk, sha256 in _contents(checkpoints, CARD).items()}


def configs(checkpoints: Iterable[int]) -> dict[int, dict[str, Any]]:
    """What is told of the configurations, by checkpoint."""
    return {pk: config_at(sha256) for pk, sha256 in _contents(checkpoints, CONFIG).items()}


def card_at(sha256: str) -> dict[str, Any]:
    """The metadata of a card's content; empty where it cannot be read."""
    return _told(_cards, sha256, cards.lenient_front_matter)


def config_at(sha256: str) -> dict[str, Any]:
    """What is told of a configuration's content; empty where it cannot be read."""
    return _told(_configs, sha256, _told_of_config)


def _told(kept: Kept[dict[str, Any]], sha256: str, read: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """What a text says; nothing where it is missing or damaged, so that one such text fails no list."""
    found = kept.get(sha256)
    if found is None:
        try:
            with blob_store().open(sha256) as source:
                found = read(source.read().decode("utf-8", errors="replace"))
        except (OSError, Refused):
            return {}
        kept.put(sha256, found, LEAST_WEIGHT + len(json.dumps(found)))
    return found


def _words_of(text: str) -> dict[str, Any]:
    found = presenters.card_words(cards.lenient_front_matter(text))
    lengths = accumulate(map(len, found["tags"]))
    return found | {"tags": [tag for tag, end in zip(found["tags"], lengths, strict=True) if end <= TAG_CHARACTERS]}


def _told_of_config(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
        told = {name: found[name] for name in TOLD_OF_CONFIG if name in found} if isinstance(found, dict) else {}
        return dict(storable_in(told))
    except (ValueError, RecursionError, Refused):
        return {}


def _contents(checkpoints: Iterable[int], path: str) -> dict[int, str]:
    rows = CheckpointFile.objects.filter(
        checkpoint__in=set(checkpoints), path=path, blob__size_bytes__lte=cards.CARD_LIMIT_BYTES
    )
    return dict(rows.values_list("checkpoint_id", "blob_id"))
