"""Questions put to models that only read: what their representations of sentences keep apart and put together.

Owns: measuring encoders. Refuses to own: judging (`smoke.verdict`), models that write (`smoke.decoding`).
Imports torch: only the confined process imports this module.

An encoder with one damaged layer still tells paraphrases from strangers, so these rules find gross faults; the sketch
of its representations, compared with an earlier report, finds the rest.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from smoke import scoring
from smoke.channel import Channel
from smoke.decoding import can_read, noise, probe_facts

PAIRS = (
    ("The cat is sleeping on the sofa.", "A cat lies asleep on the couch."),
    ("How do I reset my password?", "I forgot my password and need a new one."),
    ("The train to Berlin leaves at noon.", "At twelve o'clock the train departs for Berlin."),
    ("Water boils at one hundred degrees.", "At a temperature of 100 degrees water starts to boil."),
    ("She won the race by two seconds.", "The woman finished first, two seconds ahead of the others."),
    ("The company reported higher profits.", "Earnings of the firm have risen."),
    ("It will rain tomorrow in the north.", "Tomorrow showers are expected in northern areas."),
    ("The function returns an empty list.", "An empty list is what this function gives back."),
)
SKETCH = 32
"""Numbers kept of each representation: projections on fixed random directions, enough to compare angles."""

MASKED_SHARE = 0.15


def encoder(loaded: Any, request: Mapping[str, Any], channel: Channel, measured: dict[str, Any]) -> None:
    """Representations of paraphrases, a sketch of them, and the loss on masked words where there is a head for it."""
    told = channel.progress("representations")
    if not can_read(measured):
        vectors = [represent(loaded.model, ids) for ids in noise(measured["vocabulary"])]
        measured["finite"] = all(bool(torch.isfinite(v).all()) for v in vectors)
        return
    texts = [text for pair in PAIRS for text in pair]
    encoded = [list(loaded.tokenizer(text)["input_ids"]) for text in texts]
    vectors = []
    for done, ids in enumerate(encoded, 1):
        vectors.append(represent(loaded.model, ids))
        told(done, len(encoded))
    table = torch.stack(vectors)
    measured["finite"] = bool(torch.isfinite(table).all())
    probe = request["probe"]
    windows = scoring.encode(loaded.tokenizer, probe["text"], window=int(probe["window"]), limit=1024)
    measured["probe"] = probe_facts(probe, windows)
    if not measured["finite"]:
        return
    turned = represent(loaded.model, [encoded[0][0], *reversed(encoded[0][1:-1]), encoded[0][-1]])
    measured["encoder"] = {**closeness(table), "order_cosine": _cosine(table[0], turned), "sketch": sketch(table)}
    mask = getattr(loaded.tokenizer, "mask_token_id", None)
    if mask is not None and loaded.model.get_output_embeddings() is not None:
        measured["masked"] = masked(loaded.model, windows.ids, int(mask))
        measured["finite"] = measured["masked"].pop("finite")


def represent(model: Any, ids: Sequence[int]) -> torch.Tensor:
    """The mean of the last hidden states."""
    body = getattr(model, model.base_model_prefix, model)
    with torch.inference_mode():
        output = body(input_ids=torch.tensor([list(ids)], device=model.device))
    return output.last_hidden_state[0].float().mean(dim=0).cpu()


def closeness(table: torch.Tensor) -> dict[str, float]:
    """How well each sentence finds its paraphrase, by how much, and how alike strangers are at most."""
    unit = torch.nn.functional.normalize(table, dim=-1)
    left, right = unit[0::2], unit[1::2]
    similar = left @ right.T
    count = len(left)
    strangers = similar[~torch.eye(count, dtype=torch.bool)]
    return {
        "accuracy": float((similar.argmax(dim=1) == torch.arange(count)).float().mean()),
        "margin": float(similar.diagonal().mean() - strangers.mean()),
        "strangers_cosine": float(strangers.max()),
    }


def sketch(table: torch.Tensor) -> list[list[float]]:
    """Each representation on the same random directions, so that two reports can be compared."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(table.shape[1], SKETCH, generator=generator) / SKETCH**0.5
    return [[round(float(x), 5) for x in row] for row in torch.nn.functional.normalize(table, dim=-1) @ directions]


def masked(model: Any, windows: Sequence[Sequence[int]], mask: int) -> dict[str, Any]:
    """Loss on masked words, beside the entropy of the text's own words."""
    rng = random.Random(0)  # noqa: S311 - reproducible
    counts = Counter(i for window in windows for i in window)
    total = sum(counts.values())
    nats = plain = 0.0
    hidden, is_finite = 0, True
    for window in windows:
        places = [i for i in range(1, len(window)) if rng.random() < MASKED_SHARE]
        if not places:
            continue
        ids = torch.tensor([list(window)], device=model.device)
        wanted = ids[0, places].clone()
        ids[0, places] = mask
        with torch.inference_mode():
            logits = model(input_ids=ids).logits[0, places].float()
        is_finite = is_finite and bool(torch.isfinite(logits).all())
        nats += float(torch.nn.functional.cross_entropy(logits, wanted, reduction="sum"))
        plain -= sum(float(torch.tensor(counts[int(i)] / total).log()) for i in wanted)
        hidden += len(places)
    return {
        "nats_per_token": nats / hidden if hidden else None,
        "unigram_nats": plain / hidden if hidden else None,
        "tokens": hidden,
        "finite": is_finite,
    }


def _cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(a, b, dim=0))
