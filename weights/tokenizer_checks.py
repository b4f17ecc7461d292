"""Tokenizers: what `tokenizer.json` says, in brief, and whether the other files agree.

Owns the reduction of a tokenizer to what the checks need, since the file itself can have tens of megabytes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from weights.catalog.coherence import TK_ADDED, TK_DUP, TK_FORM, TK_REWRITE, TK_SPECIAL
from weights.findings import Finding

ADDED_LIMIT = 20_000

# Ids that libraries set where nobody chooses: GPT-2's, CLIP's, Marian's, Whisper's.
LIBRARY_DEFAULTS = frozenset({50256, 50257, 49406, 49407, 58100})

_SPECIALS = ("bos", "eos", "pad", "unk", "sep", "cls", "mask", "decoder_start")
_AGREEING = ("bos", "eos")
# Other ids that generation looks up in the scores: beyond them it fails.
_GENERATED = ("suppress_tokens", "begin_suppress_tokens", "forced_bos_token_id", "forced_eos_token_id")
_ESCAPED = re.compile(r"\\[pP]\{\w+\}|\\[a-zA-Z]|\{\d*,?\d*\}")


def is_tokenizer(value: Any) -> bool:
    """Whether a parsed JSON file is a tokenizer of the `tokenizers` library."""
    return isinstance(value, dict) and isinstance(value.get("model"), dict) and "added_tokens" in value


def summarize_tokenizer(value: Mapping[str, Any]) -> dict[str, Any]:
    """Largest id, number of tokens, ids used twice, added tokens and rewriting rules of a tokenizer."""
    ids = list(_vocabulary(value["model"]))
    odd = [text for text, number in _entries(value["model"]) if type(number) is not int or number < 0]
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
            "clashes": [
                [text, known[text], number] for text, number in added.items() if known.get(text, number) != number
            ][:20],
            "odd_ids": odd[:20],
            "odd_merges": list(islice(_odd_merges(value["model"], known), 20)),
            "processed": list(_processed(value, known, added))[:20],
        }
    }


def check_tokenizer(path: str, tokenizer: Mapping[str, Any]) -> list[Finding]:
    """Findings on the summary alone."""
    findings = []
    if tokenizer["repeated_ids"]:
        shown = tokenizer["repeated_ids"][:5]
        findings.append(TK_DUP.at(path, f"Ids with more than one text: {shown}."))
    if tokenizer.get("odd_ids"):
        findings.append(TK_FORM.at(path, f"Tokens without an id that can be: {tokenizer['odd_ids'][:5]}."))
    for merge in tokenizer.get("odd_merges", [])[:5]:
        findings.append(TK_FORM.at(path, f"The merge {merge!r} needs a token that is not in the vocabulary."))
    for text, number, other in [*tokenizer.get("clashes", []), *tokenizer.get("processed", [])][:5]:
        findings.append(
            TK_ADDED.at(path, f"The token {text!r} has the id {number} in one place and {other} in another.")
        )
    findings += [TK_REWRITE.at(path, f"The tokenizer replaces {rule}.") for rule in tokenizer["rewrites"]]
    return findings


def check_agreement(folder: Mapping[str, Any]) -> list[Finding]:
    """Findings between the files of one folder (name to path and content)."""
    tokenizer = _content(folder, "tokenizer.json").get("tokenizer", {})
    settings = _content(folder, "tokenizer_config.json")
    findings = _check_added(folder, tokenizer, settings) + _check_names(folder, settings)
    config, generation = _content(folder, "config.json"), _content(folder, "generation_config.json")
    text_config = config.get("text_config")
    if isinstance(text_config, dict):
        config = {**text_config, **{key: value for key, value in config.items() if value is not None}}
    unset = {number for number in LIBRARY_DEFAULTS if number > tokenizer.get("largest_id", max(LIBRARY_DEFAULTS))}
    findings += [
        TK_SPECIAL.at(folder[name][0], f"`{part}_token_id` is {number!r}; an id is a number from 0 on.")
        for name, content in (("config.json", config), ("generation_config.json", generation))
        for part in _AGREEING
        if isinstance(number := content.get(f"{part}_token_id"), str | float) and name in folder
    ]
    for part in _AGREEING if _generates(config) else ():
        named = {
            "config.json": ids_of(config.get(f"{part}_token_id")) - unset,
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
        if disjoint or (allowed and not (stated.get("tokenizer_config.json", allowed) & allowed)):
            shown = ", ".join(f"{place} {sorted(ids)}" for place, ids in stated.items())
            place = next(name for name in stated if name in folder)
            findings.append(TK_SPECIAL.at(folder[place][0], f"The {part} token differs: {shown}."))
    return findings


def _generates(config: Mapping[str, Any]) -> bool:
    """Whether the model writes text, as far as its configuration tells; of the others' ids many are never used."""
    names = config.get("architectures")
    words = ("CausalLM", "Generation", "LMHead", "Seq2Seq", "MTModel")
    return not isinstance(names, list) or not names or any(word in str(name) for name in names for word in words)


