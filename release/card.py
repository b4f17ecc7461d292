"""The model card that leaves: the uploaded one, with the metadata that the release demands. Pure: text in, text out.

The body is never touched. Where the card says everything already, its bytes stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

FRONT_MATTER = re.compile(r"\A(?:\ufeff)?---[ \t]*\r?\n(?P<yaml>.*?)^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)
LIMIT_BYTES = 1 << 20
METADATA_LIMIT_BYTES = 64 << 10


class BadCard(Exception):
    """The card's front matter cannot be read; the message says where."""


class _Strict(yaml.SafeLoader):
    """YAML without tags of its own, aliases or repeated keys: what reviewers read is what every reader reads."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise BadCard(f"line {self.peek_event().start_mark.line + 2} uses an alias")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:  # type: ignore[type-arg]
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise BadCard(f"line {key.start_mark.line + 2} names “{key.value}” a second time")
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


@dataclass(frozen=True)
class CardDemands:
    """Metadata that the published card must hold; a value of None means that the key must be absent."""

    values: Mapping[str, object] = field(default_factory=dict)


def split_card(text: str) -> tuple[dict[str, object], str]:
    """Metadata and body of a card; raises BadCard where the metadata is no mapping or too large."""
    if len(text.encode()) > LIMIT_BYTES:
        raise BadCard(f"it is larger than {LIMIT_BYTES} bytes")
    match = FRONT_MATTER.match(text)
    if not match:
        return {}, text
    written = match["yaml"]
    if len(written.encode()) > METADATA_LIMIT_BYTES:
        raise BadCard(f"its metadata is larger than {METADATA_LIMIT_BYTES} bytes")
    try:
        # A subclass of SafeLoader: it makes plain values only.
        found = yaml.load(written, Loader=_Strict)  # noqa: S506
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadCard(_place_of(error)) from error
    if found is None:
        found = {}
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise BadCard("its metadata is no mapping of names to values")
    return found, text[match.end() :]


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


def _place_of(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or type(error).__name__
    return f"line {mark.line + 2}: {problem}" if mark else str(problem)
