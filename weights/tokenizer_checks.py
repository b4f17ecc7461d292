"""Tokenizers: what `tokenizer.json` says, in brief, and whether the other files agree.

Owns the reduction of a tokenizer to what the checks need, since the file itself can have tens of megabytes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from weights.catalog.coherence import TK_ADDED, TK_DUP, TK_REWRITE, TK_SPECIAL
from weights.findings import Finding

ADDED_LIMIT = 20_000

_SPECIALS = ("bos", "eos", "pad", "unk")
_ESCAPED = re.compile(r"\\[pP]\{\w+\}|\\[a-zA-Z]|\{\d*,?\d*\}")


def is_tokenizer(value: Any) -> bool:
    """Whether a parsed JSON file is a tokenizer of the `tokenizers` library."""
    return isinstance(value, dict) and isinstance(value.get("model"), dict) and "added_tokens" in value


def summarize_tokenizer(value: Mapping[str, Any]) -> dict[str, Any]:
    """Largest id, number of tokens, ids used twice, added tokens and rewriting rules of a tokenizer."""
    ids = list(_vocabulary(value["model"]))
    added = {
        token["content"]: token["id"]
        for token in _objects(value["added_tokens"])
        if isinstance(token.get("content"), str) and type(token.get("id")) is int
    }
    known = dict(ids)
    everything = list(known.items()) + [(text, number) for text, number in added.items() if known.get(text) != number]
    counts = Counter(number for _, number in everything)
    return {
        "tokenizer": {
            "largest_id": max(counts, default=-1),
            "tokens": len(counts),
            "repeated_ids": sorted(number for number, count in counts.items() if count > 1)[:20],
            "added": dict(list(added.items())[:ADDED_LIMIT]),
            "specials": {text: known.get(text, added.get(text)) for text in _candidates(known, added)},
            "rewrites": list(_rewrites(value))[:20],
        }
    }


def check_tokenizer(path: str, tokenizer: Mapping[str, Any]) -> list[Finding]:
    """Findings on the summary alone."""
    findings = []
    if tokenizer["repeated_ids"]:
        shown = tokenizer["repeated_ids"][:5]
        findings.append(TK_DUP.at(path, f"Ids with more than one text: {shown}."))
    findings += [TK_REWRITE.at(path, f"The tokenizer replaces {rule}.") for rule in tokenizer["rewrites"]]
    return findings


def check_agreement(folder: Mapping[str, Any]) -> list[Finding]:
    """Findings between the JSON files of one folder (name to path and content)."""
    tokenizer = _content(folder, "tokenizer.json").get("tokenizer", {})
    settings = _content(folder, "tokenizer_config.json")
    findings = _check_added(folder, tokenizer, settings)
    config, generation = _content(folder, "config.json"), _content(folder, "generation_config.json")
    text_config = config.get("text_config")
    if isinstance(text_config, dict):
        config = {**text_config, **{key: value for key, value in config.items() if value is not None}}
    for part in ("bos", "eos"):
        named = {
            "config.json": ids_of(config.get(f"{part}_token_id")),
            "generation_config.json": ids_of(generation.get(f"{part}_token_id")),
            "tokenizer_config.json": _token_id(settings.get(f"{part}_token"), tokenizer),
        }
        stated = {place: ids for place, ids in named.items() if ids}
        allowed = stated.get("config.json", set()) | stated.get("generation_config.json", set())
        disjoint = (
            "config.json" in stated
            and "generation_config.json" in stated
            and not stated["config.json"] & stated["generation_config.json"]
        )
        if disjoint or (part == "eos" and allowed and not (stated.get("tokenizer_config.json", allowed) & allowed)):
            shown = ", ".join(f"{place} {sorted(ids)}" for place, ids in stated.items())
            findings.append(TK_SPECIAL.at(folder["config.json"][0], f"The {part} token differs: {shown}."))
    return findings


def special_ids(folder: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Path, key and value of every special token's id in the configuration files."""
    for name in ("config.json", "generation_config.json"):
        content = _content(folder, name)
        for part in _SPECIALS:
            for number in ids_of(content.get(f"{part}_token_id")):
                yield folder[name][0], f"{part}_token_id", number


def ids_of(value: Any) -> set[int]:
    """One id or a list of them, as a set."""
    return {number for number in (value if isinstance(value, list) else [value]) if type(number) is int}


def _content(folder: Mapping[str, Any], name: str) -> dict[str, Any]:
    content = folder[name][1] if name in folder else None
    return content if isinstance(content, dict) else {}


def _check_added(folder: Mapping[str, Any], tokenizer: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Finding]:
    decoder = settings.get("added_tokens_decoder")
    added = tokenizer.get("added", {})
    if not isinstance(decoder, dict):
        return []
    for number, token in decoder.items():
        text = token.get("content") if isinstance(token, dict) else None
        if isinstance(text, str) and text in added and str(added[text]) != number:
            path = folder["tokenizer_config.json"][0]
            return [
                TK_ADDED.at(path, f"The token {text!r} has the id {number} here and {added[text]} in tokenizer.json.")
            ]
    return []


def _token_id(token: Any, tokenizer: Mapping[str, Any]) -> set[int]:
    text = token.get("content") if isinstance(token, dict) else token
    number = tokenizer.get("added", {}).get(text) if isinstance(text, str) else None
    if number is None and isinstance(text, str):
        number = tokenizer.get("specials", {}).get(text)
    return ids_of(number)


def _candidates(known: Mapping[str, int], added: Mapping[str, int]) -> list[str]:
    """Texts of the vocabulary that look like special tokens, without being listed as added."""
    return [
        text for text in known if text not in added and 2 < len(text) < 64 and text[0] in "<[" and text[-1] in ">]"
    ][:200]


def _vocabulary(model: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    vocabulary = model.get("vocab")
    if isinstance(vocabulary, dict):
        yield from ((text, number) for text, number in vocabulary.items() if type(number) is int)
    elif isinstance(vocabulary, list):
        for number, item in enumerate(vocabulary):
            if isinstance(item, list) and item and isinstance(item[0], str):
                yield item[0], number


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _rewrites(value: Mapping[str, Any]) -> Iterator[str]:
    """Replacement rules that touch letters or digits; those that only move white space and marks are ordinary."""
    waiting = [value.get("normalizer"), value.get("decoder")]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting += item
        elif isinstance(item, dict):
            waiting += [inner for inner in item.values() if isinstance(inner, list)]
            pattern, content = item.get("pattern"), item.get("content", item.get("replacement"))
            if item.get("type") == "Replace" and isinstance(pattern, dict) and isinstance(content, str):
                text = str(pattern.get("String", ""))
                expression = _ESCAPED.sub("", str(pattern.get("Regex", "")))
                if any(character.isalnum() for character in text + expression + content):
                    yield f"{(text or pattern.get('Regex'))!r} by {content!r}"[:160]
