"""GGUF files as models: do metadata and tensors agree, and do the parts of a split file belong together?

Owns what holds for every architecture, and the attention of those that lay it out plainly. Works on reports alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from weights.catalog.gguf import GG_MODEL, GG_SPLIT
from weights.findings import Finding
from weights.formats import Kind
from weights.report import FileReport
from weights.stacks import Tensors, check_continuity, stacks_of

_PART = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<total>\d{5})\.gguf$")
_TOKEN_ID = re.compile(r"^tokenizer\.ggml\.\w+_token_id$")
_PLAIN = frozenset({"llama", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "stablelm", "olmo", "olmo2", "starcoder2"})
_NO_MODEL = frozenset({"clip", "mmproj"})


def check_gguf_models(files: Sequence[FileReport]) -> list[Finding]:
    """Findings on every GGUF model of a checkpoint, whole or split."""
    findings: list[Finding] = []
    series: dict[str, list[tuple[int, int, FileReport]]] = {}
    for file in files:
        if file.kind != Kind.GGUF or not isinstance(file.content, dict):
            continue
        part = _PART.match(file.path)
        if part:
            series.setdefault(part["stem"], []).append((int(part["number"]), int(part["total"]), file))
        else:
            findings += list(_check_model([file]))
    for parts in series.values():
        findings += _check_series(parts)
    return findings


def _check_series(parts: Sequence[tuple[int, int, FileReport]]) -> list[Finding]:
    """Parts of one split file; the first holds the metadata of all."""
    ordered = sorted(parts, key=lambda part: part[0])
    first = ordered[0][2]
    total = ordered[0][1]
    present = {number for number, _, _ in ordered}
    missing = sorted(set(range(1, total + 1)) - present)
    if missing or {stated for _, stated, _ in ordered} != {total}:
        return [GG_SPLIT.at(first.path, f"The names promise {total} parts; there are {len(present)}.")]
    findings = []
    for number, _, file in ordered:
        metadata = file.content["metadata"]
        stated = (metadata.get("split.no"), metadata.get("split.count"))
        if stated != (None, None) and stated != (number - 1, total):
            message = f"The part says that it is number {stated[0]} of {stated[1]}, counted from 0."
            findings.append(GG_SPLIT.at(file.path, message))
    count = first.content["metadata"].get("split.tensors.count")
    actual = sum(len(file.tensors) for _, _, file in ordered)
    if type(count) is int and count != actual:
        findings.append(GG_SPLIT.at(first.path, f"{count} tensors are promised; the parts have {actual}."))
    return findings or list(_check_model([file for _, _, file in ordered]))


def _check_model(parts: Sequence[FileReport]) -> Iterator[Finding]:
    path, metadata = parts[0].path, parts[0].content["metadata"]
    architecture = metadata.get("general.architecture")
    tensors: dict[str, Any] = {record.name: (file.path, record) for file in parts for record in file.tensors}
    if architecture is None and any(name.startswith("blk.") for name in tensors):
        yield GG_MODEL.at(path, "The metadata do not name the architecture.")
    if not isinstance(architecture, str | None):
        yield GG_MODEL.at(path, "`general.architecture` is no text.")
        return
    if not tensors or architecture in _NO_MODEL or metadata.get("general.type") not in (None, "model"):
        return
    yield from check_continuity(stacks_of(tensors))
    yield from _check_layers(path, metadata, architecture, tensors)
    yield from _check_vocabulary(path, metadata, tensors)
    yield from _check_widths(path, metadata, architecture, tensors)


def _check_layers(path: str, metadata: Mapping[str, Any], architecture: Any, tensors: Tensors) -> Iterator[Finding]:
    count = metadata.get(f"{architecture}.block_count")
    layers = stacks_of(tensors).get("blk")
    if type(count) is not int or layers is None:
        return
    last = max(layers.by_number)
    if last + 1 != count:
        yield GG_MODEL.at(path, f"`block_count` is {count}; the last layer that has tensors is {last}.")


def _check_vocabulary(path: str, metadata: Mapping[str, Any], tensors: Tensors) -> Iterator[Finding]:
    tokens = _length(metadata, "tokenizer.ggml.tokens")
    if tokens is None:
        return
    rows = next((tensors[name][1].shape[0] for name in ("token_embd.weight",) if name in tensors), None)
    if rows is not None and rows != tokens:
        message = f"The vocabulary has {tokens} tokens; the embedding has {rows} rows."
        yield GG_MODEL.at(path, message, tensor="token_embd.weight")
    for key in ("tokenizer.ggml.token_type", "tokenizer.ggml.scores"):
        count = _length(metadata, key)
        if count is not None and count != tokens:
            yield GG_MODEL.at(path, f"`{key}` has {count} entries for {tokens} tokens.")
    for key, value in metadata.items():
        if _TOKEN_ID.match(key) and type(value) is int and value >= tokens and value != 0xFFFFFFFF:
            yield GG_MODEL.at(path, f"`{key}` is {value}; the vocabulary has {tokens} tokens.")


def _check_widths(path: str, metadata: Mapping[str, Any], architecture: Any, tensors: Tensors) -> Iterator[Finding]:
    width = metadata.get(f"{architecture}.embedding_length")
    heads = metadata.get(f"{architecture}.attention.head_count")
    inner = metadata.get(f"{architecture}.feed_forward_length")
    if type(width) is not int or width <= 0:
        return
    head = metadata.get(f"{architecture}.attention.key_length")
    if type(head) is not int and type(heads) is int and heads > 0 and width % heads == 0:
        head = width // heads
    if architecture in _PLAIN and type(head) is not int and type(heads) is int and heads > 0:
        yield GG_MODEL.at(path, f"`head_count` is {heads}; {width} cannot be shared by so many evenly.")
    expected: dict[str, tuple[int, ...]] = {"output_norm.weight": (width,)}
    if "token_embd.weight" in tensors:
        expected["token_embd.weight"] = (tensors["token_embd.weight"][1].shape[0], width)
    if architecture in _PLAIN and type(heads) is int and type(head) is int:
        expected["blk.0.attn_q.weight"] = (heads * head, width)
    if architecture in _PLAIN and type(inner) is int:
        expected["blk.0.ffn_up.weight"] = (inner, width)
    for name, shape in expected.items():
        if name in tensors and tensors[name][1].shape != shape:
            message = f"The shape is {list(tensors[name][1].shape)}; the metadata give {list(shape)}."
            yield GG_MODEL.at(path, message, tensor=name)


def _length(metadata: Mapping[str, Any], key: str) -> int | None:
    value = metadata.get(key)
    count = value.get("count") if isinstance(value, dict) else None
    return count if type(count) is int else None
