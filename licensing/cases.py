"""Cases that people put to the checkers: how they are read from text, key by key, and how one is refused.

Owns the one refusal that every reader of a case raises, and the strict reading of JSON and YAML. What the keys mean
belongs to the readers of each kind of case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Mapping
from enum import StrEnum
from typing import TypeVar

import yaml

LIMIT_BYTES = 4 << 20
DEPTH = 20
LARGEST = 10**18
Word = TypeVar("Word", bound=StrEnum)


class CaseRefused(ValueError):
    """A case that cannot be judged because of what stands at one key; says which, and what would do instead."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}" if key else message)
        self.key = key
        self.message = message


class Fields:
    """One mapping of a case, taken apart key by key; an absent key and null both mean that a fact is unknown."""

    def __init__(self, given: object, path: str = "") -> None:
        if not isinstance(given, Mapping):
            raise CaseRefused(path, f"must be a mapping, not {shown(given)}")
        for key in given:
            if not isinstance(key, str):
                raise CaseRefused(self._under(path, str(key)), "is no text, so it can be no key")
        self._left = dict(given)
        self.path = path

    @staticmethod
    def _under(path: str, key: str) -> str:
        return f"{path}.{key}" if path else key

    def at(self, key: str) -> str:
        """The whole path to a key of this mapping."""
        return self._under(self.path, key)

    def holds(self, key: str) -> bool:
        """Whether the key was given at all and not yet taken, null included."""
        return key in self._left

    def take(self, key: str) -> object:
        """The value as it stands; None where the key is absent."""
        return self._left.pop(key, None)

    def text(self, key: str) -> str:
        """Words; empty where unknown."""
        found = self.take(key)
        if found is None:
            return ""
        if not isinstance(found, str):
            raise CaseRefused(self.at(key), f"must be text, not {shown(found)}")
        return found.strip()

    def choice(self, key: str, words: type[Word]) -> Word | None:
        """One of the words, or unknown."""
        found = self.take(key)
        if found is None:
            return None
        if not isinstance(found, str) or found not in set(words):
            raise CaseRefused(self.at(key), f"must be one of {', '.join(words)}, not {shown(found)}")
        return words(found)

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A list of words; a single word stands for a list of one."""
        found = self.take(key)
        if found is None:
            return None
        given = [found] if isinstance(found, str) else found
        if not isinstance(given, list):
            raise CaseRefused(self.at(key), f"must be a list of texts, not {shown(found)}")
        for position, item in enumerate(given):
            if not isinstance(item, str) or not item.strip():
                raise CaseRefused(f"{self.at(key)}[{position}]", f"must be text, not {shown(item)}")
        return tuple(item.strip() for item in given)

    def amount(self, key: str) -> float | None:
        """A number that is not negative."""
        found = self.take(key)
        return None if found is None else amount(found, self.at(key))

    def count(self, key: str) -> int | None:
        """A whole number that is not negative."""
        found = self.take(key)
        return None if found is None else count(found, self.at(key))

    def flag(self, key: str) -> bool | None:
        """Yes, no, or unknown."""
        found = self.take(key)
        if found is not None and not isinstance(found, bool):
            raise CaseRefused(self.at(key), f"must be true, false or null, not {shown(found)}")
        return found

    def inner(self, key: str) -> Fields:
        """The mapping below a key; an empty one where it is unknown."""
        found = self.take(key)
        return Fields({} if found is None else found, self.at(key))

    def inners(self, key: str) -> list[Fields] | None:
        """The mappings of a list below a key; None where it is unknown."""
        found = self.take(key)
        if found is None:
            return None
        if not isinstance(found, list):
            raise CaseRefused(self.at(key), f"must be a list, not {shown(found)}")
        return [Fields(item, f"{self.at(key)}[{position}]") for position, item in enumerate(found)]

    def finish(self) -> None:
        """Refuse a key that nobody asked for: a misspelled one would silently read as unknown."""
        for key in sorted(self._left):
            raise CaseRefused(self.at(key), "is no key of such a case")


def amount(found: object, path: str) -> float:
    """A number that is not negative, and no larger than any count of people or money; raises CaseRefused."""
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= LARGEST:
        raise CaseRefused(path, f"must be a number from 0 to {LARGEST:.0e}, not {shown(found)}")
    return float(found)


def count(found: object, path: str) -> int:
    """A whole number that is not negative; raises CaseRefused."""
    number = amount(found, path)
    if number != int(number):
        raise CaseRefused(path, f"must be a whole number, not {shown(found)}")
    return int(number)


def shown(found: object) -> str:
    """A value as a refusal shows it: short, whatever it is."""
    if isinstance(found, Mapping):
        return "a mapping"
    if isinstance(found, list):
        return "a list"
    if isinstance(found, int) and abs(found) > LARGEST:
        return "a number of that size"
    said = json.dumps(found, ensure_ascii=False) if isinstance(found, str | int | float | None) else repr(found)
    return said if len(said) <= 60 else said[:57] + "…"


def read_document(raw: bytes) -> object:
    """The plain data of a JSON or YAML text; raises CaseRefused where it is neither, too large or too clever."""
    if len(raw) > LIMIT_BYTES:
        raise CaseRefused("", f"the case is larger than {LIMIT_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CaseRefused("", "the case is not UTF-8 text") from None
    if not text.strip():
        raise CaseRefused("", "the case is empty")
    problem = ""
    if text.lstrip()[0] in "{[":
        try:
            return json.loads(text, object_pairs_hook=_unrepeated, parse_constant=_no_number)
        except RecursionError:
            raise CaseRefused("", f"the case is nested deeper than {DEPTH} levels") from None
        except ValueError as error:
            if isinstance(error, CaseRefused):
                raise
            problem = f"no JSON ({error})"
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader, narrowed further
    except CaseRefused:
        raise
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        said = getattr(error, "problem", None) or str(error) or type(error).__name__
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        where = f" in line {line + 1}" if line is not None else ""
        raise CaseRefused("", f"the case is {problem or f'no YAML ({said.splitlines()[0]}{where})'}") from None


def _unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise CaseRefused(key, "stands twice in one mapping")
        found[key] = value
    return found


def _no_number(word: str) -> object:
    raise CaseRefused("", f"the case holds {word}, which is no number")


class _Loader(yaml.SafeLoader):
    """Plain data as YAML 1.2 reads it: no aliases, no dates, `NO` is a country and not a denial, no key twice."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):  # type: ignore[no-untyped-call]
            raise CaseRefused("", "the case uses YAML aliases, which are not followed")
        self.depth += 1
        if self.depth > DEPTH:
            raise CaseRefused("", f"the case is nested deeper than {DEPTH} levels")
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        found: dict[Hashable, object] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise CaseRefused("", "the case has a key that is no text")
            if key in found:
                raise CaseRefused(str(key), "stands twice in one mapping")
            found[key] = self.construct_object(value_node, deep=True)
        return found


def _construct_map(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, object]:
    return loader.construct_mapping(node)


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_map)
_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0|[1-9][0-9_]*)\Z"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9]*(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.(?:inf|nan))\Z"),
    list("-+.0123456789"),
)
