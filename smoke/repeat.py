"""What two starts of the same checkpoint must agree on: a digest of logits, a greedy and a seeded sampled continuation.

Owns: taking it, right after loading and always in the same way. Refuses to own: comparing (`smoke.conduct`).
Imports torch: only the confined process imports this module.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch

from smoke import encoding, generation, scoring
from smoke.checkpoint import DECODER, ENCODER
from smoke.decoding import can_read, noise

TEXT = "In the beginning there was a list of numbers, and somebody had to add them."
TOKENS = 64
NEW_TOKENS = 12
SLICE = 64
"""Logits kept as numbers, evenly spaced: devices that do not promise the same bits are held to a distance."""


def measure(loaded: Any, request: Mapping[str, Any], measured: Mapping[str, Any]) -> dict[str, Any]:
    """What this start gives for one fixed text, or for fixed arbitrary tokens without a tokenizer."""
    model = loaded.model
    if can_read(measured):
        ids = list(loaded.tokenizer(TEXT)["input_ids"])[: min(TOKENS, int(request["context"]))]
    else:
        ids = noise(measured["vocabulary"])[0]
    ids = ids or [0]
    numbers = _numbers(model, ids, request["architecture"])
    step = max(1, numbers.numel() // SLICE)
    found: dict[str, Any] = {
        "digest": "sha256:" + hashlib.sha256(numbers.numpy().tobytes()).hexdigest(),
        "slice": [float(x) for x in numbers.flatten()[::step][:SLICE]],
    }
    if request["architecture"] == DECODER:
        ids, new = generation.fitted(ids, NEW_TOKENS, int(request["context"]))
        found["greedy"] = generation.greedy(model, ids, new).ids
        found["sampled"] = generation.sampled(model, ids, new, seed=int(request["seed"])).ids
    return found


def _numbers(model: Any, ids: list[int], architecture: str) -> torch.Tensor:
    with torch.inference_mode():
        if architecture == ENCODER:
            return encoding.represent(model, ids).float().contiguous()
        ask = scoring.causal if architecture == DECODER else scoring.halves
        logits, _ = ask(model, torch.tensor([ids if len(ids) > 1 else ids * 2], device=model.device))
        return logits.float().cpu().contiguous()
