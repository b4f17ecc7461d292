"""What can be known of a checkpoint from its configuration and the headers of its weight files.

Owns: finding the weight files among logical paths, reading bounded headers, the architecture facts that planning needs,
and which files inference is shown. Formats: safetensors, GGUF, and adapters with either as their base.
Refuses to own: tensor values, and judging the files (the `weights` package validates; smoke only needs to know sizes).
Nothing here imports torch, and no path is followed that the caller did not hand in.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from smoke import adapters, packed
from smoke.adapters import Adapter
from smoke.gguf_file import BLOCKS, METADATA_LIMIT, Gguf, GgufError, read_gguf
from smoke.gguf_layouts import LAYOUTS, Placed, config_of, layout_of, place
from smoke.packed import Packed

Source = Path | Mapping[str, Path]

HEADER_LIMIT = 100 << 20
CONFIG_LIMIT = 8 << 20
BYTES = {
    "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2,
    "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip

DECODER, ENCODER, ENCODER_DECODER, OTHER = "decoder", "encoder", "encoder_decoder", "other"
ENCODERS = (
    "albert", "bert", "camembert", "deberta", "deberta-v2", "distilbert", "electra", "ernie", "eurobert", "modernbert",
    "mpnet", "nomic_bert", "roberta", "roberta-prelayernorm", "roformer", "xlm-roberta", "xlm-roberta-xl",
)  # fmt: skip
"""Architectures that only read, whatever head stands on them."""

SAFETENSORS, GGUF = "safetensors", "gguf"

SHOWN = (".safetensors", ".gguf", ".json", ".jinja", ".model", ".txt", ".tiktoken")
"""Files that inference may see. Never code; and an adapter's files stand apart, or the loader would apply them too."""

ADAPTER = ".adapter/"

INDEX = "model.safetensors.index.json"
DESCRIPTIONS = ("config.json", INDEX, adapters.CONFIG)
"""Files that are read before any weight is."""


class CheckpointError(Exception):
    """The folder cannot be planned for; `code` is stable, the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Tensor:
    """One tensor as its header declares it."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: str

    @property
    def count(self) -> int:
        """Number of elements."""
        total = 1
        for size in self.shape:
            total *= size
        return total


@dataclass(frozen=True)
class Checkpoint:
    """Files by logical path, the configuration, and every tensor's header under the model's own names."""

    files: Mapping[str, Path]
    """What inference is shown; an adapter's own files stand in a folder beside those of its base."""
    config: Mapping[str, Any]
    tensors: tuple[Tensor, ...]
    format: str = SAFETENSORS
    gguf: Gguf | None = None
    placed: tuple[Placed, ...] = ()
    """Of a GGUF file: what each tensor is to the model."""
    adapter: Adapter | None = None
    own: tuple[Tensor, ...] = ()
    """The adapter's tensors."""
    scales: Mapping[str, Tensor] = field(default_factory=dict)
    """Of weights stored in eight-bit floats: the tensor with the scales of their blocks, in whichever file it lies."""
    scale_block: tuple[int, int] = (0, 0)
    """Rows and columns that one scale is for; zeros where the shapes tell."""
    packed: Mapping[str, Packed] = field(default_factory=dict)
    """Of weights that stand among the tensors and are stored in words of several: what those are, and how."""
    words: Mapping[str, Tensor] = field(default_factory=dict)
    """The tensors in which these weights are stored."""

    @property
    def weight_files(self) -> list[str]:
        """Logical paths of the weight files that belong to the model, sorted; those of an adapter with its base's."""
        return sorted(
            {tensor.file for tensor in (*self.tensors, *self.own, *self.scales.values(), *self.words.values())}
        )

    @property
    def stored_bytes(self) -> int:
        """Bytes of all weight files on disk."""
        return sum(self.files[name].stat().st_size for name in self.weight_files)

    @property
    def parameters(self) -> int:
        """Number of parameters stored; those of an adapter are not counted, for they are added to its base's."""
        return sum(tensor.count for tensor in self.tensors)

    @property
    def kind(self) -> str:
        """How this model is to be asked: as decoder, encoder, encoder with decoder, or not at all."""
        named = " ".join(str(a) for a in self.config.get("architectures") or ())
        if self.config.get("is_encoder_decoder"):
            return ENCODER_DECODER
        if re.search(r"CausalLM|LMHeadModel", named):
            return DECODER
        if re.search(r"MaskedLM|ForPreTraining|(?:Bert|MPNet|Electra|BertModel|DebertaV?2?)Model\b", named):
            return ENCODER
        if self.config.get("model_type") in ENCODERS and re.search(r"Model\b|For(Sequence|Token)Classification", named):
            return ENCODER
        return OTHER

    @property
    def stored_as(self) -> str:
        """How the weights were rounded before they were stored: `Q4_K`, `fp8`; empty where they were not."""
        settings = self.config.get("quantization_config")
        if isinstance(settings, Mapping):
            return str(settings.get("quant_method") or "quantized")[:40]
        if self.scales:
            return "fp8"
        for one in self.packed.values():
            return f"{one.method}-{one.bits}"
        counts: Counter[str] = Counter()
        for placed in self.placed:
            for part in placed.parts:
                counts[part.type_name if part.type in BLOCKS else ""] += part.size_bytes
        return next((name for name, _ in counts.most_common() if name), "")

    def identity(self) -> str:
        """A digest of the configuration and of every tensor's name, type and shape: which base it was, in a word."""
        headers = sorted((t.name, t.dtype, t.shape) for t in self.tensors)
        text = json.dumps([dict(self.config), headers], sort_keys=True, default=str)
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def open_checkpoint(source: Source, base: Source | None = None) -> Checkpoint:
    """Configuration and headers of a folder, or of a mapping of logical POSIX paths to real files.

    An adapter needs its base: `base`, or a model among its own files.
    """
    files = {name: path for name, path in logical_files(source) if not name.startswith(ADAPTER)}
    if adapters.CONFIG not in files:
        if base is not None:
            raise CheckpointError("not_an_adapter", f"A base was given, but there is no {adapters.CONFIG}.")
        return _open_model(files)
    if base is None:
        own = {name: path for name, path in files.items() if name in (adapters.CONFIG, adapters.WEIGHTS)}
        rest = {name: path for name, path in files.items() if name not in own}
    else:
        own, rest = files, dict(logical_files(base))
        if adapters.CONFIG in rest:
            raise CheckpointError("base_is_an_adapter", "The base is an adapter itself; merge it into its own base.")
    return _put_on(rest, own)


