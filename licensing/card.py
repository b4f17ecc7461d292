"""What a model card says, as words. How its front matter is read is known to `weights.front_matter`."""

from __future__ import annotations

from weights.front_matter import METADATA_LIMIT_BYTES as CARD_BYTES
from weights.front_matter import FrontMatterError as BadCard
from weights.front_matter import metadata_of as front_matter

__all__ = ["CARD_BYTES", "BadCard", "front_matter", "words"]


def words(value: object) -> tuple[str, ...]:
    """A value that may be one text or a list of them; other kinds are left out."""
    given = value if isinstance(value, list) else [value]
    return tuple(item.strip() for item in given if isinstance(item, str) and item.strip())
