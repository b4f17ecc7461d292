"""Settings that no trained model has, or that contradict the tokenizer or the tensors.

Owns: which settings are looked at, and what is said of them. Refuses to own: tensors (`smoke.tensors`), what settings
do to the loss (`smoke.repairs`). Pure; needs no torch: it reads attributes of a configuration and of a tokenizer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

ROTARY_BASE = (1_000.0, 1e9)
EPSILON_WARN, EPSILON_FAIL = 1e-3, 1e-2
EPSILONS = ("rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "norm_eps")


def of(loaded: Any, measured: Mapping[str, Any]) -> list[dict[str, str]]:
    """What is odd about the settings of a loaded model."""
    static, generation = measured.get("static") or {}, getattr(loaded.model, "generation_config", None)
    rows, untied = int(measured["vocabulary"]), str(static.get("untied") or "")
    return findings(loaded.model.config, loaded.tokenizer, generation, rows=rows, untied=untied)


def findings(config: Any, tokenizer: Any, generation: Any, *, rows: int, untied: str = "") -> list[dict[str, str]]:
    """What is odd about these settings. `rows` are the embedding's, `untied` names a head that differs from it."""
    return [*numbers(config), *ends(config, tokenizer, generation, rows), *ties(config, untied)]


def numbers(config: Any) -> Iterator[dict[str, str]]:
    """Settings far outside what models are trained with."""
    for name in EPSILONS:
        found = getattr(config, name, None)
        if isinstance(found, float) and found > EPSILON_WARN:
            yield told("epsilon", f"{name} is {found:g}: it drowns what is normalized", is_grave=found > EPSILON_FAIL)
    for base in rotary_bases(getattr(config, "rope_parameters", None)):
        if not ROTARY_BASE[0] <= base <= ROTARY_BASE[1]:
            yield told("rotary_base", f"the base of the rotary angles is {base:g}")


def rotary_bases(found: Any) -> Iterator[float]:
    """Each base in the settings of rotary angles, which may be given for each kind of layer."""
    if not isinstance(found, Mapping):
        return
    for name, value in found.items():
        if name == "rope_theta" and isinstance(value, (int, float)) and not isinstance(value, bool):
            yield float(value)
        elif isinstance(value, Mapping):
            yield from rotary_bases(value)


def ends(config: Any, tokenizer: Any, generation: Any, rows: int) -> Iterator[dict[str, str]]:
    """Special tokens: ids that have no row, and an end that the tokenizer does not know as one."""
    wanted = {name: list(ids(getattr(config, name, None)))
              for name in ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")}  # fmt: skip
    for name, found in wanted.items():
        for one in found:
            if not -1 <= one < rows:
                yield told("special_token", f"{name} is {one}, and the embedding has {rows} rows", is_grave=True)
    if tokenizer is None:
        return
    special = {int(i) for i in getattr(tokenizer, "all_special_ids", ())}
    special |= {int(i) for i in getattr(tokenizer, "added_tokens_decoder", {})}
    own = getattr(tokenizer, "eos_token_id", None)
    configured = [*wanted["eos_token_id"], *ids(getattr(generation, "eos_token_id", None))]
    if own is not None and configured and own not in configured:
        is_grave = bool(special) and not special & set(configured)
        yield told("special_token", f"text ends with token {own} for the tokenizer, with {configured[0]} for the model",
                   is_grave=is_grave)  # fmt: skip
    begin, first = getattr(tokenizer, "bos_token_id", None), wanted["bos_token_id"]
    if begin is not None and first and begin not in first and special and not special & set(first):
        yield told("special_token", f"text begins with token {begin} for the tokenizer, with {first[0]} for the model")


def ties(config: Any, untied: str) -> Iterator[dict[str, str]]:
    """A head that is stored and would be ignored."""
    if untied and getattr(config, "tie_word_embeddings", None) is True:
        yield told("tie", f"the settings tie the output head to the embedding, but {untied} is stored and differs",
                   is_grave=True)  # fmt: skip


def ids(found: Any) -> Iterable[int]:
    """Token ids in a setting that may hold one, several or none."""
    several = found if isinstance(found, (list, tuple)) else [found]
    return [i for i in several if isinstance(i, int) and not isinstance(i, bool)]


def told(code: str, detail: str, *, is_grave: bool = False) -> dict[str, str]:
    """One finding as plain data."""
    return {"code": code, "detail": detail, "severity": "fail" if is_grave else "warn"}
