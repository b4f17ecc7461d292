"""Adapters: do the pairs fit each other, the configuration and the base, and is anything else aboard?

Owns low-rank pairs as PEFT writes them, and the names of what its other methods store. Of those only values are
checked elsewhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from weights.catalog.coherence import LR_BASE, LR_NULL, LR_PAIR, LR_RANK, LR_SHAPE, LR_TARGET
from weights.findings import Finding
from weights.report import FileReport, TensorRecord

LISTED_LIMIT = 20

_PART = re.compile(r"^(?P<target>.+)\.lora_(?P<embedding>embedding_)?(?P<side>[AB])(\.\w+)?(\.weight)?$")
# What methods of PEFT keep besides low-rank pairs: small by construction, and no weights of the base.
_OWN = re.compile(
    r"(^|[._])(lora_|boft_|oft_|hada_|lokr_|ia3_|vera_|fourierft_|hra_|shira_|randlora_|bone_|miss_|c3a_|poly_|trainable_tokens|"
    r"prompt_embeddings|prompt_encoder|adaption_|prefix_|vblora_|token_adapter|magnitude_vector|ranknum|rotation)"
)
# A head that was made for the task is none of the base's either.
_OWN_OR_HEAD = re.compile(
    _OWN.pattern + r"|(^|\.)(classifier|score|qa_outputs|v_head|classification_head|pre_classifier)(\.|$)"
)
_LAYER_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")

Side = tuple[str, TensorRecord, bool]  # path, tensor, whether it is of an embedding


def check_adapter(
    config: Mapping[str, Any],
    path: str,
    files: Sequence[FileReport],
    base: Mapping[str, tuple[int, ...]] | None = None,
) -> list[Finding]:
    """Findings on the adapter of one folder; `path` is that of its configuration.

    `base` has the shapes of the base's matrices by name, where the base is at hand.
    """
    pairs: dict[str, dict[str, Side]] = {}
    whole: list[Finding] = []
    own = _OWN_OR_HEAD if str(config.get("task_type")) in ("SEQ_CLS", "TOKEN_CLS", "QUESTION_ANS") else _OWN
    for file in files:
        for record in file.tensors:
            part = _PART.match(record.name)
            if part:
                pairs.setdefault(part["target"], {})[part["side"]] = (file.path, record, bool(part["embedding"]))
            elif len(record.shape) >= 2 and not own.search(record.name):
                message = f"A full matrix of shape {list(record.shape)}."
                whole.append(LR_BASE.at(file.path, message, tensor=record.name))
    findings: list[Finding] = []
    if pairs and not _is_rank(config.get("r")):
        findings.append(LR_RANK.at(path, f"`r` is {config.get('r')!r}; a rank is a number from 1 on."))
    for target, sides in pairs.items():
        findings += _check_pair(target, sides, _ranks(config, target))
    if not findings:
        findings += _check_sizes(pairs, base or {})
    findings += _check_targets(pairs, config)
    others = sum(1 for file in files for record in file.tensors if not _PART.match(record.name))
    zero = [sides["B"][1] for sides in pairs.values() if "B" in sides]
    if zero and not others and all(_is_zero(record) for record in zero):
        findings.append(LR_NULL.at(path, f"{len(zero)} pairs are there, and all B are zero."))
    return findings[:LISTED_LIMIT] + whole[:LISTED_LIMIT]


def _is_zero(record: TensorRecord) -> bool:
    return record.zeros == record.elements or record.low == record.high == 0  # a zero may have a sign


def _check_pair(target: str, sides: Mapping[str, Side], allowed: set[int]) -> list[Finding]:
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
    if allowed and ranks["A"] not in allowed and not _is_of_experts(target, ranks["A"], allowed):
        message = f"The rank of {target} is {ranks['A']}; the configuration gives {sorted(allowed)}."
        return [LR_RANK.at(where, message, tensor=record.name)]
    return []


def _is_of_experts(target: str, rank: int, allowed: set[int]) -> bool:
    """Stacked experts share one pair, whose rank is that of each times their number."""
    return "experts" in target and any(rank % each == 0 for each in allowed)


def _check_sizes(pairs: Mapping[str, Mapping[str, Side]], base: Mapping[str, tuple[int, ...]]) -> list[Finding]:
    """Outer sizes against the base, or else against the same module in most other layers."""
    outer: dict[str, Counter[tuple[int, int]]] = {}
    sizes = {target: (sides["B"][1].shape[0], sides["A"][1].shape[1]) for target, sides in pairs.items()}
    for target, size in sizes.items():
        outer.setdefault(_LAYER_NUMBER.sub("#", target), Counter())[size] += 1
    findings = []
    for target, size in sizes.items():
        path, record, is_embedding = pairs[target]["B"]
        shape = base.get(target.removeprefix("base_model.model.") + ".weight")
        if shape is not None and len(shape) == 2 and not is_embedding and size not in (shape, shape[::-1]):
            message = f"The pair makes a matrix of {list(size)}; the base has {list(shape)}."
            findings.append(LR_SHAPE.at(path, message, tensor=record.name))
            continue
        common, count = outer[_LAYER_NUMBER.sub("#", target)].most_common(1)[0]
        if shape is None and size != common and count >= 3 and outer[_LAYER_NUMBER.sub("#", target)][size] == 1:
            message = f"The pair makes a matrix of {list(size)}; in the other layers it is {list(common)}."
            findings.append(LR_SHAPE.at(path, message, tensor=record.name))
    return findings


def _check_targets(pairs: Mapping[str, Mapping[str, Side]], config: Mapping[str, Any]) -> list[Finding]:
    named = config.get("target_modules")
    if not isinstance(named, list) or not named or config.get("target_parameters") or not pairs:
        return []
    names = [str(name) for name in named]
    for target, sides in pairs.items():
        if not any(target == name or target.endswith(f".{name}") for name in names):
            path, record, _ = next(iter(sides.values()))
            return [
                LR_TARGET.at(path, f"`target_modules` has only {', '.join(sorted(names)[:10])}.", tensor=record.name)
            ]
    return []


def _ranks(config: Mapping[str, Any], target: str) -> set[int]:
    """The ranks that the pair may have: that of its own pattern where one is named plainly, else any that is given."""
    pattern = config.get("rank_pattern")
    patterns = pattern if isinstance(pattern, dict) else {}
    own = [rank for name, rank in patterns.items() if target == name or target.endswith(f".{name}")]
    values = own or [config.get("r"), config.get("init_r"), *patterns.values()]
    return {value for value in values if type(value) is int}


def _is_rank(value: Any) -> bool:
    return value is None or (type(value) is int and value > 0)
