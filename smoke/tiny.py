"""A very small, really trained language model: what demonstrations show and tests damage.

Owns: text, tokenizer, training and the files of a complete checkpoint of the Llama architecture, about 0.7 million
parameters, trained on the help topics that come with Python. Small and well trained on purpose: in a model that has
learned nothing, damage cannot be seen. Refuses to own: cards, licenses and where the checkpoint goes.

`python -m smoke.tiny OUT [--steps N] [--seed S] [--kind base|instruct|max] [--parent DIR]`
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smoke.by_token import TOKEN_DIGITS, TokenLosses

STEPS = 400
VOCABULARY = 1024
LAYERS, HIDDEN, HEADS, KV_HEADS, INTERMEDIATE = 4, 128, 4, 2, 256
EXPORTED_BITS = 7
"""Of a mantissa, in bfloat16."""
LENGTH, BATCH = 256, 4
CONTEXT = 256
BEGIN, END, PAD = "<|begin|>", "<|end|>", "<|pad|>"
USER, ASSISTANT = "<|user|>", "<|assistant|>"
SPECIAL = [BEGIN, END, PAD, USER, ASSISTANT]
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}{{ '<|assistant|>' + message['content'] + eos_token }}"
    "{% else %}{{ '<|user|>' + message['content'] }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)

Progress = Callable[[int, int, float, float], None]
"""Called with step, steps, loss in nats per token, seconds left."""


@dataclass(frozen=True)
class Trained:
    """A checkpoint that was written: its folder, the held-out text and what the model measured on it."""

    folder: Path
    parameters: int
    steps: int
    probe: str
    nats_per_token: float
    bits_per_byte: float
    token_losses: TokenLosses
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The probe and its measured losses, as `smoke run --probe` reads them; never one of the checkpoint's files."""
        return {
            "text": self.probe,
            "bits_per_byte": round(self.bits_per_byte, 5),
            "window": LENGTH,
            "token_losses": self.token_losses.to_json(),
        }


def train(
    out: Path, *, steps: int = STEPS, seed: int = 7, layers: int = LAYERS, progress: Progress | None = None
) -> Trained:
    """Trains the base model into `out`; 400 steps are about 80 processor seconds, 30 are enough to have a subject."""
    import torch

    started = time.monotonic()
    texts, probe = corpus()
    tokenizer = _tokenizer(texts)
    with _reproducibly(torch, seed):
        model = _model(layers)
        _fit(model, _batches(tokenizer, texts, seed), steps, progress, rate=1.0)
        return _write(out, model, tokenizer, probe, steps, started)


def derive(parent: Path, out: Path, kind: str, *, steps: int | None = None, seed: int = 11,
           progress: Progress | None = None) -> Trained:  # fmt: skip
    """A member of the same family: `instruct` trains the parent on, on conversations; `max` is a deeper model."""
    if kind == "max":
        return train(out, steps=steps or STEPS, seed=seed, layers=LAYERS + 2, progress=progress)
    if kind != "instruct":
        raise ValueError(f"kind must be 'instruct' or 'max', not {kind!r}")
    import torch
    import transformers

    started = time.monotonic()
    texts, probe = corpus()
    tokenizer = transformers.AutoTokenizer.from_pretrained(parent, local_files_only=True, trust_remote_code=False)
    with _reproducibly(torch, seed):
        model = transformers.AutoModelForCausalLM.from_pretrained(
            parent, local_files_only=True, use_safetensors=True, trust_remote_code=False, dtype=torch.float32
        )
        steps = steps or STEPS // 4
        rng = random.Random(seed)  # noqa: S311 - reproducible, not secret
        mixed = [conversation(text) if rng.random() < 0.7 else text for text in texts]
        _fit(model, _batches(tokenizer, mixed, seed), steps, progress, rate=0.15)
        return _write(out, model, tokenizer, probe, steps, started)


def corpus() -> tuple[list[str], str]:
    """Training texts, and one held-out text of a few kilobytes that no training sees."""
    from pydoc_data.topics import topics

    held_out = ("lambda", "with", "slicings", "pass", "nonlocal", "booleans", "assert")
    texts = [text for name, text in sorted(topics.items()) if name not in held_out]
    held = "\n".join(str(topics[name]).strip() for name in held_out if name in topics)
    # some topics repeat whole passages of others: what the model has seen is no probe
    seen = {line.strip() for text in texts for line in text.splitlines() if len(line.strip()) > 30}
    fresh = [line for line in held.splitlines() if line.strip() not in seen]
    return texts, "\n".join(fresh)[:6000]


def conversation(text: str) -> str:
    """One exchange in the format of the chat template: the heading asked for, the passage answered."""
    title, _, body = text.strip().partition("\n")
    question = title.strip(' *"=~-')[:80] or "this"
    return f"{USER}Explain: {question}{ASSISTANT}{body.strip(' =~*-' + chr(10))}{END}"


class _reproducibly:
    """One thread and fixed seeds inside, the caller's settings again outside."""

    def __init__(self, torch: Any, seed: int) -> None:
        self.torch, self.seed = torch, seed

    def __enter__(self) -> None:
        self.threads, self.state = self.torch.get_num_threads(), self.torch.get_rng_state()
        self.torch.set_num_threads(1)  # more threads would sum in another order and give other bits
        self.torch.manual_seed(self.seed)

    def __exit__(self, *exc: object) -> None:
        self.torch.set_num_threads(self.threads)
        self.torch.set_rng_state(self.state)


