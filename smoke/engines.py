"""Quantizers besides our own, and the libraries that checkpoints need which are stored quantized.

Owns: what each of them can do, and the refusals where it is not installed or cannot do what is asked. Refuses to own:
calling them (`smoke.loading`). Nothing here imports them: whether they are installed is looked up without that.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

from smoke.checkpoint import Checkpoint

NATIVE, TORCHAO, BITSANDBYTES = "native", "torchao", "bitsandbytes"
BACKENDS = (NATIVE, TORCHAO, BITSANDBYTES)
PRECISIONS: Mapping[str, tuple[str, ...]] = {
    NATIVE: ("int8", "int4", "bf16"),
    TORCHAO: ("int8",),
    BITSANDBYTES: ("int8", "int4"),
}
LIBRARIES = {
    "bitsandbytes": ("bitsandbytes",),
    "torchao": ("torchao",),
    "gptq": ("gptqmodel", "optimum"),
    "awq": ("gptqmodel",),
    "compressed-tensors": ("compressed_tensors",),
    "hqq": ("hqq",),
    "quanto": ("optimum",),
}
"""Modules that transformers needs for each way of storing, by the name that the configuration gives it."""


def is_installed(module: str) -> bool:
    """Whether a library is there, without importing it."""
    return importlib.util.find_spec(module) is not None


def installed() -> list[str]:
    """The quantizers that can be chosen here."""
    return [name for name in BACKENDS if name == NATIVE or is_installed(name)]


def engine_refusal(backend: str, quantization: str | None) -> tuple[str, str] | None:
    """Why this quantizer cannot be used here for this precision; None where it can."""
    if backend not in BACKENDS:
        return "unknown_backend", f"There is no quantizer {backend[:40]!r}: {', '.join(BACKENDS)}."
    if backend != NATIVE and not is_installed(backend):
        return "backend_not_installed", f"{backend} is not installed here: pip install -r requirements-quantizers.txt."
    if quantization is not None and quantization not in PRECISIONS[backend]:
        possible = ", ".join(PRECISIONS[backend])
        return "backend_unsuitable", f"{backend} is not used for {quantization} here, only for {possible}."
    return None


def storing_method(checkpoint: Checkpoint) -> str:
    """By which method the weights are stored quantized, as the configuration says; empty where it does not say."""
    settings = checkpoint.config.get("quantization_config")
    if not isinstance(settings, Mapping):
        return ""
    old = BITSANDBYTES if settings.get("load_in_8bit") or settings.get("load_in_4bit") else ""
    return str(settings.get("quant_method") or old)[:40]


def stored_refusal(checkpoint: Checkpoint, quantization: str | None, backend: str) -> tuple[str, str] | None:
    """Why a checkpoint that is stored quantized cannot be run as it is stored; None where it can."""
    method = storing_method(checkpoint)
    if quantization is not None or backend != NATIVE:
        reason = f"The checkpoint is stored quantized by {method or 'an unnamed method'} and runs as it is stored only."
        return "already_quantized", reason
    needed = LIBRARIES.get(method)
    if needed is None:
        return "already_quantized", f"The weights are stored quantized by {method!r}, which is not run here."
    absent = [name for name in needed if not is_installed(name)]
    if absent:
        reason = f"The weights are stored quantized by {method}: running them needs {' and '.join(absent)} installed."
        return "already_quantized", reason
    return None
