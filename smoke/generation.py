"""What a model writes: greedy and seeded sampled continuations of fixed prompts, with their timing.

Owns: the prompts, decoding token by token, when it ends, and what is noted of the text: repetition, entropy, speed.
Refuses to own: judging (`smoke.verdict`, `smoke.conduct`) and likelihood (`smoke.decoding`).
Imports torch: only the confined process imports this module.

Decoding is our own loop and reads nothing of the checkpoint's generation settings but the end tokens: whatever lengths,
beams or caches these ask for, a run writes at most `NEW_TOKENS` or `ANSWER_TOKENS` for each prompt.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from smoke.channel import Channel

PROMPTS = (
    "The capital of France is",
    "def add(a, b):\n    return",
    "In the beginning there was",
)
QUESTIONS = ("Explain: lists", "What can you do?")
NEW_TOKENS = 24
ANSWER_TOKENS = 64
"""An answer in a chat is given more room, because it should end by itself."""

TEMPERATURE = 0.8
SAMPLED_PROMPTS = 2
TEXT_LIMIT = 2000
PROMPT_SECONDS = 20.0
"""After so long, one continuation is cut: a large model on a slow device still gets through all prompts."""

GRAM = 4
TIE_NATS = 0.1
"""Tokens so close are a tie: short of rounding, which differs with how many tokens are computed at once."""


@dataclass(frozen=True)
class Written:
    """One continuation: its tokens, whether an end token ended it, and what it cost."""

    ids: list[int]
    ended: bool
    first_seconds: float = 0.0
    rest_seconds: float = 0.0
    rest_cpu_seconds: float = 0.0
    entropy_nats: float | None = None
    """Mean entropy of the distributions that tokens were drawn from; only where they were drawn."""


def generate(loaded: Any, request: Mapping[str, Any], channel: Channel, measured: dict[str, Any]) -> None:
    """Fixed prompts, through the chat template where there is one: greedy, sampled, timed, and read by people."""
    model, tokenizer, context = loaded.model, loaded.tokenizer, int(request["context"])
    told, samples, seed = channel.progress("generate"), [], int(request["seed"])
    prompts = [(p, list(tokenizer(p)["input_ids"]), NEW_TOKENS) for p in PROMPTS]
    measured["template"] = {"present": bool(getattr(tokenizer, "chat_template", None))}
    if measured["template"]["present"]:
        try:
            prompts += [(q, chat_ids(tokenizer, q), ANSWER_TOKENS) for q in QUESTIONS]
        except Exception as error:  # the template is a program from the checkpoint: its failure is a finding
            measured["template"]["error"] = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    drawn = prompts[: SAMPLED_PROMPTS - 1] + prompts[-1:]
    total, ends = len(prompts) + len(drawn), end_tokens(model, tokenizer)
    greedy(model, prompts[0][1][:8] or [0], 2)  # the first call pays for set-up that later ones do not
    all_greedy, answers = [], []
    for done, (prompt, ids, wanted) in enumerate(prompts, 1):
        ids, new = fitted(ids, wanted, context)
        written = greedy(model, ids, new, ends=ends)
        all_greedy.append(written)
        answers += [written] if wanted == ANSWER_TOKENS else []
        samples.append(sample(tokenizer, prompt, written, "greedy"))
        if done == 1:
            facts = _repeated(model, ids, new, ends, written)
        told(done, total, f"prompt {done} of {total}")
    all_drawn = []
    for done, (prompt, ids, wanted) in enumerate(drawn, len(prompts) + 1):
        ids, new = fitted(ids, wanted, context)
        all_drawn.append(sampled(model, ids, new, seed=seed, ends=ends))
        samples.append(sample(tokenizer, prompt, all_drawn[-1], "sampled"))
        told(done, total, f"prompt {done} of {total}")
    measured["samples"] = samples
    measured["generation"] = facts | _told(all_greedy, all_drawn, answers or all_greedy)
    measured["generation"] |= {"has_end_token": bool(ends), "seed": seed, "temperature": TEMPERATURE}


def _repeated(model: Any, ids: list[int], new: int, ends: frozenset[int], first: Written) -> dict[str, Any]:
    """Whether the same prompt gives the same tokens again, and how many of them hold without the cache."""
    again = greedy(model, ids, new, ends=ends).ids
    return {
        "repeatable": again == first.ids,
        "cached_agreement": agreeing(model, ids, first.ids),
        "first_token_seconds": first.first_seconds,
    }


def agreeing(model: Any, ids: list[int], written: Sequence[int]) -> float:
    """Share of the tokens written with the cache that are the likeliest, or as good as that, when all is read at once.

    Each is asked for after the same text: writing a second text would part from the first at one tie and stay apart.
    """
    if not written:
        return 1.0
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([[*ids, *written]], device=model.device), use_cache=False).logits
        asked = logits[0, len(ids) - 1 : -1].float()
        chosen = asked.gather(1, torch.tensor(written, device=asked.device)[:, None])[:, 0]
        return float((asked.amax(dim=1) - chosen <= TIE_NATS).float().mean())


def _told(texts: Sequence[Written], drawn: Sequence[Written], answers: Sequence[Written]) -> dict[str, Any]:
    count = sum(max(0, len(w.ids) - 1) for w in texts)
    spent, worked = sum(w.rest_seconds for w in texts), sum(w.rest_cpu_seconds for w in texts)
    entropies = [w.entropy_nats for w in drawn if w.entropy_nats is not None]
    return {
        "tokens_per_second": count / spent if spent else None,
        "tokens_per_cpu_second": count / worked if worked else None,
        "ended_share": sum(w.ended for w in answers) / len(answers),
        "greedy_repetition": repetition(w.ids for w in texts),
        "sampled_repetition": repetition(w.ids for w in drawn),
        "sampled_entropy_nats": sum(entropies) / len(entropies) if entropies else None,
    }


def sample(tokenizer: Any, prompt: str, written: Written, mode: str) -> dict[str, Any]:
    """A continuation as the report shows it."""
    text = tokenizer.decode(written.ids, skip_special_tokens=True)[:TEXT_LIMIT]
    return {"prompt": prompt, "text": text, "tokens": len(written.ids), "stopped": written.ended, "mode": mode}


def chat_ids(tokenizer: Any, question: str) -> list[int]:
    """Token ids of one question in the checkpoint's own chat format."""
    conversation = [{"role": "user", "content": question}]
    text = tokenizer.apply_chat_template(conversation, add_generation_prompt=True, tokenize=False)
    return list(tokenizer(str(text), add_special_tokens=False)["input_ids"])


