"""Small models of several layouts, really trained, kept below `var/bench` so that no bench trains the same one twice.

`python tests/bench/smoke_models.py [NAME ...]` trains what is missing: 40 to 120 processor seconds each.

Three domains: Python's help topics, the source of its standard library, and the licenses that Debian keeps. The texts
that smoke inference knows by itself hold something like the first two and nothing like the third.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from smoke import tiny

KEPT = Path(__file__).resolve().parents[2] / "var" / "bench" / "smoke-models"
LICENSES = Path("/usr/share/common-licenses")


@dataclass(frozen=True)
class Recipe:
    """What a model is made of; its digest names the folder."""

    layout: str
    seed: int
    domain: str = "topics"
    steps: int = 400
    layers: int = 4
    hidden: int = 128
    optimizer: str = "muon"

    @property
    def name(self) -> str:
        """Readable, and different for every recipe."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:8]
        return f"{self.layout}-{self.seed}-{digest}"

    @property
    def folder(self) -> Path:
        """Where the trained model is kept."""
        return KEPT / self.name

    @property
    def probe(self) -> Path:
        """Its held-out text and the loss measured at export."""
        return KEPT / f"{self.name}.probe.json"


TUNED = tuple(
    Recipe(*r)
    for r in (
        ("llama-tied", 7), ("llama-untied", 1), ("qwen3", 1), ("gpt2", 1), ("gemma2", 1), ("neox", 1, "source"),
        ("t5", 1),
    )
)  # fmt: skip
"""The models that thresholds may be chosen on."""

UNSEEN = tuple(
    Recipe(*r)
    for r in (
        ("llama-tied", 3, "source", 300, 6), ("llama-untied", 2, "topics", 500, 3), ("qwen3", 2, "source"),
        ("gpt2", 2, "topics", 400, 5), ("gemma2", 2), ("neox", 2), ("t5", 2),
        ("llama-tied", 5, "topics", 400, 4, 128, "adamw"), ("gpt2", 3, "licenses", 400, 4, 128, "adamw"),
        ("llama-tied", 9, "licenses"),
    )
)  # fmt: skip
"""The models that thresholds are tried on once they are chosen."""


def texts(domain: str) -> tuple[list[str], str]:
    """Training texts and one held-out text of a domain."""
    if domain == "topics":
        return tiny.corpus()
    if domain == "licenses":
        found = [p.read_text(encoding="utf-8", errors="replace") for p in sorted(LICENSES.iterdir()) if p.is_file()]
        seen = {line.strip() for text in found[1:] for line in text.splitlines()}
        fresh = [line for line in found[0].splitlines() if line.strip() not in seen]
        return found[1:], "\n".join(fresh)[:6000]
    root = Path(sysconfig.get_paths()["stdlib"])
    files = sorted(
        p for folder in ("asyncio", "email", "json", "logging", "unittest", "http", "urllib", "xml", "importlib")
        for p in (root / folder).rglob("*.py") if 2000 < p.stat().st_size < 60000
    )  # fmt: skip
    rng = random.Random(0)
    rng.shuffle(files)
    held, kept = files[:6], files[6:]
    seen = {line for p in kept for line in p.read_text(encoding="utf-8").splitlines() if len(line.strip()) > 30}
    fresh = [line for p in held for line in p.read_text(encoding="utf-8").splitlines()[20:] if line not in seen]
    return [p.read_text(encoding="utf-8") for p in kept], "\n".join(fresh)[:6000]


def _common(recipe: Recipe, vocabulary: int) -> dict[str, Any]:
    return {
        "vocab_size": vocabulary, "hidden_size": recipe.hidden, "num_hidden_layers": recipe.layers,
        "num_attention_heads": 4, "max_position_embeddings": tiny.CONTEXT, "bos_token_id": 0, "eos_token_id": 1,
        "pad_token_id": 2,
    }  # fmt: skip


def model(recipe: Recipe, vocabulary: int) -> Any:
    """An untrained model of this layout."""
    import torch
    import transformers as tf

    common, wide = _common(recipe, vocabulary), recipe.hidden * 2
    if recipe.layout in ("llama-tied", "llama-untied"):
        tied = recipe.layout == "llama-tied"
        made = tf.LlamaForCausalLM(
            tf.LlamaConfig(**common, intermediate_size=wide, num_key_value_heads=2, tie_word_embeddings=tied)
        )
    elif recipe.layout == "qwen3":
        made = tf.Qwen3ForCausalLM(
            tf.Qwen3Config(
                **common, intermediate_size=wide, num_key_value_heads=2, head_dim=32, tie_word_embeddings=True
            )
        )
    elif recipe.layout == "gemma2":
        made = tf.Gemma2ForCausalLM(
            tf.Gemma2Config(
                **common,
                intermediate_size=wide,
                num_key_value_heads=2,
                head_dim=32,
                query_pre_attn_scalar=32,
                sliding_window=128,
                attn_implementation="eager",
            )
        )
    elif recipe.layout == "neox":
        made = tf.GPTNeoXForCausalLM(
            tf.GPTNeoXConfig(**common, intermediate_size=4 * recipe.hidden, tie_word_embeddings=False)
        )
    elif recipe.layout == "gpt2":
        made = tf.GPT2LMHeadModel(
            tf.GPT2Config(
                vocab_size=vocabulary,
                n_embd=recipe.hidden,
                n_layer=recipe.layers,
                n_head=4,
                n_positions=tiny.CONTEXT,
                bos_token_id=0,
                eos_token_id=1,
                pad_token_id=2,
                resid_pdrop=0.0,
                embd_pdrop=0.0,
                attn_pdrop=0.0,
            )
        )
    elif recipe.layout == "t5":
        made = tf.T5ForConditionalGeneration(
            tf.T5Config(
                vocab_size=vocabulary,
                d_model=recipe.hidden,
                d_kv=32,
                d_ff=wide,
                num_layers=recipe.layers - 1,
                num_heads=4,
                dropout_rate=0.0,
                feed_forward_proj="gated-gelu",
                pad_token_id=2,
                eos_token_id=1,
                decoder_start_token_id=2,
            )
        )
    else:
        raise ValueError(recipe.layout)
    if made.config.tie_word_embeddings and recipe.layout != "t5":
        torch.nn.init.normal_(made.get_input_embeddings().weight, std=0.05)
    return made


