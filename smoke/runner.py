"""Smoke inference itself: what the confined process does once the doors are closed.

Owns: the order of the stages, taking every measurement, and telling the parent in JSON lines. Refuses to own: judging
the measurements (`smoke.verdict`, in the parent), confinement (`smoke.sandbox`), and time (`smoke.supervise`).
Imports torch when `main` is called, which happens only inside the confined process.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

PROMPTS = (
    "The capital of France is",
    "def add(a, b):\n    return",
    "In the beginning there was",
)
QUESTIONS = ("Explain: lists", "What can you do?")
NEW_TOKENS = 24
SAMPLE_SECONDS = 0.05
TEXT_LIMIT = 2000


class Stop(Exception):
    """The run ends here, with a stable code and a sentence; `outcome` is `fail` or `not_run`."""

    def __init__(self, outcome: str, code: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome, self.code, self.reason = outcome, code, reason


class Channel:
    """The one way out: JSON lines to the parent, progress at most a few times a second."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream, self.last = stream, 0.0

    def send(self, kind: str, **fields: Any) -> None:
        """One line."""
        self.stream.write(json.dumps({"kind": kind, **fields}) + "\n")
        self.stream.flush()

    def progress(self, stage: str) -> Callable[[int, int], None]:
        """A callback that reports this stage, without flooding."""
        self.send("progress", stage=stage, done=0, total=0)

        def told(done: int, total: int) -> None:
            now = time.monotonic()
            if done >= total or now - self.last > 0.25:
                self.last = now
                self.send("progress", stage=stage, done=done, total=total)

        return told


class Memory(threading.Thread):
    """Samples this process's private memory: the peaks that the kernel keeps count mapped weight files as well."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.ended = threading.Event()

    def run(self) -> None:
        """Until told to end."""
        while not self.ended.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, private_bytes())


def private_bytes() -> int:
    """Bytes of anonymous memory that this process holds in RAM."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def main(request: Mapping[str, Any], stream: IO[str]) -> int:
    """Runs every stage and sends the measurements; whatever goes wrong is told, never raised."""
    channel = Channel(stream)
    measured: dict[str, Any] = {}
    memory = Memory()
    memory.start()
    try:
        _run(request, channel, measured)
    except Stop as stop:
        channel.send("stopped", outcome=stop.outcome, code=stop.code, reason=stop.reason, measured=measured)
        return 1
    except MemoryError as error:
        channel.send("stopped", outcome="fail", code="memory", reason=f"Out of memory: {error}", measured=measured)
        return 1
    except Exception as error:
        code, outcome = _named(error)
        text = " ".join(str(error).split())[:500]
        channel.send("stopped", outcome=outcome, code=code, reason=f"{type(error).__name__}: {text}", measured=measured)
        return 1
    finally:
        memory.ended.set()
    measured["memory"] = {
        "peak_bytes": _device_peak(request["torch_device"]) or max(memory.peak, private_bytes()),
        "planned_bytes": request["planned_bytes"],
    }
    channel.send("measured", measured=measured)
    return 0


def _named(error: Exception) -> tuple[str, str]:
    text = str(error).lower()
    if "does not recognize this architecture" in text or "unrecognized configuration class" in text:
        return "unsupported_architecture", "not_run"
    if "unrecognized model" in text or "trust_remote_code" in text:
        return "unsupported_architecture", "not_run"
    if "out of memory" in text or "can't allocate memory" in text or "unable to mmap" in text:
        return "memory", "fail"
    return "does_not_load", "fail"


