"""The model card that leaves: the uploaded one, with the metadata that the release demands. Pure: text in, text out.

The body is never touched here; what is added below it has modules of its own (`tested_on`, `license_terms`). Where the
card says everything already, its bytes stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from weights import front_matter
from weights.front_matter import METADATA_LIMIT_BYTES
from weights.front_matter import FrontMatterError as BadCard

__all__ = ["LIMIT_BYTES", "METADATA_LIMIT_BYTES", "BadCard", "CardDemands", "compose_card", "split_card"]

LIMIT_BYTES = 1 << 20


@dataclass(frozen=True)
class CardDemands:
    """Metadata that the published card must hold; a value of None means that the key must be absent."""

    values: Mapping[str, object] = field(default_factory=dict)


def split_card(text: str) -> tuple[dict[str, object], str]:
    """Metadata and body of a card; raises BadCard where the card is too large or its metadata cannot be read."""
    if len(text.encode()) > LIMIT_BYTES:
        raise BadCard(f"it is larger than {LIMIT_BYTES} bytes")
    return front_matter.split_card(text)


def compose_card(text: str, demands: CardDemands) -> str:
    """The card with everything that is demanded; the text itself where nothing is missing."""
    metadata, body = split_card(text)
    if all(metadata.get(key) == value for key, value in demands.values.items()):
        return text
    merged = {key: value for key, value in metadata.items() if demands.values.get(key, value) is not None}
    merged |= {key: value for key, value in demands.values.items() if value is not None}
    written = _dump(merged)
    return f"---\n{written}---\n{body}" if body.startswith("\n") or not body else f"---\n{written}---\n\n{body}"


def _dump(metadata: dict[str, object]) -> str:
    """The metadata as YAML that reads back as it is; readable where it can be, escaped where it must be."""
    written = yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True, width=100)
    # Some line separators, such as U+0085, are written plainly but read back as spaces.
    if yaml.safe_load(written) == metadata:
        return written
    return yaml.safe_dump(metadata, sort_keys=False, allow_unicode=False, width=100)