def open_view(folder: Path) -> Checkpoint:
    """The same checkpoint again, from the folder in which inference is shown its files."""
    files = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
    own = {name.removeprefix(ADAPTER): path for name, path in files.items() if name.startswith(ADAPTER)}
    rest = {name: path for name, path in files.items() if not name.startswith(ADAPTER)}
    return _put_on(rest, own) if own else _open_model(rest)


def _open_model(files: Mapping[str, Path]) -> Checkpoint:
    weights = sorted(_weights_in_use(files))
    if not weights and gguf_files(files):
        return _open_gguf(files)
    if "config.json" not in files:
        raise CheckpointError("no_config", "There is no config.json, so the architecture is unknown.")
    config = read_json(files["config.json"], CONFIG_LIMIT)
    tensors: list[Tensor] = []
    for name in weights:
        tensors.extend(read_header(name, files[name]))
    if not tensors:
        pickled = next((n for n in sorted(files) if n.endswith((".bin", ".pt", ".pth", ".ckpt"))), "")
        beside = f" What {pickled} holds could run code when it is read, so it never is." if pickled else ""
        raise CheckpointError("no_weights", f"There are neither safetensors nor GGUF weights at the top.{beside}")
    return _unpacked(_unscaled(Checkpoint(files=_shown(files), config=config, tensors=tuple(tensors))))


def _unpacked(checkpoint: Checkpoint) -> Checkpoint:
    """Takes what GPTQ and AWQ packed for the weights that it stands for: they are unpacked as they are read."""
    settings = checkpoint.config.get("quantization_config")
    if not isinstance(settings, dict) or checkpoint.config.get("model_type") in adapters.FLIPPED:
        return checkpoint
    named = {t.name: t for t in checkpoint.tensors}
    found = packed.find(settings, {t.name: t.shape for t in checkpoint.tensors})
    words = {name: named[name] for one in found.values() for name in one.names}
    if not found:
        return checkpoint
    config = {key: value for key, value in checkpoint.config.items() if key != "quantization_config"}
    whole = [Tensor(name, "F16", one.shape, named[one.words].file) for name, one in found.items()]
    rest = [t for t in checkpoint.tensors if t.name not in words]
    return replace(checkpoint, config=config, tensors=(*rest, *whole), packed=found, words=words)