def loss_of(recipe: Recipe) -> Callable[[Any, Any], Any]:
    """What this layout is trained for: the next token, or the second half of a window."""

    def t5(made: Any, batch: Any) -> Any:
        # of any length, as the windows of a probe are
        half = random.randrange(24, batch.shape[1] // 2 + 1)
        return made(input_ids=batch[:, :half], labels=batch[:, half : 2 * half].contiguous()).loss

    def decoder(made: Any, batch: Any) -> Any:
        return made(input_ids=batch, labels=batch).loss

    return t5 if recipe.layout == "t5" else decoder


def train(recipe: Recipe, say: Callable[[str], None] = print) -> Path:
    """The folder of this model, trained if it is not there yet."""
    import torch

    if (recipe.folder / "model.safetensors").exists() and recipe.probe.exists():
        return recipe.folder
    started = time.monotonic()
    training, probe = texts(recipe.domain)
    with tiny._reproducibly(torch, recipe.seed):
        random.seed(recipe.seed)
        tokenizer = tiny._tokenizer(training)
        made = model(recipe, len(tokenizer))
        fit(recipe, made, tiny._batches(tokenizer, training, recipe.seed), loss_of(recipe), say)
        made = made.eval().to(torch.bfloat16)
        made.config.dtype = torch.bfloat16
        recipe.folder.mkdir(parents=True, exist_ok=True)
        made.save_pretrained(recipe.folder)
        tokenizer.save_pretrained(recipe.folder)
    declared: dict[str, Any] = {"text": probe, "window": tiny.LENGTH}
    if recipe.layout != "t5":
        declared["bits_per_byte"] = tiny.measure(made, tokenizer, probe)[1]
    recipe.probe.write_text(json.dumps(declared))
    count = sum(p.numel() for p in made.parameters())
    say(f"{recipe.name}: {count} parameters, {declared.get('bits_per_byte')} bits, {time.monotonic() - started:.0f} s")
    return recipe.folder


def fit(recipe: Recipe, made: Any, batches: Iterator[Any], loss_of: Callable[[Any, Any], Any],
        say: Callable[[str], None]) -> None:  # fmt: skip
    """As the demonstration model is fitted, or by AdamW alone."""
    import math

    import torch

    inner = {
        id(m.weight) for n, m in made.named_modules()
        if hasattr(m, "weight") and m.weight is not None and m.weight.ndim == 2
        and not isinstance(m, torch.nn.Embedding) and "head" not in n and "embed_out" not in n and n[-7:] != "decoder"
    }  # fmt: skip
    matrices = [p for p in made.parameters() if id(p) in inner]
    rest = [p for p in made.parameters() if id(p) not in inner]
    if recipe.optimizer == "adamw":
        optimizers = [torch.optim.AdamW(made.parameters(), lr=0.003, weight_decay=0.05, betas=(0.9, 0.95))]
    else:
        optimizers = [
            torch.optim.Muon(matrices, lr=0.012, weight_decay=0.01),
            torch.optim.AdamW(rest, lr=0.012 if recipe.layout != "t5" else 0.006, weight_decay=0.0, betas=(0.9, 0.95)),
        ]
    steps, warm = recipe.steps, max(1, recipe.steps // 20)
    made.train()
    losses = []
    for step in range(steps):
        share = min(1.0, (step + 1) / warm) * max(0.02, 0.5 * (1 + math.cos(math.pi * step / steps)))
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group.setdefault("peak", group["lr"])
                group["lr"] = group["peak"] * share
        loss = loss_of(made, next(batches))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(made.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        losses.append(float(loss.detach()))
        if (step + 1) % 100 == 0:
            say(f"{recipe.name} {step + 1}/{steps} {sum(losses[-50:]) / 50:.3f}")


def main() -> None:
    """Trains the models whose name begins as given, or all of them, those that are there already left alone."""
    wanted = tuple(sys.argv[1:])
    for recipe in (*TUNED, *UNSEEN):
        if not wanted or recipe.name.startswith(wanted):
            train(recipe, lambda text: print(text, flush=True))


if __name__ == "__main__":
    main()
