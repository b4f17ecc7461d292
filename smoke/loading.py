"""Loading a checkpoint into the confined process: the model, its tokenizer, and what did not match.

Owns: the arguments that keep transformers from running code, fetching files or unpickling. Refuses to own: the metrics.
Imports torch and transformers: only the confined process imports this module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from smoke import quantize
from smoke.checkpoint import DECODER, ENCODER_DECODER

CLOSED = {"local_files_only": True, "trust_remote_code": False}
HARMLESS = ("rotary_emb.inv_freq", "attn.bias", "attn.masked_bias", "position_ids")
"""Buffers that older exports stored and every loader ignores."""


@dataclass
class Loaded:
    """A model ready to be asked, and what the loader had to say about it."""

    model: Any
    kernel: str
    keys: dict[str, list[str]]
    quantized: int
    """Number of matrices held as integers."""
    tokenizer: Any = None
    tokenizer_error: str = ""


def load(
    folder: Path, *, kind: str, quantization: str, device: str, dtype: str, progress: Callable[[int, int], None]
) -> Loaded:
    """The model at this precision on this device. Raises what transformers raises; the caller names it."""
    wanted = getattr(torch, dtype)
    bits = quantize.BITS.get(quantization)
    arguments: dict[str, Any] = {"dtype": wanted, "use_safetensors": True, "device_map": {"": device}, **CLOSED}
    arguments["ignore_mismatched_sizes"] = True  # reported below instead of ending the run
    if bits:
        arguments["quantization_config"] = quantize.Config(bits=bits)
    with _Bar(progress):
        model, found = auto_class(kind, folder).from_pretrained(folder, output_loading_info=True, **arguments)
    model.eval()
    kernel = quantize.use_kernel(model, device, wanted, bits) if bits else "torch"
    quantizer = getattr(model, "hf_quantizer", None)
    count = sum(isinstance(module, quantize.QuantizedLinear) for module in model.modules())
    loaded = Loaded(model, kernel, _keys(found, getattr(quantizer, "mismatched", [])), count)
    try:
        loaded.tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **CLOSED)
    except Exception as error:  # whatever a hostile or absent tokenizer file provokes, it is a finding, not a crash
        loaded.tokenizer_error = f"The tokenizer does not load: {type(error).__name__}: {str(error)[:300]}"
    return loaded


def auto_class(kind: str, folder: Path) -> Any:
    """The loader for this kind of model; an encoder keeps its head for masked words where it has one."""
    if kind == DECODER:
        return transformers.AutoModelForCausalLM
    if kind == ENCODER_DECODER:
        return transformers.AutoModelForSeq2SeqLM
    config = transformers.AutoConfig.from_pretrained(folder, **CLOSED)
    has_head = any(str(name).endswith("ForMaskedLM") for name in config.architectures or ())
    return transformers.AutoModelForMaskedLM if has_head else transformers.AutoModel


def _keys(found: dict[str, Any], quantized: list[str]) -> dict[str, list[str]]:
    mismatched = [*quantized]
    mismatched += [f"{k[0]} {tuple(k[1])} for {tuple(k[2])}" if isinstance(k, tuple) else str(k)
                  for k in found.get("mismatched_keys", ())]  # fmt: skip
    unexpected = [k for k in found.get("unexpected_keys", ()) if not str(k).endswith(HARMLESS)]
    return {
        "missing_keys": sorted(str(k) for k in found.get("missing_keys", ())),
        "unexpected_keys": sorted(str(k) for k in unexpected),
        "mismatched_keys": sorted(mismatched),
    }


class _Bar:
    """Turns the loader's progress bar into calls of our own, for as long as it is open."""

    def __init__(self, progress: Callable[[int, int], None]) -> None:
        self.progress = progress

    def __enter__(self) -> None:
        from transformers import core_model_loading

        progress = self.progress
        self.module: Any = core_model_loading
        self.before = getattr(core_model_loading, "tqdm", None)

        def told(items: Any, **_: Any) -> Any:
            total = len(items)
            for done, item in enumerate(items, 1):
                yield item
                progress(done, total)

        if self.before is not None:
            self.module.tqdm = told

    def __exit__(self, *exc: object) -> None:
        if self.before is not None:
            self.module.tqdm = self.before
