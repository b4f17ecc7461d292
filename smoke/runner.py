"""Smoke inference itself: what the confined process does once the doors are closed.

Owns: the order of the stages, taking every measurement, and telling the parent in JSON lines. Refuses to own: judging
the measurements (`smoke.verdict`, in the parent), confinement (`smoke.sandbox`), and time (`smoke.supervise`).
Imports torch when `main` is called, which happens only inside the confined process.
"""

from __future__ import annotations

import gc
import random
import re
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from smoke.channel import Channel

SAMPLE_SECONDS = 0.05


class Stop(Exception):
    """The run ends here, with a stable code and a sentence; `outcome` is `fail` or `not_run`."""

    def __init__(self, outcome: str, code: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome, self.code, self.reason = outcome, code, reason


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
    measured: dict[str, Any] = {"stages": channel.stages}
    memory = Memory()
    memory.start()
    try:
        _run(request, channel, measured, memory)
    except Stop as stop:
        channel.send("stopped", outcome=stop.outcome, code=stop.code, reason=stop.reason, measured=measured)
        return 1
    except MemoryError as error:
        channel.send("stopped", outcome="fail", code="memory", reason=f"Out of memory: {error}", measured=measured)
        return 1
    except Exception as error:
        code, outcome, reason = _named(error)
        channel.send("stopped", outcome=outcome, code=code, reason=reason, measured=measured)
        return 1
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what Rust libraries raise; it asks not to be caught by chance
            raise
        text = " ".join(str(error).split())[:500]
        channel.send("stopped", outcome="fail", code="panic", reason=f"A library gave up: {text}", measured=measured)
        return 1
    finally:
        memory.ended.set()
    channel.send("measured", measured=measured | {"stages": channel.spent()})
    return 0


def _named(error: Exception) -> tuple[str, str, str]:
    """Code, outcome and sentence of what a loader or the model raised."""
    said = " ".join(str(error).split())
    text, reason = said.lower(), f"{type(error).__name__}: {said[:500]}"
    if "does not recognize this architecture" in text or "unrecognized configuration class" in text:
        return "unsupported_architecture", "not_run", reason
    if "unrecognized model" in text or "trust_remote_code" in text:
        return "unsupported_architecture", "not_run", reason
    if isinstance(error, ImportError) and "kernels" in text:
        reason = "The configuration names kernels of a hub: code from elsewhere, which is never fetched or run."
        return "remote_code", "not_run", reason
    if "out of memory" in text or "can't allocate memory" in text or "unable to mmap" in text:
        return "memory", "fail", reason
    return "does_not_load", "fail", reason


def _run(request: Mapping[str, Any], channel: Channel, measured: dict[str, Any], memory: Memory) -> None:
    channel.progress("start")
    gc.disable()  # thousands of modules make no garbage: looking for it would take a quarter of their import
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(int(request["threads"]))
    torch.manual_seed(0)
    random.seed(0)
    channel.send("versions", versions=_versions(torch, transformers, request["torch_device"]))

    from smoke import closer, coherence, decoding, encoding, loading, repeat, tensors
    from smoke.checkpoint import DECODER, ENCODER, ENCODER_DECODER, open_view

    gc.freeze()
    gc.enable()
    folder = Path(request["folder"])
    is_first = int(request.get("start", 1)) == 1
    if is_first:
        measured["static"] = tensors.inspect(open_view(folder), folder, channel.progress("tensors"))
    loaded = loading.load(
        folder,
        kind=request["architecture"],
        quantization=request["quantization"],
        backend=str(request.get("backend", "native")),
        device=request["torch_device"],
        dtype=request["dtype"],
        progress=channel.progress("load"),
    )
    measured["architecture"] = request["architecture"]
    measured["keys"] = loaded.keys
    measured["engine"] = {
        "kernel": loaded.kernel,
        "quantized_modules": loaded.quantized,
        "dtype": request["dtype"],
        "device": request["torch_device"],
    }
    measured["tokenizer"] = tokenizer_facts(loaded)
    measured["vocabulary"] = int(loaded.model.get_input_embeddings().weight.shape[0])
    measured["coherence"] = coherence.of(loaded, measured)
    if loaded.keys["missing_keys"] or loaded.keys["mismatched_keys"]:
        raise Stop("fail", "keys", "Tensors are missing or of another shape, so what would run is not this model.")
    channel.progress("repeat")
    measured["repeat"] = repeat.measure(loaded, request, measured)
    if not is_first:  # a later start only shows that it gives the same again
        measured["memory"] = _memory(request, memory)
        return
    ask = {DECODER: decoding.decoder, ENCODER: encoding.encoder, ENCODER_DECODER: decoding.translator}
    ask[request["architecture"]](loaded, request, channel, measured)
    measured["memory"] = _memory(request, memory)
    if request["agreement"] and loaded.tokenizer is not None and measured.get("finite"):
        decoding.agreement(loaded, request, channel, measured)
    if loaded.tokenizer is not None and measured.get("finite"):
        closer.look(loaded, request, channel, measured)


def tokenizer_facts(loaded: Any) -> dict[str, Any]:
    """Whether there is a tokenizer, and whether its ids have rows in the embedding."""
    rows = int(loaded.model.get_input_embeddings().weight.shape[0])
    if loaded.tokenizer is None:
        return {"present": False, "error": loaded.tokenizer_error, "embedding_rows": rows}
    ids = [int(i) for i in loaded.tokenizer.get_vocab().values()]
    return {"present": True, "size": len(ids), "largest_id": max(ids, default=-1), "embedding_rows": rows}


def _memory(request: Mapping[str, Any], memory: Memory) -> dict[str, int]:
    host, device = max(memory.peak, private_bytes()), _device_peak(request["torch_device"])
    return {
        "peak_bytes": device or host,
        "planned_bytes": request["planned_bytes"],
        "host_peak_bytes": host,
        "device_peak_bytes": device,
    }


def _device_peak(name: str) -> int:
    """Most bytes the accelerator held at once; 0 on a processor or where it cannot be asked."""
    if name == "cpu" or "torch" not in sys.modules:
        return 0
    try:
        return int(sys.modules["torch"].accelerator.max_memory_allocated())
    except (AttributeError, RuntimeError):
        return 0


def driver_of(torch: Any, device: str) -> str:
    """What stands between torch and the device: the runtime it was built for and the driver; none on a processor."""
    kind = device.partition(":")[0]
    runtimes = {"cuda": ("hip", "cuda"), "xpu": ("xpu",)}.get(kind, ())
    found = [f"{name} {v}" for name in runtimes if (v := getattr(torch.version, name, None))][:1]
    try:
        told = re.search(r"Kernel Module(?: for \S+)?\s+(\d\S*)", Path("/proc/driver/nvidia/version").read_text())
    except OSError:
        told = None
    found += [f"nvidia {told[1]}"] if told and kind == "cuda" else []
    return ", ".join(found) or ("none" if kind == "cpu" else "unknown")


def _versions(torch: Any, transformers: Any, device: str) -> dict[str, str]:
    import platform

    import safetensors
    import tokenizers

    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "transformers": str(transformers.__version__),
        "driver": driver_of(torch, device),
        "safetensors": str(safetensors.__version__),
        "tokenizers": str(tokenizers.__version__),
    }
