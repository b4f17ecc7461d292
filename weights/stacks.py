"""Tensors by layer: which stacks of numbered layers a model has, whatever it is called.

Owns the reading of tensor names, and what holds for every stack of any architecture: no gap, no layer that lacks what
all others have, no expert missing among its like. What particular architectures need is asked in `stack_checks`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain

from weights.catalog.coherence import CT_MISSING, CT_SHAPE
from weights.findings import Finding
from weights.report import TensorRecord
from weights.tensor_names import forms_of

LISTED_LIMIT = 20
LIKE_SHARE = 0.6  # a stack is one of equal layers if so many of them have the same parts
OTHERS_MINIMUM = 3

Tensors = Mapping[str, tuple[str, TensorRecord]]

_LAYERED = re.compile(r"(?:^|\.)(?:layers|h|blocks|block|layer|blk)$")
_NUMBER = re.compile(r"\.(\d{1,6})\.")
_DISPENSABLE = re.compile(r"norm|relative|pos|\bln", re.IGNORECASE)
_EXPERT = re.compile(r"^(?P<place>(?:.*\.)?experts)\.(?P<number>\d{1,6})\.(?P<part>.+)$")


@dataclass(slots=True)
class Layers:
    """One stack: the name before its numbers, and of each layer the tensors by the rest of their name."""

    place: str
    by_number: dict[int, dict[str, tuple[str, TensorRecord]]] = field(default_factory=dict)

    @property
    def is_layered(self) -> bool:
        """Whether the name is one that stacks of layers have."""
        return _LAYERED.search(self.place) is not None


def stacks_of(tensors: Tensors, forms: Sequence[str] | None = None) -> dict[str, Layers]:
    """All stacks by their place: what stands before the first number in a name.

    `forms` are those of the names, if somebody has asked for them already.
    """
    stacks: dict[str, Layers] = {}
    spans: dict[str, tuple[int, int] | None] = {}  # where the first number stands in all names of a form
    parts: dict[str, str] = {}  # one object for each, whatever the number of layers
    layers: dict[str, dict[str, tuple[str, TensorRecord]]] = {}  # by what stands before a part
    for form, (name, placed) in zip(forms or forms_of(list(tensors)), tensors.items(), strict=True):
        if form not in spans:
            found = _NUMBER.search(form)
            spans[form] = found.span() if found else None
        span = spans[form]
        if span is not None:
            end = span[1]
            head, part = name[:end], name[end:]
            own = layers.get(head)
            if own is None:
                place, number = name[: span[0]], int(name[span[0] + 1 : end - 1])
                own = layers[head] = stacks.setdefault(place, Layers(place)).by_number.setdefault(number, {})
            own[parts.setdefault(part, part)] = placed
    return stacks


def check_continuity(stacks: Mapping[str, Layers]) -> list[Finding]:
    """What is missing in a stack by the measure of its own other layers."""
    findings: list[Finding] = []
    for layers in stacks.values():
        if layers.is_layered:
            findings += _gaps(layers)
            findings += _lacking(layers)
            findings += _experts(layers)
    return findings[:LISTED_LIMIT]


def modules_of(parts: Mapping[str, object]) -> set[str]:
    """Every module that has more than a bias: `a.b` and `a` for `a.b.weight`, and every tensor's own name."""
    found: set[str] = set()
    for part in parts:
        if part.endswith(".bias"):
            found.add(part)
            continue
        while part not in found:
            found.add(part)
            part = part.rpartition(".")[0]
    return found


def _gaps(layers: Layers) -> list[Finding]:
    numbers = layers.by_number.keys()
    missing = sorted(set(range(max(numbers))) - numbers) if max(numbers) < 10 * len(numbers) else []
    if not missing or len(missing) >= len(numbers) or not is_uniform(layers):
        return []
    return [CT_MISSING.at("", f"The stack {layers.place} lacks the layers {missing[:10]}.")]


def is_uniform(layers: Layers) -> bool:
    """Whether most layers are modules of the same make; numbered single weights are steps of a sequence."""
    makes = Counter(frozenset(_make(part) for part in parts) for parts in layers.by_number.values())
    make, count = makes.most_common(1)[0]
    return count >= LIKE_SHARE * len(layers.by_number) and any("." in part for part in make)


