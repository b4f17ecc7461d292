"""JSON as the strictest of its readers takes it, at a bounded cost.

Owns the refusal of what lenient parsers let through: other encodings, repeated keys, lone surrogates, `NaN`, numbers of
thousands of digits, deep nesting. Decides no severity; its callers do.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from weights.names import is_encodable

DEPTH_LIMIT = 64
DIGIT_LIMIT = 400
USUAL_LIMIT_BYTES = 16 << 20  # beyond, it may be too costly to parse twice

_NESTING = frozenset({dict, list})
_AS_ZERO = bytes.maketrans(b"123456789", b"000000000")


class JsonRefusedError(ValueError):
    """The text is not JSON that every reader understands alike."""


class RepeatedKeyError(JsonRefusedError):
    """An object has one key twice."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {key[:120]!r} comes twice")
        self.key = key


class TooCostlyError(JsonRefusedError):
    """The text has more structure than allowed."""


@dataclass(frozen=True, slots=True)
class JsonLimits:
    """How much a text may hold: brackets and commas by cost (`marks`), digits of a number, and which numbers."""

    marks: int = 5_000_000
    digits: int = DIGIT_LIMIT
    floats: bool = True
    negatives: bool = True


@dataclass(slots=True)
class JsonDocument:
    """A parsed text: its value, and the number words (`NaN`, `Infinity`) that strict JSON does not have."""

    value: Any
    nonfinite: list[str] = field(default_factory=list)
    is_finite: bool = True  # no number is infinite or none, be it that one was too large to hold


def parse_strict(
    content: bytes | bytearray, limits: JsonLimits = JsonLimits(), *, allow_nonfinite: bool = False
) -> JsonDocument:
    """Parse `content`.

    JsonRefusedError says why it is refused. Memory is bounded by `limits.marks` and the text's size; a buffer is
    emptied as soon as its text is there, since the two of them and the value may not fit together.
    """
    # An object costs several times what a list does, and a list more than a number.
    if content.count(b",") + 5 * content.count(b"{") + 2 * content.count(b"[") > limits.marks:
        raise TooCostlyError(f"more than {limits.marks} brackets and commas")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonRefusedError(f"not UTF-8 at byte {error.start}") from None
    has_escapes = b"\\u" in content
    has_long_numbers = not limits.negatives or _has_digits(content, limits.digits)
    keys = content.count(b":")  # at most; just so many where each colon comes after a quote, and no string has one
    is_usual = len(content) <= USUAL_LIMIT_BYTES and keys == content.count(b'":')
    if isinstance(content, bytearray):
        content.clear()
    nonfinite: list[str] = []
    too_large: list[str] = []

    def integer(digits: str) -> int:
        if len(digits) > limits.digits or (digits[0] == "-" and not limits.negatives):
            raise JsonRefusedError(f"the number {digits[:40]} is not allowed here")
        return int(digits)

    def number(digits: str) -> float:
        if len(digits) > limits.digits or not limits.floats:
            raise JsonRefusedError(f"the number {digits[:40]} is not allowed here")
        found = float(digits)
        if math.isinf(found):
            too_large.append(digits)
        return found

    def constant(word: str) -> float:
        if not allow_nonfinite:
            raise JsonRefusedError(f"{word} is not JSON")
        nonfinite.append(word)
        return float(word)

    numbers: dict[str, Any] = {
        "parse_int": integer if has_long_numbers else None,
        "parse_float": number,
        "parse_constant": constant,
    }
    value = _load_usual(text, keys, numbers) if is_usual else None
    if value is None:
        nonfinite.clear()
        too_large.clear()
        try:
            value = json.loads(text, object_pairs_hook=_unique, **numbers)
        except RecursionError:
            raise JsonRefusedError("nested too deeply") from None
        except json.JSONDecodeError as error:
            raise JsonRefusedError(f"{error.msg} at character {error.pos}") from None
        is_usual = False
    if has_escapes:
        _refuse_surrogates(value)
    if not is_usual and _depth_and_keys(value)[0] > DEPTH_LIMIT:
        raise JsonRefusedError(f"nested more than {DEPTH_LIMIT} deep")
    return JsonDocument(value, nonfinite, not nonfinite and not too_large)


def objects_in(value: Any) -> Iterator[dict[Any, Any]]:
    """Every object anywhere in a parsed `value`, itself first if it is one."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        children: Iterable[Any] = ()
        if type(item) is dict:
            yield item
            children = item.values()
        elif type(item) is list:
            children = item
        if not _NESTING.isdisjoint(map(type, children)):
            waiting += [inner for inner in children if type(inner) in _NESTING]


def _load_usual(text: str, keys: int, numbers: Mapping[str, Any]) -> Any:
    """The value of a `text` with `keys` colons if it has as many keys, so that none comes twice, else None.

    Looking at every pair of key and value takes as long as all else. What is wrong is left to whoever does, and says
    what comes first.
    """
    try:
        value = json.loads(text, **numbers)
    except (ValueError, RecursionError):
        return None
    depth, found = _depth_and_keys(value)
    return value if found == keys and depth <= DEPTH_LIMIT else None


def _has_digits(content: bytes | bytearray, count: int) -> bool:
    """Whether `count` digits follow each other."""
    # Every sixteenth character tells that there are none, at a sixteenth of the cost.
    few = b"0" * (count // 16)
    return few in content[::16].translate(_AS_ZERO) and b"0" * count in content.translate(_AS_ZERO)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise RepeatedKeyError(counts.most_common(1)[0][0])
    return built


def _refuse_surrogates(value: Any) -> None:
    """Half of a surrogate pair is text that UTF-8 cannot hold; only an escape can bring it in."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += item.keys()
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, str) and not is_encodable(item):
            raise JsonRefusedError("a string holds half of a surrogate pair")


def _depth_and_keys(value: Any) -> tuple[int, int]:
    """How deep `value` is nested, or one more than is allowed, and how many keys its objects have down to there."""
    depth = keys = 0
    level = [value] if isinstance(value, dict | list) else []
    while level and depth <= DEPTH_LIMIT:
        depth += 1
        below: list[Any] = []
        for item in level:
            children: Iterable[Any] = item
            if type(item) is dict:
                keys += len(item)
                children = item.values()
            if not _NESTING.isdisjoint(map(type, children)):
                below += [child for child in children if type(child) in _NESTING]
        level = below
    return depth, keys


def texts_in(value: Any) -> Iterator[str]:
    """All texts in a JSON value but its keys, at any depth, the last first."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
