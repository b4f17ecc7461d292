"""Vocabularies in files of their own: what a tokenizer was before `tokenizer.json`, and still is beside it.

Owns the reduction of each to its largest id and the ids used twice. Words are not looked at: a vocabulary may hold any.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from weights.catalog.coherence import TK_DUP
from weights.findings import Finding

ADDED_LIMIT = 20_000

_RANKED = re.compile(r"[A-Za-z0-9+/]+={0,2} \d{1,9}$")
_BY_ID = frozenset({"vocab.json", "added_tokens.json"})


def summarize_words(value: Any, name: str) -> dict[str, Any] | None:
    """What a JSON vocabulary says, None where the file is none."""
    if name == "tekken.json" and isinstance(value, dict) and isinstance(value.get("config"), dict):
        size = value["config"].get("default_vocab_size")
        return _summary([size - 1]) if type(size) is int else None
    if name in _BY_ID and isinstance(value, dict):
        words = {text: number for text, number in value.items() if type(number) is int}
        summary = _summary(list(words.values()))
        return summary | {"words": words} if name == "added_tokens.json" and len(words) <= ADDED_LIMIT else summary
    return None


def summarize_lines(text: str, path: str) -> dict[str, Any] | None:
    """What a vocabulary of one token a line says, None where the file is none."""
    name = PurePosixPath(path).name
    if name == "vocab.txt":
        return _summary(range(len(text.rstrip("\n").split("\n"))))
    if name.endswith(".tiktoken") or name == "tokenizer.model":
        lines = text.splitlines()
        if lines and all(_RANKED.match(line) for line in lines[:50]):
            ranks = (line.rpartition(" ")[2] for line in lines)
            return _summary([int(rank) for rank in ranks if rank.isdigit() and len(rank) < 10])
    return None


def summarize_pieces(count: int) -> dict[str, Any]:
    """What a SentencePiece model of `count` pieces says."""
    return _summary(range(count))


def check_vocabulary(path: str, summary: Mapping[str, Any]) -> list[Finding]:
    """Findings on the summary alone."""
    shown = summary["repeated_ids"][:5]
    return [TK_DUP.at(path, f"Ids with more than one text: {shown}.")] if shown else []


def largest_ids(documents: Mapping[str, tuple[str, Any]]) -> Iterator[tuple[str, int]]:
    """Path and largest id of every vocabulary in a folder."""
    for path, content in documents.values():
        if not isinstance(content, dict):
            continue
        for kind in ("tokenizer", "vocabulary"):
            summary = content.get(kind)
            if isinstance(summary, dict) and type(summary.get("largest_id")) is int:
                yield path, summary["largest_id"]
    path, settings = documents.get("tokenizer_config.json", ("", None))
    decoder = settings.get("added_tokens_decoder") if isinstance(settings, dict) else None
    if isinstance(decoder, dict):
        numbers = [int(key) for key in decoder if key.isdecimal() and len(key) < 10]
        if numbers:
            yield path, max(numbers)


def _summary(ids: Any) -> dict[str, Any]:
    is_counted = isinstance(ids, range)
    counts = Counter() if is_counted else Counter(ids)
    return {
        "vocabulary": {
            "largest_id": (len(ids) - 1) if is_counted else max(counts, default=-1),
            "tokens": len(ids) if is_counted else len(counts),
            "repeated_ids": sorted(number for number, count in counts.items() if count > 1)[:20],
        }
    }