def _unscaled(checkpoint: Checkpoint) -> Checkpoint:
    """Takes scaled eight-bit floats for the weights that they stand for: they are multiplied out as they are read."""
    settings = checkpoint.config.get("quantization_config")
    if not isinstance(settings, dict) or settings.get("quant_method") != "fp8":
        return checkpoint
    named = {t.name: t for t in checkpoint.tensors}
    narrow = [t.name for t in checkpoint.tensors if t.dtype in ("F8_E4M3", "F8_E5M2")]
    scales = {name: named[scale] for name in narrow if (scale := f"{name}_scale_inv") in named}
    if not narrow or len(scales) < len(narrow):
        return checkpoint
    block = settings.get("weight_block_size")
    sizes = tuple(block) if isinstance(block, list) and [type(n) for n in block] == [int, int] else (0, 0)
    config = {key: value for key, value in checkpoint.config.items() if key != "quantization_config"}
    beside = {scale.name for scale in scales.values()}
    whole = tuple(t for t in checkpoint.tensors if t.name not in beside and not _is_of_activations(t))
    return replace(checkpoint, config=config, tensors=whole, scales=scales, scale_block=(sizes[0], sizes[1]))


def _is_of_activations(tensor: Tensor) -> bool:
    """Scales that only matter where activations are quantized as well."""
    return tensor.name.endswith((".activation_scale", ".input_scale"))


def _open_gguf(files: Mapping[str, Path]) -> Checkpoint:
    names = gguf_files(files)
    try:
        parts = [read_gguf(files[name], name) for name in names]
    except GgufError as error:
        raise CheckpointError("bad_header", str(error)) from error
    gguf = Gguf(parts[0].metadata, {name: tensor for part in parts for name, tensor in part.tensors.items()})
    if len(gguf.tensors) < sum(len(part.tensors) for part in parts):
        raise CheckpointError("bad_header", f"Two parts of {names[0]} declare the same tensor.")
    architecture, layout = layout_of(gguf)
    if layout is None:
        known = ", ".join(sorted(LAYOUTS))
        raise CheckpointError("unsupported_architecture", f"GGUF of {architecture[:60]!r} is not run, only of {known}.")
    try:
        config, placed = config_of(gguf, architecture, layout), tuple(place(gguf, layout))
    except (TypeError, ValueError, ZeroDivisionError, KeyError) as error:
        raise CheckpointError("bad_header", f"{names[0]}: the metadata describe no model. {error}") from error
    if not placed:
        raise CheckpointError("no_weights", f"{names[0]} holds no tensors.")
    tensors = tuple(Tensor(p.name, p.parts[0].type_name, p.shape, p.parts[0].file) for p in placed)
    shown = {name: path for name, path in _shown(files).items() if not name.endswith(".gguf") or name in names}
    return Checkpoint(shown, config, tensors, GGUF, gguf, placed)


def gguf_files(files: Iterable[str]) -> list[str]:
    """The GGUF file to run: the first complete model at the top by name, with all its parts; projectors are none."""
    found = sorted(n for n in files if n.endswith(".gguf") and "/" not in n and "mmproj" not in n.lower())
    if not found:
        return []
    part = re.fullmatch(r"(.*)-\d{5}-of-(\d{5})\.gguf", found[0])
    if part is None:
        return found[:1]
    wanted = [f"{part[1]}-{i:05}-of-{part[2]}.gguf" for i in range(1, int(part[2]) + 1)]
    absent = [name for name in wanted if name not in found]
    if absent:
        raise CheckpointError("missing_shard", f"A part of the model is absent: {absent[0]}")
    return wanted


def _put_on(base_files: Mapping[str, Path], own: Mapping[str, Path]) -> Checkpoint:
    settings = read_json(own[adapters.CONFIG], CONFIG_LIMIT)
    if adapters.WEIGHTS not in own:
        raise CheckpointError("no_weights", f"There is no {adapters.WEIGHTS} beside {adapters.CONFIG}.")
    tensors = read_header(adapters.WEIGHTS, own[adapters.WEIGHTS])
    declared = adapters.declared_base(settings)
    try:
        base = _open_model(base_files)
    except CheckpointError as error:
        if error.code not in ("no_config", "no_weights"):
            raise
        reason = f"This is an adapter of {declared}, and that model is not here: give its folder as the base."
        raise CheckpointError("missing_base", reason) from error
    try:
        shapes = {t.name: t.shape for t in base.tensors}
        kind = str(base.config.get("model_type"))
        adapter = adapters.fit(settings, {t.name: t.shape for t in tensors}, shapes, kind)
    except adapters.AdapterError as error:
        raise CheckpointError(error.code, f"{error} It was made for {declared}.") from error
    beside = {ADAPTER + name: path for name, path in own.items() if name.endswith(SHOWN)}
    moved = tuple(Tensor(t.name, t.dtype, t.shape, ADAPTER + t.file) for t in tensors)
    return replace(base, files={**base.files, **beside}, adapter=adapter, own=moved)


