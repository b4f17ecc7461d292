"""Low-rank adapters: do the pairs fit each other and the configuration, and is anything else aboard?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from weights.catalog.coherence import LR_BASE, LR_PAIR, LR_RANK
from weights.findings import Finding
from weights.report import FileReport, TensorRecord

LISTED_LIMIT = 20

_PART = re.compile(r"^(?P<target>.+)\.lora_(?P<embedding>embedding_)?(?P<side>[AB])(\.\w+)?(\.weight)?$")


def check_adapter(config: Mapping[str, Any], path: str, files: Sequence[FileReport]) -> list[Finding]:
    """Findings on the adapter of one folder; `path` is that of its configuration."""
    pairs: dict[str, dict[str, tuple[str, TensorRecord, bool]]] = {}
    whole: list[Finding] = []
    for file in files:
        for record in file.tensors:
            part = _PART.match(record.name)
            if part:
                entry = (file.path, record, bool(part["embedding"]))
                pairs.setdefault(part["target"], {})[part["side"]] = entry
            elif len(record.shape) >= 2 and "lora_" not in record.name:
                whole.append(LR_BASE.at(file.path, f"A full matrix of shape {list(record.shape)}.", tensor=record.name))
    allowed = _ranks(config)
    findings: list[Finding] = []
    for target, sides in pairs.items():
        findings += _check_pair(target, sides, allowed)
    return findings[:LISTED_LIMIT] + whole[:LISTED_LIMIT]


def _check_pair(target: str, sides: Mapping[str, tuple[str, TensorRecord, bool]], allowed: set[int]) -> list[Finding]:
    ranks = {}
    for side, (_, record, _) in sides.items():
        if len(record.shape) < 2:
            return [LR_PAIR.at(sides[side][0], f"The matrix has the shape {list(record.shape)}.", tensor=record.name)]
        ranks[side] = record.shape[0] if side == "A" else record.shape[1]
    where, record, _ = next(iter(sides.values()))
    if len(sides) != 2:
        return [LR_PAIR.at(where, f"The pair of {target} has only its {next(iter(sides))} side.", tensor=record.name)]
    if ranks["A"] != ranks["B"]:
        return [LR_PAIR.at(where, f"The ranks of {target} are {ranks['A']} and {ranks['B']}.", tensor=record.name)]
    if allowed and ranks["A"] not in allowed:
        message = f"The rank of {target} is {ranks['A']}; the configuration gives {sorted(allowed)}."
        return [LR_RANK.at(where, message, tensor=record.name)]
    return []


def _ranks(config: Mapping[str, Any]) -> set[int]:
    pattern = config.get("rank_pattern")
    values = [config.get("r"), *(pattern.values() if isinstance(pattern, dict) else [])]
    return {value for value in values if type(value) is int}
