"""The front matter of a model card: YAML from strangers, read one way by all who read it.

Owns where the metadata ends, what YAML may be in it, and the words in which it is refused. Owns no key: what `license`
or `base_model` mean is asked of others. YAML is looked through as a stream of events first, so that nothing is built
from what is refused; what is read are plain values.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

METADATA_LIMIT_BYTES = 512 << 10  # cards that list the results of a benchmark have three hundred kilobytes of them
DEPTH_LIMIT = 20

FENCED = re.compile(r"\A\ufeff?---[ \t]*\r?\n(?P<yaml>.*?)^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)
_OPENED = re.compile(r"\A\ufeff?---[ \t]*\r?\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*[\w\"'-]+[ \t]*:(?:\s|\Z)")
_OPENED_BEYOND = re.compile(r"\A\ufeff?---[ \t]*\r?\n")
_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map"))


class FrontMatterError(ValueError):
    """Front matter that cannot be read; says why in a clause without a full stop."""


class NoMappingError(FrontMatterError):
    """What stands between the fences is YAML, but not metadata."""


class _Loader(yaml.CSafeLoader):
    """Plain values, no key twice; dates stay as they are written, and `no` is Norwegian, as in YAML 1.2."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """The mapping, if no key comes twice and none stands for another mapping."""
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                raise FrontMatterError(f"line {key.start_mark.line + 2} of the front matter merges mappings")
            named = (str(key.tag), str(key.value))
            if named in seen:
                line = key.start_mark.line + 2
                raise FrontMatterError(f"line {line} of the front matter names “{key.value}” a second time"[:300])
            seen.add(named)
        return super().construct_mapping(node, deep=deep)  # type: ignore[no-any-return]


_REPLACED = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool"}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _REPLACED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(  # type: ignore[no-untyped-call]
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def split_card(card: str) -> tuple[dict[str, Any], str]:
    """Metadata and body of a card; no metadata where there is no front matter. FrontMatterError says why not."""
    found = FENCED.match(card)
    if found is None:
        if _OPENED.match(card) or (len(card) >= METADATA_LIMIT_BYTES and _OPENED_BEYOND.match(card)):
            raise FrontMatterError("the front matter does not end")
        return {}, card
    return read_metadata(found["yaml"]), card[found.end() :]


def metadata_of(head: bytes) -> dict[str, Any]:
    """The metadata of a card of which `head` are the first bytes, one more than `METADATA_LIMIT_BYTES` of them."""
    try:
        text = head[:METADATA_LIMIT_BYTES].decode("utf-8", "strict" if len(head) <= METADATA_LIMIT_BYTES else "ignore")
    except UnicodeDecodeError as error:
        raise FrontMatterError(f"the card is not UTF-8, from byte {error.start} on") from None
    return split_card(text)[0]


def read_metadata(written: str) -> dict[str, Any]:
    """What stands between the fences, as plain values by name."""
    if len(written.encode("utf-8", "replace")) > METADATA_LIMIT_BYTES:
        raise FrontMatterError(f"the front matter is larger than {METADATA_LIMIT_BYTES} bytes")
    try:
        _refuse_cleverness(written)
        found = yaml.load(written, Loader=_Loader)  # noqa: S506 - a safe loader, narrowed further
    except (yaml.YAMLError, RecursionError, ValueError) as problem:
        if isinstance(problem, FrontMatterError):
            raise
        raise FrontMatterError(f"the front matter is no YAML: {_where(problem)}") from None
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise NoMappingError("the front matter is no mapping of names to values")
    return found


def _refuse_cleverness(written: str) -> None:
    depth = 0
    for event in yaml.parse(written, Loader=yaml.CSafeLoader):
        line = event.start_mark.line + 2
        if isinstance(event, yaml.AliasEvent):
            raise FrontMatterError(f"the front matter uses aliases, which are not followed, on line {line}")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_LIMIT:
                raise FrontMatterError(f"the front matter is nested deeper than {DEPTH_LIMIT} levels, on line {line}")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        tag = getattr(event, "tag", None)
        if tag is not None and tag not in _TAGS and tag != "!":
            shown = str(tag).replace("tag:yaml.org,2002:", "!!")[:100]
            raise FrontMatterError(f"the front matter is no YAML of plain values: line {line} has the tag {shown}")


def _where(problem: Exception) -> str:
    mark = getattr(problem, "problem_mark", None)
    said = str(getattr(problem, "problem", None) or getattr(problem, "reason", None) or type(problem).__name__)
    said = said.splitlines()[0][:200]
    return f"line {mark.line + 2}: {said}" if mark else said