def _shown(files: Mapping[str, Path]) -> dict[str, Path]:
    return {n: p for n, p in files.items() if n.endswith(SHOWN) and n not in (adapters.CONFIG, adapters.WEIGHTS)}


def logical_files(source: Source) -> Iterator[tuple[str, Path]]:
    """Logical path and real file; of a folder, regular files only, links neither followed nor listed."""
    if isinstance(source, Mapping):
        for name, path in source.items():
            pure = PurePosixPath(name)
            if pure.is_absolute() or ".." in pure.parts or not pure.parts or "\\" in name or "\0" in name:
                raise CheckpointError("bad_path", f"Not a path inside a checkpoint: {name!r}")
            yield str(pure), Path(path)
        return
    if not source.is_dir():
        raise CheckpointError("no_folder", f"Not a folder: {source}")
    for path in sorted(source.rglob("*")):
        if not path.is_symlink() and path.is_file():
            yield path.relative_to(source).as_posix(), path


def beginning(name: str, file: BinaryIO) -> bytes:
    """As much of a file as planning reads: all of a description, of weights their header, of anything else nothing.

    A file that goes on with zeros after it, to its own length, is planned for as the whole file is.
    """
    if name.endswith(".safetensors"):
        first = file.read(8)
        length = int.from_bytes(first, "little")
        return first if length > HEADER_LIMIT else first + file.read(length)
    if name.endswith(".gguf"):
        return file.read(METADATA_LIMIT)
    return file.read(HEADER_LIMIT) if name in DESCRIPTIONS else b""


def _weights_in_use(files: Mapping[str, Path]) -> list[str]:
    if "model.safetensors" in files:
        return ["model.safetensors"]
    if INDEX in files:
        index = read_json(files[INDEX], HEADER_LIMIT)
        mapped = index.get("weight_map")
        shards = sorted({str(v) for v in mapped.values()}) if isinstance(mapped, dict) else []
        absent = [shard for shard in shards if shard not in files]
        if absent:
            raise CheckpointError("missing_shard", f"The index names a file that is absent: {absent[0]}")
        return shards
    return []


def read_json(path: Path, limit: int) -> dict[str, Any]:
    """A JSON object from a file of bounded size."""
    if path.stat().st_size > limit:
        raise CheckpointError("too_large", f"{path.name} is larger than {limit} bytes.")
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise CheckpointError("bad_json", f"{path.name} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise CheckpointError("bad_json", f"{path.name} does not hold a JSON object.")
    return value


def read_header(name: str, path: Path) -> list[Tensor]:
    """Tensors that a safetensors file declares; offsets must cover the file as their dtypes and shapes say."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(HEADER_LIMIT, size - 8):
            raise CheckpointError("bad_header", f"{name}: the header does not fit into the file.")
        raw = file.read(length)
    try:
        header = json.loads(raw)
        entries = {key: value for key, value in header.items() if key != "__metadata__"}
        tensors = [_tensor(key, value, name, size - 8 - length) for key, value in entries.items()]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError("bad_header", f"{name}: {error}") from error
    return tensors


def _tensor(key: str, value: Mapping[str, Any], file: str, space: int) -> Tensor:
    shape = tuple(int(size) for size in value["shape"])
    tensor = Tensor(name=key, dtype=str(value["dtype"]), shape=shape, file=file)
    start, end = value["data_offsets"]
    if tensor.dtype not in BYTES:
        raise ValueError(f"tensor {key!r} has the unknown dtype {tensor.dtype!r}")
    if min(shape, default=0) < 0 or not 0 <= start <= end <= space:
        raise ValueError(f"tensor {key!r} lies outside the file")
    if end - start != tensor.count * BYTES[tensor.dtype]:
        raise ValueError(f"tensor {key!r} has {end - start} bytes, its shape needs another number")
    return tensor
