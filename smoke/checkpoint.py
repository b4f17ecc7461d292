"""What can be known of a checkpoint from its configuration and the headers of its weight files.

Owns: finding the weight files among logical paths, reading bounded headers, the architecture facts that planning needs.
Refuses to own: tensor values, and judging the files (the `weights` package validates; smoke only needs to know sizes).
Nothing here imports torch, and no path is followed that the caller did not hand in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

HEADER_LIMIT = 100 << 20
CONFIG_LIMIT = 8 << 20
BYTES = {
    "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2,
    "F8_E4M3": 1, "F8_E5M2": 1, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip

DECODER, ENCODER, ENCODER_DECODER, OTHER = "decoder", "encoder", "encoder_decoder", "other"


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
    """Files by logical path, the configuration, and every tensor's header."""

    files: Mapping[str, Path]
    config: Mapping[str, Any]
    tensors: tuple[Tensor, ...]

    @property
    def weight_files(self) -> list[str]:
        """Logical paths of the weight files that belong to the model, sorted."""
        return sorted({tensor.file for tensor in self.tensors})

    @property
    def stored_bytes(self) -> int:
        """Bytes of all weight files on disk."""
        return sum(self.files[name].stat().st_size for name in self.weight_files)

    @property
    def parameters(self) -> int:
        """Number of parameters stored."""
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
        return OTHER


def open_checkpoint(source: Path | Mapping[str, Path]) -> Checkpoint:
    """Configuration and headers of a folder, or of a mapping of logical POSIX paths to real files."""
    files = dict(logical_files(source))
    if "config.json" not in files:
        raise CheckpointError("no_config", "There is no config.json, so the architecture is unknown.")
    config = read_json(files["config.json"], CONFIG_LIMIT)
    tensors: list[Tensor] = []
    for name in sorted(_weights_in_use(files)):
        tensors.extend(read_header(name, files[name]))
    if not tensors:
        raise CheckpointError("no_weights", "There are no safetensors weights at the top of the checkpoint.")
    return Checkpoint(files=files, config=config, tensors=tuple(tensors))


def logical_files(source: Path | Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
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


def _weights_in_use(files: Mapping[str, Path]) -> list[str]:
    if "model.safetensors" in files:
        return ["model.safetensors"]
    if "model.safetensors.index.json" in files:
        index = read_json(files["model.safetensors.index.json"], HEADER_LIMIT)
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
