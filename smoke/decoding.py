"""Questions put to models that write: likelihood of the probe, generation, and what each block is worth.

Owns: measuring decoders and encoder-decoders. Refuses to own: judging (`smoke.verdict`), encoders (`smoke.encoding`).
Imports torch: only the confined process imports this module.
"""

from __future__ import annotations

import gc
import hashlib
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from smoke import blocks, loading, scoring
from smoke.channel import Channel

PROMPTS = (
    "The capital of France is",
    "def add(a, b):\n    return",
    "In the beginning there was",
)
QUESTIONS = ("Explain: lists", "What can you do?")
NEW_TOKENS = 24
TEXT_LIMIT = 2000
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
        generate(loaded, int(request["context"]), channel, measured)


def translator(loaded: Any, request: Mapping[str, Any], channel: Channel, measured: dict[str, Any]) -> None:
    """Likelihood of the second half of each window given the first, and samples, of an encoder with a decoder."""
    if not can_read(measured):
        measured["finite"] = scoring.score_ids(loaded.model, noise(measured["vocabulary"]), ask=scoring.halves).finite
        return
    likelihood(loaded, request, channel, measured, scoring.halves)
    if not measured["finite"]:
        return
    told, samples = channel.progress("generate"), []
    for done, prompt in enumerate(PROMPTS, 1):
        inputs = torch.tensor([loaded.tokenizer(prompt)["input_ids"]], device=loaded.model.device)
        with torch.inference_mode():
            out = loaded.model.generate(inputs, max_new_tokens=NEW_TOKENS, do_sample=False, num_beams=1)[0].tolist()
        text = loaded.tokenizer.decode(out, skip_special_tokens=True)[:TEXT_LIMIT]
        samples.append({"prompt": prompt, "text": text, "tokens": len(out), "stopped": len(out) < NEW_TOKENS})
        told(done, len(PROMPTS))
    measured["samples"] = samples


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
    ordered = scoring.score_ids(loaded.model, windows.ids, scored_bytes, ask=ask)
    told(1, 2)
    mixed = []
    for window in windows.ids:
        tail = list(window[1:])
        rng.shuffle(tail)
        mixed.append((window[0], *tail))
    shuffled = scoring.score_ids(loaded.model, mixed, ask=ask)
    told(2, 2)
    measured.update(
        finite=ordered.finite and shuffled.finite,
        bits_per_byte=ordered.bits_per_byte,
        nats_per_token=ordered.nats_per_token,
        mean_entropy=ordered.mean_entropy,
        shuffled_nats=shuffled.nats_per_token,
        probe=probe_facts(probe, windows),
    )
    return windows


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
    loaded.model = None
    gc.collect()
    full = loading.load(
        Path(request["folder"]),
        kind=request["architecture"],
        quantization="bf16",
        device=request["torch_device"],
        dtype=request["dtype"],
        progress=told,
    ).model
    nats, same, tokens = 0.0, 0, 0
    for window, ours in zip(windows.ids, quantized, strict=True):
        theirs = _logs(full, window)
        nats += float((theirs.exp() * (theirs - ours)).nan_to_num(0.0).sum())
        same += int((theirs.argmax(-1) == ours.argmax(-1)).sum())
        tokens += len(theirs)
    measured["agreement"] = {"divergence_nats": nats / tokens, "same_first_choice": same / tokens, "tokens": tokens}


def _logs(model: Any, window: Sequence[int]) -> torch.Tensor:
    with torch.inference_mode():
        logits, _ = scoring.causal(model, torch.tensor([list(window)], device=model.device))
        return torch.log_softmax(logits.float(), dim=-1).cpu()


def generate(loaded: Any, context: int, channel: Channel, measured: dict[str, Any]) -> None:
    """Fixed prompts, greedy: timing, repeatability, cache, and the samples people read."""
    model, tokenizer = loaded.model, loaded.tokenizer
    told, samples = channel.progress("generate"), []
    prompts = [(p, tokenizer(p)["input_ids"]) for p in PROMPTS]
    measured["template"] = {"present": bool(getattr(tokenizer, "chat_template", None))}
    if measured["template"]["present"]:
        try:
            prompts += [(q, chat_ids(tokenizer, q)) for q in QUESTIONS]
        except Exception as error:  # the template is a program from the checkpoint: its failure is a finding
            measured["template"]["error"] = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    new = max(1, min(NEW_TOKENS, context // 2))
    greedy(model, prompts[0][1][:8], 2)  # the first call pays for set-up that later ones do not
    first, spent, count = 0.0, 0.0, 0
    repeatable, agreed, compared = True, 0, 0
    for done, (prompt, ids) in enumerate(prompts, 1):
        ids = list(ids)[-(context - new) :] or [0]
        out, first_seconds, rest_seconds = greedy(model, ids, new)
        if done == 1:
            first = first_seconds
            repeatable = greedy(model, ids, new)[0] == out
            plain = greedy(model, ids, new, cached=False)[0]
            compared = max(len(plain), len(out))
            agreed = sum(a == b for a, b in zip(plain, out, strict=False))
        spent, count = spent + rest_seconds, count + max(0, len(out) - 1)
        text = tokenizer.decode(out, skip_special_tokens=True)[:TEXT_LIMIT]
        samples.append({"prompt": prompt, "text": text, "tokens": len(out), "stopped": len(out) < new})
        told(done, len(prompts))
    measured["samples"] = samples
    measured["generation"] = {
        "repeatable": repeatable,
        "cached_agreement": agreed / compared if compared else 1.0,
        "first_token_seconds": first,
        "tokens_per_second": count / spent if spent else None,
    }


def chat_ids(tokenizer: Any, question: str) -> list[int]:
    """Token ids of one question in the checkpoint's own chat format."""
    conversation = [{"role": "user", "content": question}]
    text = tokenizer.apply_chat_template(conversation, add_generation_prompt=True, tokenize=False)
    return list(tokenizer(str(text), add_special_tokens=False)["input_ids"])


def greedy(model: Any, ids: list[int], new: int, *, cached: bool = True) -> tuple[list[int], float, float]:
    """The most likely continuation, seconds to its first token and seconds for the rest. An end token ends it."""
    ends = getattr(model.generation_config, "eos_token_id", None)
    stop = set(ends) if isinstance(ends, list) else {ends}
    out: list[int] = []
    cache, feed = None, torch.tensor([ids], device=model.device)
    started, first = time.perf_counter(), 0.0
    with torch.inference_mode():
        for _ in range(new):
            result = model(input_ids=feed, past_key_values=cache, use_cache=cached)
            token = int(result.logits[0, -1].argmax())
            out.append(token)
            first = first or time.perf_counter() - started
            if token in stop:
                break
            following = torch.tensor([[token]], device=model.device)
            cache = result.past_key_values if cached else None
            feed = following if cached else torch.cat([feed, following], dim=1)
    return out, first, time.perf_counter() - started - first
