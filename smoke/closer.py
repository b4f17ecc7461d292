"""A closer look at the weights themselves, at the best precision that fits: their own loss, and what would mend them.

Owns: when the model is widened to float32, the loss of the unquantized weights on the probe, and calling the search for
repairs. Refuses to own: that search (`smoke.repairs`), loading (`smoke.loading`) and thresholds (`smoke.verdict`).
Imports torch: only the confined process imports this module.

Rounding to eight bits costs a healthy model more than some damage does. Where the weights fit unrounded as well, their
loss says more; in float32 it is the same on every machine to the fourth digit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smoke import casting, loading, repairs, scoring
from smoke.by_token import TOKEN_DIGITS
from smoke.channel import Channel
from smoke.checkpoint import ENCODER, ENCODER_DECODER
from smoke.probes import familiar, languages

WIDENED_BYTES = 256 << 20
"""Models up to this size in float32 are looked at in float32."""

TEXT_TOKENS, LANGUAGE_TOKENS = 768, 192
SHARE_OF_BLOCKS_TIME = 0.25
"""Of the time allowed for turning blocks down; the demonstration model needs about a third of what this gives it."""


def look(loaded: Any, request: Mapping[str, Any], channel: Channel, measured: dict[str, Any]) -> None:
    """Loss of unquantized weights as they are and in float32, and the repairs that would help.

    The loaded model is another one afterwards: unquantized where that was cheap, and widened.
    """
    ask = ask_of(request["architecture"], loaded.tokenizer, loaded.model)
    probe, tokenizer = request["probe"], loaded.tokenizer
    windows = scoring.encode(tokenizer, probe["text"], window=int(probe["window"]))
    if ask is None or not windows.ids:
        return
    if ask is scoring.causal and not probe["declared"]:
        measured["languages"] = by_language(loaded.model, tokenizer)
    told = channel.progress("full precision")
    # what was rounded before it was stored has no unrounded loss to be held to
    is_unrounded_there = not request.get("stored_as")
    if is_rounded(loaded.model) and is_unrounded_there and 4 * elements(loaded.model) <= WIDENED_BYTES:
        loading.unrounded(loaded, request)
    model = loaded.model
    full = scoring.Score(0.0, 0.0, 0, 0, True)
    if not is_rounded(model) and is_unrounded_there:
        as_stored = scoring.score_ids(model, windows.ids, ask=ask)
        found: dict[str, Any] = {"nats_per_token": as_stored.nats_per_token, "token_nats": listed(as_stored)}
        told(1, 2)
        if 4 * elements(model) <= WIDENED_BYTES:
            model.float()
            full = scoring.score_ids(model, windows.ids, ask=ask)
            found |= {"float32_nats_per_token": full.nats_per_token, "float32_token_nats": listed(full)}
        told(2, 2)
        measured["full"] = found
        measured.pop("token_nats", None)  # of the rounded weights: nothing is held to them where there are better ones
    budget = float(request["blocks_seconds"]) * SHARE_OF_BLOCKS_TIME
    if budget > 0:
        told = channel.progress("repairs")
        texts = [] if probe["declared"] else familiar()
        more = [scoring.encode(tokenizer, text, window=int(probe["window"]), limit=TEXT_TOKENS).ids for text in texts]
        every = [window for ids in (windows.ids, *more) for window in ids]
        measured["repairs"] = repairs.measure(model, every, budget_seconds=budget, progress=told, ask=ask)
    if full.each:
        measured["full"]["cast_nats"] = casting.moved(model, windows.ids, ask, full.each)


def listed(score: scoring.Score) -> list[float]:
    """The loss of each token, to the fourth digit."""
    return [round(nats, TOKEN_DIGITS) for nats in score.each]


def by_language(model: Any, tokenizer: Any) -> dict[str, dict[str, float]]:
    """Bits per byte of the same short story in each language, beside the entropy of its single bytes."""
    found = {}
    for name, text in languages().items():
        windows = scoring.encode(tokenizer, text, window=LANGUAGE_TOKENS, limit=LANGUAGE_TOKENS)
        if windows.scored_bytes:
            bits = scoring.score(model, windows).bits_per_byte
            found[name] = {"bits_per_byte": bits, "byte_entropy_bits": windows.byte_entropy_bits}
    return found


def is_rounded(model: Any) -> bool:
    """Whether a quantizer holds its weights, ours or another's."""
    return getattr(model, "hf_quantizer", None) is not None


def elements(model: Any) -> int:
    """Numbers that the model holds, rounded ones and others."""
    return sum(t.numel() for t in (*model.parameters(), *model.buffers()))


def ask_of(architecture: str, tokenizer: Any, model: Any) -> scoring.Ask | None:
    """How the loss of this kind of model is asked for; None where it has none."""
    if architecture == ENCODER_DECODER:
        return scoring.halves
    if architecture != ENCODER:
        return scoring.causal
    mask = getattr(tokenizer, "mask_token_id", None)
    if mask is None or model.get_output_embeddings() is None:
        return None
    return scoring.hidden(int(mask))
