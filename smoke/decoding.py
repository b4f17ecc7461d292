"""Questions put to models that write: likelihood of the probe, what each block is worth, and what is written.

Owns: measuring decoders and encoder-decoders. Refuses to own: judging (`smoke.verdict`), encoders (`smoke.encoding`),
writing token by token (`smoke.generation`).
Imports torch: only the confined process imports this module.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from smoke import blocks, generation, loading, scoring
from smoke.by_token import TOKEN_DIGITS
from smoke.channel import Channel

AGREEMENT_TOKENS = 256


def decoder(loaded: Any, request: Mapping[str, Any], channel: Channel, measured: dict[str, Any]) -> None:
    """Language, blocks, generation and samples of a decoder; without a tokenizer only that its numbers are finite."""
    model = loaded.model
    if not can_read(measured):
        measured["finite"] = scoring.score_ids(model, noise(measured["vocabulary"])).finite
        return
    windows = likelihood(loaded, request, channel, measured, scoring.causal)
    if measured["finite"]:
        budget = float(request["blocks_seconds"])
        if budget > 0:
            told = channel.progress("blocks")
            measured["depth"] = blocks.measure(model, windows.ids, budget_seconds=budget, progress=told)
        generation.generate(loaded, request, channel, measured)


def translator(loaded: Any, request: Mapping[str, Any], channel: Channel, measured: dict[str, Any]) -> None:
    """Likelihood of the second half of each window given the first, and samples, of an encoder with a decoder."""
    if not can_read(measured):
        measured["finite"] = scoring.score_ids(loaded.model, noise(measured["vocabulary"]), ask=scoring.halves).finite
        return
    likelihood(loaded, request, channel, measured, scoring.halves)
    if not measured["finite"]:
        return
    generation.translate(loaded, channel, measured)


def can_read(measured: Mapping[str, Any]) -> bool:
    """Whether there is a tokenizer, and a row of the embedding for each of its tokens."""
    facts = measured["tokenizer"]
    return bool(facts["present"]) and facts["largest_id"] < facts["embedding_rows"]


def noise(vocabulary: int) -> list[list[int]]:
    """Arbitrary tokens: all that can be put to a model without a tokenizer."""
    rng = random.Random(0)  # noqa: S311 - reproducible
    return [[rng.randrange(vocabulary) for _ in range(32)] for _ in range(4)]


def likelihood(
    loaded: Any, request: Mapping[str, Any], channel: Channel, measured: dict[str, Any], ask: scoring.Ask
) -> scoring.Windows:
    """Loss on the probe, as it is and with its tokens shuffled within each window."""
    told, rng = channel.progress("likelihood"), random.Random(0)  # noqa: S311 - reproducible
    probe = request["probe"]
    windows = scoring.encode(loaded.tokenizer, probe["text"], window=int(probe["window"]))
    scored_bytes = windows.scored_bytes
    if ask is scoring.halves:
        targets = [list(scoring.second_half(window)) for window in windows.ids]
        scored_bytes = sum(len(loaded.tokenizer.decode(target).encode()) for target in targets)
    twice = 2 * len(windows.ids)
    ordered = scoring.score_ids(loaded.model, _counted(windows.ids, told, 0, twice), scored_bytes, ask=ask)
    mixed = []
    for window in windows.ids:
        tail = list(window[1:])
        rng.shuffle(tail)
        mixed.append((window[0], *tail))
    shuffled = scoring.score_ids(loaded.model, _counted(mixed, told, len(mixed), twice), ask=ask)
    measured.update(
        finite=ordered.finite and shuffled.finite,
        bits_per_byte=ordered.bits_per_byte,
        nats_per_token=ordered.nats_per_token,
        mean_entropy=ordered.mean_entropy,
        shuffled_nats=shuffled.nats_per_token,
        token_nats=[round(nats, TOKEN_DIGITS) for nats in ordered.each],
        probe=probe_facts(probe, windows),
    )
    return windows


def _counted(
    windows: Sequence[Sequence[int]], told: Callable[[int, int, str], None], before: int, total: int
) -> Iterator[Sequence[int]]:
    """The same windows, telling after each that it was scored."""
    for number, window in enumerate(windows, before + 1):
        yield window
        told(number, total, f"window {number} of {total}")


def probe_facts(probe: Mapping[str, Any], windows: scoring.Windows) -> dict[str, Any]:
    """What the rules need to know of the text that was used."""
    return {
        "declared": bool(probe["declared"]),
        "declared_bits_per_byte": probe.get("bits_per_byte"),
        "digest": hashlib.sha256(f"{probe['window']}\n{probe['text']}".encode()).hexdigest(),
        "window": probe["window"],
        "tokens": windows.scored,
        "bytes": windows.scored_bytes,
        "byte_entropy_bits": windows.byte_entropy_bits,
        "unigram_nats": windows.unigram_nats,
    }


def agreement(loaded: Any, request: Mapping[str, Any], channel: Channel, measured: dict[str, Any]) -> None:
    """How far the quantized model is from the same weights in full precision; loads the model a second time."""
    told = channel.progress("agreement")
    probe = request["probe"]
    windows = scoring.encode(loaded.tokenizer, probe["text"], window=int(probe["window"]), limit=AGREEMENT_TOKENS)
    quantized = [_logs(loaded.model, window) for window in windows.ids]
    loading.unrounded(loaded, request, told)
    nats, same, tokens = 0.0, 0, 0
    for window, ours in zip(windows.ids, quantized, strict=True):
        theirs = _logs(loaded.model, window)
        nats += float((theirs.exp() * (theirs - ours)).nan_to_num(0.0).sum())
        same += int((theirs.argmax(-1) == ours.argmax(-1)).sum())
        tokens += len(theirs)
    measured["agreement"] = {"divergence_nats": nats / tokens, "same_first_choice": same / tokens, "tokens": tokens}


def _logs(model: Any, window: Sequence[int]) -> torch.Tensor:
    with torch.inference_mode():
        logits, _ = scoring.causal(model, torch.tensor([list(window)], device=model.device))
        return torch.log_softmax(logits.float(), dim=-1).cpu()
