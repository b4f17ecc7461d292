"""What card and configuration say of models: of many checkpoints by one query, and kept by content.

Whether a caller may know of a checkpoint was asked before; a configuration lies behind the gate, a card does not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from hub import cards
from registry.blobs import blob_store
from registry.models import CheckpointFile

CARD, CONFIG = "README.md", "config.json"
KEPT_TEXTS = 2048
# What of a configuration is told; everything else is for whoever reads the file.
TOLD_OF_CONFIG = ("architectures", "model_type", "quantization_config")


def card_data(checkpoints: Iterable[int]) -> dict[int, dict[str, Any]]:
    """The cards' metadata by checkpoint; those without a card, or with one that cannot be read, are left out."""
    return {pk: card_at(sha256) for pk, sha256 in _contents(checkpoints, CARD).items()}


def configs(checkpoints: Iterable[int]) -> dict[int, dict[str, Any]]:
    """What is told of the configurations, by checkpoint."""
    return {pk: config_at(sha256) for pk, sha256 in _contents(checkpoints, CONFIG).items()}


@lru_cache(maxsize=KEPT_TEXTS)
def card_at(sha256: str) -> dict[str, Any]:
    """The metadata of a card's content; empty where it cannot be read."""
    return cards.lenient_front_matter(_text(sha256))


def config_at(sha256: str) -> dict[str, Any]:
    """What is told of a configuration's content; empty where it cannot be read."""
    return dict(_config(sha256))


@lru_cache(maxsize=KEPT_TEXTS)
def _config(sha256: str) -> dict[str, Any]:
    try:
        found = json.loads(_text(sha256))
    except (ValueError, RecursionError):
        return {}
    return {name: found[name] for name in TOLD_OF_CONFIG if name in found} if isinstance(found, dict) else {}


def _contents(checkpoints: Iterable[int], path: str) -> dict[int, str]:
    rows = CheckpointFile.objects.filter(
        checkpoint__in=set(checkpoints), path=path, blob__size_bytes__lte=cards.CARD_LIMIT_BYTES
    )
    return dict(rows.values_list("checkpoint_id", "blob_id"))


def _text(sha256: str) -> str:
    with blob_store().open(sha256) as source:
        return source.read().decode("utf-8", errors="replace")