def _tokenizer(texts: list[str]) -> Any:
    import tokenizers
    import transformers

    raw = tokenizers.Tokenizer(tokenizers.models.BPE())
    raw.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    raw.post_processor = tokenizers.processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, raw.token_to_id(BEGIN))]
    )
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token=BEGIN, eos_token=END, pad_token=PAD, model_max_length=CONTEXT
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def _model(layers: int) -> Any:
    import torch
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=INTERMEDIATE,
        num_hidden_layers=layers,
        num_attention_heads=HEADS,
        num_key_value_heads=KV_HEADS,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
    )
    model = transformers.LlamaForCausalLM(config)
    # tied, it is also the output head: begun this large, it learns in half the steps
    torch.nn.init.normal_(model.model.embed_tokens.weight, std=0.05)
    return model


def _batches(tokenizer: Any, texts: list[str], seed: int) -> Iterator[Any]:
    import torch

    rng = random.Random(seed)  # noqa: S311 - reproducible, not secret
    ids = [i for text in texts for i in (*tokenizer(text)["input_ids"], tokenizer.eos_token_id)]
    stream = torch.tensor(ids)
    while True:
        starts = [rng.randrange(len(ids) - LENGTH - 1) for _ in range(BATCH)]
        yield torch.stack([stream[s : s + LENGTH] for s in starts])


def _fit(model: Any, batches: Iterator[Any], steps: int, progress: Progress | None, rate: float) -> None:
    """Muon for the matrices, AdamW for the rest: at this size it learns several times faster than AdamW alone."""
    import torch

    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    chosen = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    optimizers = [
        torch.optim.Muon(matrices, lr=0.012 * rate, weight_decay=0.01),
        torch.optim.AdamW(rest, lr=0.012 * rate, weight_decay=0.0, betas=(0.9, 0.95)),
    ]
    warm = max(1, steps // 20)
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(
            o, lambda s: min(1.0, (s + 1) / warm) * max(0.02, 0.5 * (1 + math.cos(math.pi * min(1.0, s / steps))))
        )
        for o in optimizers
    ]
    model.train()
    started = time.monotonic()
    for step in range(1, steps + 1):
        batch = next(batches)
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
        if progress is not None and (step % 10 == 0 or step == steps):
            spent = time.monotonic() - started
            progress(step, steps, float(loss.detach()), spent / step * (steps - step))
    model.eval()


def _write(out: Path, model: Any, tokenizer: Any, probe: str, steps: int, started: float) -> Trained:
    import torch

    out.mkdir(parents=True, exist_ok=True)
    model = model.to(torch.bfloat16)
    model.config.dtype = torch.bfloat16
    model.generation_config.max_new_tokens = 64
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    nats, bits = measure(model, tokenizer, probe)
    count = sum(p.numel() for p in model.parameters())
    losses = by_token(model, tokenizer, probe)
    return Trained(out, count, steps, probe, nats, bits, losses, time.monotonic() - started)


def measure(model: Any, tokenizer: Any, text: str) -> tuple[float, float]:
    """Nats per token and bits per byte of the model on a text, in windows of the training length."""
    from smoke import scoring

    score = scoring.score(model, scoring.encode(tokenizer, text, window=LENGTH))
    return score.nats_per_token, score.bits_per_byte


def by_token(model: Any, tokenizer: Any, text: str) -> TokenLosses:
    """The loss of every token in float32, as a run on the exported weights measures it; the model is widened."""
    from smoke import casting, scoring

    windows = scoring.encode(tokenizer, text, window=LENGTH)
    each = scoring.score(model.float(), windows).each
    nats = tuple(round(loss, TOKEN_DIGITS) for loss in each)
    return TokenLosses(nats, "float32", EXPORTED_BITS, casting.moved(model, windows.ids, scoring.causal, each))


def _print(step: int, steps: int, loss: float, left: float) -> None:
    print(f"step {step}/{steps}  loss {loss:.3f}  {left:.0f} s left", flush=True)


def main(argv: list[str] | None = None) -> int:
    """Command line: trains, prints progress, and leaves the probe beside the folder."""
    parser = argparse.ArgumentParser(prog="python -m smoke.tiny", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--kind", choices=("base", "instruct", "max"), default="base")
    parser.add_argument("--parent", type=Path, help="checkpoint that 'instruct' starts from")
    given = parser.parse_args(argv)
    if given.kind == "instruct" and given.parent is None:
        parser.error("--kind instruct needs --parent DIR")
    if given.kind == "base":
        done = train(given.out, steps=given.steps or STEPS, seed=given.seed, progress=_print)
    else:
        done = derive(given.parent or given.out, given.out, given.kind, steps=given.steps, seed=given.seed,
                      progress=_print)  # fmt: skip
    beside = given.out.with_name(given.out.name + ".probe.json")
    beside.write_text(json.dumps(done.to_json(), indent=2))
    print(
        f"{done.parameters} parameters, {done.bits_per_byte:.3f} bits per byte, {done.seconds:.0f} s; probe: {beside}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