def _run(request: Mapping[str, Any], channel: Channel, measured: dict[str, Any]) -> None:
    channel.progress("start")
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(int(request["threads"]))
    torch.manual_seed(0)
    random.seed(0)
    channel.send("versions", versions=_versions(torch, transformers))

    from smoke import loading, tensors

    folder = Path(request["folder"])
    measured["static"] = tensors.inspect(
        [folder / name for name in request["weight_files"]], channel.progress("tensors")
    )
    loaded = loading.load(
        folder,
        kind=request["architecture"],
        quantization=request["quantization"],
        device=request["torch_device"],
        dtype=request["dtype"],
        progress=channel.progress("load"),
    )
    measured["keys"] = loaded.keys
    measured["engine"] = {"kernel": loaded.kernel, "dtype": request["dtype"], "device": request["torch_device"]}
    measured["tokenizer"] = tokenizer_facts(loaded)
    measured["vocabulary"] = int(loaded.model.get_input_embeddings().weight.shape[0])
    if loaded.keys["missing_keys"] or loaded.keys["mismatched_keys"]:
        raise Stop("fail", "keys", "Tensors are missing or of another shape, so what would run is not this model.")
    decoder(loaded, request, channel, measured)


def tokenizer_facts(loaded: Any) -> dict[str, Any]:
    """Whether there is a tokenizer, and whether its ids have rows in the embedding."""
    rows = int(loaded.model.get_input_embeddings().weight.shape[0])
    if loaded.tokenizer is None:
        return {"present": False, "error": loaded.tokenizer_error, "embedding_rows": rows}
    ids = [int(i) for i in loaded.tokenizer.get_vocab().values()]
    return {"present": True, "size": len(ids), "largest_id": max(ids, default=-1), "embedding_rows": rows}


def decoder(loaded: Any, request: Mapping[str, Any], channel: Channel, measured: dict[str, Any]) -> None:
    """Language, order, generation and samples of a decoder; without a tokenizer only that its numbers are finite."""
    from smoke import scoring

    model, tokenizer, rng = loaded.model, loaded.tokenizer, random.Random(0)  # noqa: S311 - reproducible
    told = channel.progress("likelihood")
    facts = measured["tokenizer"]
    if not facts["present"] or facts["largest_id"] >= facts["embedding_rows"]:
        ids = [[rng.randrange(measured["vocabulary"]) for _ in range(32)] for _ in range(4)]
        measured["finite"] = scoring.score_ids(model, ids).finite
        return
    probe = request["probe"]
    windows = scoring.encode(tokenizer, probe["text"], window=int(probe["window"]))
    ordered = scoring.score(model, windows)
    told(1, 2)
    mixed = []
    for window in windows.ids:
        tail = list(window[1:])
        rng.shuffle(tail)
        mixed.append((window[0], *tail))
    shuffled = scoring.score_ids(model, mixed)
    told(2, 2)
    measured.update(
        finite=ordered.finite and shuffled.finite,
        bits_per_byte=ordered.bits_per_byte,
        nats_per_token=ordered.nats_per_token,
        mean_entropy=ordered.mean_entropy,
        shuffled_nats=shuffled.nats_per_token,
        probe={
            "declared": bool(probe["declared"]),
            "declared_bits_per_byte": probe.get("bits_per_byte"),
            "digest": hashlib.sha256(f"{probe['window']}\n{probe['text']}".encode()).hexdigest(),
            "window": probe["window"],
            "tokens": windows.scored,
            "bytes": windows.scored_bytes,
            "byte_entropy_bits": windows.byte_entropy_bits,
            "unigram_nats": windows.unigram_nats,
        },
    )
    if measured["finite"]:
        generate(loaded, int(request["context"]), channel, measured)


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
    import torch

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


def _device_peak(name: str) -> int:
    """Most bytes the accelerator held at once; 0 on a processor or where it cannot be asked."""
    if name == "cpu" or "torch" not in sys.modules:
        return 0
    try:
        return int(sys.modules["torch"].accelerator.max_memory_allocated())
    except (AttributeError, RuntimeError):
        return 0


def _versions(torch: Any, transformers: Any) -> dict[str, str]:
    import platform

    import safetensors
    import tokenizers

    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "transformers": str(transformers.__version__),
        "safetensors": str(safetensors.__version__),
        "tokenizers": str(tokenizers.__version__),
    }