def _make(part: str) -> str:
    found = _expert(part)
    return f"{found[0]}.#.{found[2]}" if found else part


@lru_cache(maxsize=1 << 14)
def _expert(part: str) -> tuple[str, int, str] | None:
    """The pool, the number and the rest of the name, if the part is an expert's; layers share their parts' names."""
    found = _EXPERT.match(part)
    return (found["place"], int(found["number"]), found["part"]) if found else None


def _lacking(layers: Layers) -> Iterator[Finding]:
    """A layer that lacks a tensor which all others have, and that has nothing of its own in its place."""
    count = len(layers.by_number)
    if count < OTHERS_MINIMUM:
        return
    counts = Counter(chain.from_iterable(layers.by_number.values()))
    holders = {part: times for part, times in counts.items() if _expert(part) is None}
    nearly = [part for part, times in holders.items() if times == count - 1]
    edges = (0, max(layers.by_number))
    for number, own in layers.by_number.items() if nearly else ():
        missing = [part for part in nearly if part not in own]
        if not missing or not all(holders[part] == count for part in own if part in holders and part not in nearly):
            continue
        for part in missing:
            # The first and the last layer of healthy models may do without a norm or a table of positions.
            if number not in edges or not _DISPENSABLE.search(part):
                name = f"{layers.place}.{number}.{part}"
                yield CT_MISSING.at("", f"All other layers of {layers.place} have this tensor.", tensor=name)


def check_likeness(stacks: Mapping[str, Layers]) -> list[Finding]:
    """Tensors of another shape than in all other layers; for architectures whose layers are all alike."""
    findings = []
    for layers in stacks.values():
        shapes: dict[str, dict[int, tuple[int, ...]]] = {}
        for number, parts in layers.by_number.items():
            for part, (_, record) in parts.items():
                shapes.setdefault(part, {})[number] = record.shape
        for part, found in shapes.items():
            counts = Counter(found.values())
            if len(counts) == 2 and len(found) >= OTHERS_MINIMUM and min(counts.values()) == 1 and layers.is_layered:
                usual = counts.most_common(1)[0][0]
                number = next(number for number, shape in found.items() if shape != usual)
                path, record = layers.by_number[number][part]
                message = f"The shape is {list(record.shape)}; in all other layers it is {list(usual)}."
                findings.append(CT_SHAPE.at(path, message, tensor=record.name))
    return findings[:LISTED_LIMIT]


def _experts(layers: Layers) -> Iterator[Finding]:
    """Experts of one layer that are missing, or that lack what the other experts have."""
    seen: dict[frozenset[str], list[tuple[str, list[int], list[str]]]] = {}  # most layers have the same parts
    for number, parts in layers.by_number.items():
        key = frozenset(parts)
        if key not in seen:
            seen[key] = list(_lacking_experts(parts))
        for place, missing, lacks in seen[key]:
            name = f"{layers.place}.{number}.{place}"
            if missing:
                yield CT_MISSING.at("", f"{name} lacks the experts {missing[:10]}.")
            for lack in lacks:
                yield CT_MISSING.at("", "All other experts have this tensor.", tensor=f"{name}.{lack}")


def _lacking_experts(parts: Iterable[str]) -> Iterator[tuple[str, list[int], list[str]]]:
    """For each pool of experts in a layer: missing numbers, and tensors that one lacks and all others have."""
    pools: dict[str, dict[int, set[str]]] = {}
    for part in parts:
        found = _expert(part)
        if found:
            pools.setdefault(found[0], {}).setdefault(found[1], set()).add(found[2])
    for place, experts in pools.items():
        missing = sorted(set(range(max(experts))) - experts.keys()) if max(experts) < 10 * len(experts) else []
        whole = Counter(part for own in experts.values() for part in own)
        nearly = [part for part, times in whole.items() if times == len(experts) - 1]
        lacks = []
        if nearly and len(experts) > OTHERS_MINIMUM:
            for expert, own in experts.items():
                lacks += [f"{expert}.{part}" for part in nearly if part not in own][:1]
        yield place, missing, lacks
