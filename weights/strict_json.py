"""JSON as the strictest of its readers takes it, at a bounded cost.

Owns the refusal of what lenient parsers let through: other encodings, repeated keys, lone surrogates, `NaN`, numbers of
thousands of digits, deep nesting. Decides no severity; its callers do.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from weights.names import is_encodable

DEPTH_LIMIT = 64
DIGIT_LIMIT = 400


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
    if isinstance(content, bytearray):
        content.clear()
    nonfinite: list[str] = []

    def integer(digits: str) -> int:
        if len(digits) > limits.digits or (digits[0] == "-" and not limits.negatives):
            raise JsonRefusedError(f"the number {digits[:40]} is not allowed here")
        return int(digits)

    def number(digits: str) -> float:
        if len(digits) > limits.digits or not limits.floats:
            raise JsonRefusedError(f"the number {digits[:40]} is not allowed here")
        return float(digits)

    def constant(word: str) -> float:
        if not allow_nonfinite:
            raise JsonRefusedError(f"{word} is not JSON")
        nonfinite.append(word)
        return float(word)

    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_int=integer, parse_float=number, parse_constant=constant
        )
    except RecursionError:
        raise JsonRefusedError("nested too deeply") from None
    except json.JSONDecodeError as error:
        raise JsonRefusedError(f"{error.msg} at character {error.pos}") from None
    if has_escapes:
        _refuse_surrogates(value)
    if _depth(value) > DEPTH_LIMIT:
        raise JsonRefusedError(f"nested more than {DEPTH_LIMIT} deep")
    return JsonDocument(value, nonfinite)


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


def _depth(value: Any) -> int:
    deepest = 0
    waiting = [(value, 1)]
    while waiting and deepest <= DEPTH_LIMIT:
        item, depth = waiting.pop()
        if isinstance(item, dict | list):
            deepest = max(deepest, depth)
            inner = item.values() if isinstance(item, dict) else item
            waiting += [(child, depth + 1) for child in inner if isinstance(child, dict | list)]
    return deepest