def fitted(ids: list[int], new: int, context: int) -> tuple[list[int], int]:
    """The end of a prompt and the number of new tokens, so that both fit into the context."""
    new = max(1, min(new, context // 2))
    return ids[-(context - new) :] or [0], new


def end_tokens(model: Any, tokenizer: Any = None) -> frozenset[int]:
    """Tokens after which nothing more is written, as the generation settings or the tokenizer name them."""
    named = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    found = [*named] if isinstance(named, (list, tuple)) else [named]
    found.append(getattr(tokenizer, "eos_token_id", None))
    return frozenset(i for i in found[:64] if isinstance(i, int) and not isinstance(i, bool) and i >= 0)


def repetition(texts: Iterable[Sequence[int]]) -> float | None:
    """Share of runs of four tokens that occurred before in the same text; None where no text is that long."""
    total = repeated = 0
    for ids in texts:
        grams = [tuple(ids[i : i + GRAM]) for i in range(len(ids) - GRAM + 1)]
        total, repeated = total + len(grams), repeated + len(grams) - len(set(grams))
    return repeated / total if total else None


def greedy(model: Any, ids: list[int], new: int, *, ends: frozenset[int] | None = None) -> Written:
    """The most likely continuation, token by token."""
    return _write(model, ids, new, lambda logits: int(logits.argmax()), ends)


def sampled(model: Any, ids: list[int], new: int, *, seed: int, ends: frozenset[int] | None = None) -> Written:
    """A continuation drawn with a generator of its own on the processor: the same seed means the same draws."""
    generator = torch.Generator().manual_seed(seed)
    entropies: list[float] = []

    def draw(logits: torch.Tensor) -> int:
        logs = torch.log_softmax(logits.float().cpu(), dim=-1)
        entropies.append(float(-(logs.exp() * logs).nan_to_num(0.0).sum()))
        chances = torch.softmax(logs / TEMPERATURE, dim=-1)
        if not bool(torch.isfinite(chances).all()):
            return int(logits.argmax())
        return int(torch.multinomial(chances, 1, generator=generator))

    written = _write(model, ids, new, draw, ends)
    mean = sum(entropies) / len(entropies) if entropies else math.nan
    return Written(
        written.ids,
        written.ended,
        written.first_seconds,
        written.rest_seconds,
        written.rest_cpu_seconds,
        mean if math.isfinite(mean) else None,
    )


def _write(model: Any, ids: list[int], new: int, choose: Any, ends: frozenset[int] | None) -> Written:
    stop = end_tokens(model) if ends is None else ends
    out: list[int] = []
    cache, feed = None, torch.tensor([ids], device=model.device)
    started, first, ended = time.perf_counter(), 0.0, False
    worked = time.process_time()
    with torch.inference_mode():
        for _ in range(new):
            result = model(input_ids=feed, past_key_values=cache, use_cache=True)
            token = choose(result.logits[0, -1])
            out.append(token)
            if not first:
                first, worked = time.perf_counter() - started, time.process_time()
            ended = token in stop
            if ended or time.perf_counter() - started > PROMPT_SECONDS:
                break
            cache, feed = result.past_key_values, torch.tensor([[token]], device=model.device)
    return Written(out, ended, first, time.perf_counter() - started - first, time.process_time() - worked)


def translate(loaded: Any, channel: Channel, measured: dict[str, Any]) -> None:
    """Samples of an encoder with a decoder, greedy; by settings of our own, never those of the checkpoint."""
    from transformers import GenerationConfig

    model, tokenizer = loaded.model, loaded.tokenizer
    told, samples, answers = channel.progress("generate"), [], []
    ends = end_tokens(model, tokenizer)
    first = _first_token(model, tokenizer)
    settings = GenerationConfig(
        max_new_tokens=NEW_TOKENS,
        max_time=PROMPT_SECONDS,
        do_sample=False,
        num_beams=1,
        decoder_start_token_id=first,
        eos_token_id=sorted(ends) or None,
        pad_token_id=min(ends, default=first),
    )
    model.generation_config = settings

    def written(prompt: str) -> list[int]:
        inputs = torch.tensor([list(tokenizer(prompt)["input_ids"])], device=model.device)
        with torch.inference_mode():
            return [int(token) for token in model.generate(inputs, generation_config=settings)[0].tolist()[1:]]

    for done, prompt in enumerate(PROMPTS, 1):
        out = written(prompt)
        answers.append(Written(out, bool(out) and out[-1] in ends))
        samples.append(sample(tokenizer, prompt, answers[-1], "greedy"))
        told(done, len(PROMPTS), f"prompt {done} of {len(PROMPTS)}")
    measured["samples"] = samples
    measured["generation"] = {
        "repeatable": written(PROMPTS[0]) == answers[0].ids,
        "has_end_token": bool(ends),
        "ended_share": sum(w.ended for w in answers) / len(answers),
        "greedy_repetition": repetition(w.ids for w in answers),
    }


def _first_token(model: Any, tokenizer: Any) -> int:
    """The token that the decoder begins with, wherever it is named."""
    for owner in (getattr(model, "generation_config", None), model.config, tokenizer):
        for name in ("decoder_start_token_id", "bos_token_id", "pad_token_id"):
            found = getattr(owner, name, None)
            if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
                return found
    return 0