def _check_names(folder: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Finding]:
    """Whether both files that name special tokens by their text name the same."""
    findings = []
    for part, token in _content(folder, "special_tokens_map.json").items():
        text, other = _text_of(token), _text_of(settings.get(part))
        if part in ("bos_token", "eos_token", "unk_token") and text is not None and other not in (None, text):
            path = folder["special_tokens_map.json"][0]
            message = f"`{part}` is {text!r} here and {other!r} in tokenizer_config.json."
            findings.append(TK_SPECIAL.at(path, message))
    return findings


def special_ids(folder: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Path, key and value of every special token's id in the configuration files."""
    for name in ("config.json", "generation_config.json"):
        content = _content(folder, name)
        for part in _SPECIALS:
            for number in sorted(ids_of(content.get(f"{part}_token_id"))):
                yield folder[name][0], f"{part}_token_id", number
        for key in _GENERATED:
            for number in sorted(ids_of(content.get(key))):
                yield folder[name][0], key, number


def ids_of(value: Any) -> set[int]:
    """One id or a list of them, as a set."""
    return {number for number in (value if isinstance(value, list) else [value]) if type(number) is int}


def _content(folder: Mapping[str, Any], name: str) -> dict[str, Any]:
    content = folder[name][1] if name in folder else None
    return content if isinstance(content, dict) else {}


def _check_added(folder: Mapping[str, Any], tokenizer: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Finding]:
    """Whether all files that give added tokens their ids give them the same."""
    added = tokenizer.get("added", {})
    decoder = settings.get("added_tokens_decoder")
    listed = {}
    if isinstance(decoder, dict):
        listed["tokenizer_config.json"] = {
            _text_of(token): int(number) for number, token in decoder.items() if number.isdecimal() and len(number) < 10
        }
    own = folder["added_tokens.json"][1] if "added_tokens.json" in folder else None
    words = own.get("words") if isinstance(own, dict) else None
    if isinstance(words, dict):
        listed["added_tokens.json"] = words
    by_id = {number: text for text, number in added.items()}
    for name, tokens in listed.items():
        for text, number in tokens.items():
            if text in added and added[text] != number:
                message = f"The token {text!r} has the id {number} here and {added[text]} in tokenizer.json."
                return [TK_ADDED.at(folder[name][0], message)]
            if text is not None and by_id.get(number, text) != text:
                message = f"The id {number} is that of {text!r} here and of {by_id[number]!r} in tokenizer.json."
                return [TK_ADDED.at(folder[name][0], message)]
    return []


def _processed(
    value: Mapping[str, Any], known: Mapping[str, int], added: Mapping[str, int]
) -> Iterator[tuple[str, int, int]]:
    """Tokens that the post-processor inserts under another id than the vocabulary gives them: text, id, its id."""
    waiting = [value.get("post_processor")]
    while waiting:
        item = waiting.pop()
        if not isinstance(item, dict):
            continue
        waiting += _objects(item.get("processors"))
        pairs = [item.get(key) for key in ("sep", "cls")]
        specials = item.get("special_tokens")
        for token in specials.values() if isinstance(specials, dict) else ():
            if isinstance(token, dict) and isinstance(token.get("tokens"), list) and isinstance(token.get("ids"), list):
                pairs += [list(pair) for pair in zip(token["tokens"], token["ids"], strict=False)]
        for pair in pairs:
            if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and type(pair[1]) is int:
                number = added.get(pair[0], known.get(pair[0]))
                if number is not None and number != pair[1]:
                    yield pair[0], pair[1], number


def _text_of(token: Any) -> str | None:
    text = token.get("content") if isinstance(token, dict) else token
    return text if isinstance(text, str) else None


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
        yield from ((text, number) for text, number in vocabulary.items() if type(number) is int)  # see `_entries`
    elif isinstance(vocabulary, list):
        for number, item in enumerate(vocabulary):
            if isinstance(item, list) and item and isinstance(item[0], str):
                yield item[0], number


def _odd_merges(model: Mapping[str, Any], known: Mapping[str, int]) -> Iterator[str]:
    """Merges of which a side or the result is no token."""
    merges, prefix = model.get("merges"), model.get("continuing_subword_prefix")
    prefix = prefix if isinstance(prefix, str) else ""
    for merge in merges if isinstance(merges, list) else ():
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(side, str) for side in pair):
            yield str(merge)[:80]
        elif pair[0] not in known or pair[1] not in known or pair[0] + pair[1].removeprefix(prefix) not in known:
            yield " ".join(pair)[:80]


def _entries(model: Mapping[str, Any]) -> list[tuple[str, Any]]:
    vocabulary = model.get("vocab")
    return list(vocabulary.items()) if isinstance(vocabulary, dict) else []


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
