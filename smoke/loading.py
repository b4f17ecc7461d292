"""Loading a checkpoint into the confined process: the model, its tokenizer, and what did not match.

Owns: the arguments that keep transformers from running code, fetching files or unpickling. Refuses to own: the metrics.
Imports torch and transformers: only the confined process imports this module.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from smoke import gguf_values, quantize, stored
from smoke.checkpoint import ADAPTER, DECODER, ENCODER_DECODER, GGUF, Checkpoint, gguf_files, open_view
from smoke.demand import BF16, INT8
from smoke.engines import NATIVE, TORCHAO

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
    """Number of modules that hold integers."""
    tokenizer: Any = None
    tokenizer_error: str = ""


def load(
    folder: Path,
    *,
    kind: str,
    quantization: str,
    device: str,
    dtype: str,
    progress: Callable[..., None],
    backend: str = NATIVE,
) -> Loaded:
    """The model at this precision on this device. Raises what transformers raises; the caller names it."""
    checkpoint = open_view(folder)
    wanted = getattr(torch, dtype)
    bits = quantize.BITS.get(quantization) if backend == NATIVE else None
    arguments: dict[str, Any] = {"dtype": wanted, "use_safetensors": True, "device_map": {"": device}, **CLOSED}
    arguments["ignore_mismatched_sizes"] = True  # reported below instead of ending the run
    if bits:
        arguments["quantization_config"] = quantize.Config(bits=bits)
    elif backend != NATIVE:
        arguments["quantization_config"] = other_quantizer(backend, quantization)
    place: Path | None = folder
    loader = auto_class(kind, checkpoint)
    if checkpoint.format == GGUF or checkpoint.adapter is not None or checkpoint.scales or checkpoint.packed:
        # these are not what is on the disk: they are handed over, each tensor made when its turn comes
        config = configuration(checkpoint, folder)
        arguments |= {"state_dict": stored.tensors(checkpoint, folder, wanted), "config": config}
        place, loader = None, model_class(loader, config)
    with _Bar(progress, checkpoint):
        model, found = loader.from_pretrained(place, output_loading_info=True, **arguments)
    model.eval()
    factors = stored.rope_factors(checkpoint, folder)
    if factors is not None and checkpoint.gguf is not None:
        gguf_values.scale_positions(model, checkpoint.gguf, factors)
    plain = "torch" if backend == NATIVE else backend
    kernel = quantize.use_kernel(model, device, wanted, bits) if bits else plain
    quantizer = getattr(model, "hf_quantizer", None)
    count = sum(quantize.is_quantized(module) for module in model.modules())
    loaded = Loaded(model, kernel, _keys(found, getattr(quantizer, "mismatched", [])), count)
    try:
        loaded.tokenizer = tokenizer(checkpoint, folder)
    except Exception as error:  # whatever a hostile or absent tokenizer file provokes, it is a finding, not a crash
        loaded.tokenizer_error = f"The tokenizer does not load: {type(error).__name__}: {str(error)[:300]}"
    return loaded


def unrounded(loaded: Loaded, request: Mapping[str, Any], progress: Callable[..., None] = lambda *_: None) -> None:
    """Loads the model a second time, as it is stored, in place of the quantized one, which is gone before that."""
    loaded.model = None
    gc.collect()
    loaded.model = load(
        Path(request["folder"]),
        kind=request["architecture"],
        quantization=BF16,
        device=request["torch_device"],
        dtype=request["dtype"],
        progress=progress,
    ).model


def other_quantizer(backend: str, quantization: str) -> Any:
    """The settings by which transformers lets another library hold the weights; it imports that library."""
    if backend == TORCHAO:
        from torchao.quantization import Int8DynamicActivationInt8WeightConfig

        return transformers.TorchAoConfig(Int8DynamicActivationInt8WeightConfig())
    if quantization == INT8:
        return transformers.BitsAndBytesConfig(load_in_8bit=True)
    return transformers.BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")


def model_class(auto: Any, config: Any) -> Any:
    """The class that this loader would choose; it cannot be asked to load without a folder itself."""
    if type(config) not in auto._model_mapping:
        raise ValueError(f"Unrecognized configuration class {type(config).__name__} for {auto.__name__}.")
    found = auto._model_mapping[type(config)]
    return found[0] if isinstance(found, (list, tuple)) else found


def configuration(checkpoint: Checkpoint, folder: Path) -> Any:
    """The configuration object: of a GGUF file from its metadata, else from config.json."""
    if checkpoint.format == GGUF:
        given = dict(checkpoint.config)
        return transformers.AutoConfig.for_model(given.pop("model_type"), **given)
    config = transformers.AutoConfig.from_pretrained(folder, **CLOSED)
    if (checkpoint.scales or checkpoint.packed) and hasattr(config, "quantization_config"):
        del config.quantization_config
    return config


def tokenizer(checkpoint: Checkpoint, folder: Path) -> Any:
    """The adapter's own tokenizer where it has one, else that of the model; a GGUF file carries its own."""
    beside = folder / ADAPTER
    if any(name.startswith(ADAPTER + "tokenizer") for name in checkpoint.files):
        return transformers.AutoTokenizer.from_pretrained(beside, config=configuration(checkpoint, folder), **CLOSED)
    if checkpoint.format == GGUF:
        # of several parts the first holds the metadata, and perhaps no tensor at all
        return gguf_values.tokenizer(folder / gguf_files(checkpoint.files)[0])
    return transformers.AutoTokenizer.from_pretrained(folder, **CLOSED)


def auto_class(kind: str, checkpoint: Checkpoint) -> Any:
    """The loader for this kind of model; an encoder keeps the head that it was stored with."""
    if kind == DECODER:
        return transformers.AutoModelForCausalLM
    if kind == ENCODER_DECODER:
        return transformers.AutoModelForSeq2SeqLM
    named = " ".join(str(name) for name in checkpoint.config.get("architectures") or ())
    heads = {
        "ForMaskedLM": transformers.AutoModelForMaskedLM,
        "ForSequenceClassification": transformers.AutoModelForSequenceClassification,
        "ForTokenClassification": transformers.AutoModelForTokenClassification,
    }
    return next((loader for head, loader in heads.items() if head in named), transformers.AutoModel)


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

    def __init__(self, progress: Callable[..., None], checkpoint: Checkpoint) -> None:
        self.progress = progress
        shards = checkpoint.weight_files
        self.shards = len(shards)
        self.shard_of = {tensor.name: shards.index(tensor.file) for tensor in checkpoint.tensors}
        self.left = [sum(shard == k for shard in self.shard_of.values()) for k in range(self.shards)]

    def __enter__(self) -> None:
        from transformers import core_model_loading

        self.module: Any = core_model_loading
        self.before = getattr(core_model_loading, "tqdm", None)

        def told(items: Any, **_: Any) -> Any:
            total = len(items)
            for done, item in enumerate(items, 1):
                yield item
                self.progress(done, total, self.shard(item[1]))

        if self.before is not None:
            self.module.tqdm = told

    def shard(self, mapping: Any) -> str:
        """Which file is being worked through: tensors come in the order of their names, not of the files."""
        for names in mapping.layer_targets.values():
            for name in names:
                if name in self.shard_of:
                    self.left[self.shard_of.pop(name)] -= 1
        through = sum(not left for left in self.left)
        return f"shard {min(through + 1, self.shards)} of {self.shards}"

    def __exit__(self, *exc: object) -> None:
        if self.before is not None:
            self.module.tqdm = self.before
