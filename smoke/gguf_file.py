"""What a GGUF file declares: its metadata and where each tensor lies, read within bounds.

Owns: the container format, versions 2 and 3, little-endian. Refuses to own: what the metadata means for a model
(`smoke.gguf_layouts`) and the numbers in the blocks (`smoke.gguf_values`). Nothing here imports torch, and nothing a
file declares about itself is believed before it is compared with the size of the file.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

METADATA_LIMIT = 64 << 20
STRING_LIMIT = 4 << 20
KEYS, TENSORS, DIMENSIONS, LISTED = 1 << 16, 1 << 17, 4, 1 << 12
"""Most keys, tensors and dimensions that are believed, and the longest list of numbers that is kept."""

PLAIN = {0: ("F32", 4), 1: ("F16", 2), 30: ("BF16", 2), 24: ("I8", 1), 25: ("I16", 2), 26: ("I32", 4), 27: ("I64", 8),
         28: ("F64", 8)}  # fmt: skip
BLOCKS = {
    2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210), 16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136), 29: ("IQ1_M", 256, 56),
}  # fmt: skip
"""Number of the type in the file, its name, elements of a block and bytes of a block."""

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9


class GgufError(ValueError):
    """The file is not the GGUF file that it says it is; the message is for people."""


@dataclass(frozen=True)
class Stored:
    """One tensor as the file declares it; shape in the order of torch, `start` from the beginning of the file."""

    name: str
    type: int
    shape: tuple[int, ...]
    start: int
    size_bytes: int
    file: str

    @property
    def type_name(self) -> str:
        """`Q4_K`, `BF16`: how people name it."""
        return BLOCKS[self.type][0] if self.type in BLOCKS else PLAIN[self.type][0]


@dataclass(frozen=True)
class Gguf:
    """Metadata by key and tensors by name. A list of strings stands in the metadata as its length alone."""

    metadata: Mapping[str, Any]
    tensors: Mapping[str, Stored]

    def text(self, key: str) -> str:
        """A string of the metadata, empty where there is none."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else ""


def read_gguf(path: Path, logical: str = "") -> Gguf:
    """The header of one file, its tensors under `logical`; GgufError where it contradicts itself or its size."""
    if path.stat().st_size < 24:
        raise GgufError(f"{path.name}: too short for a GGUF file.")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return _Reader(data, path.name, logical or path.name).read()
        except struct.error as error:
            raise GgufError(f"{path.name}: the header does not fit into the file.") from error
        except UnicodeDecodeError as error:
            raise GgufError(f"{path.name}: a name in the header is not text.") from error


class _Reader:
    def __init__(self, data: mmap.mmap, name: str, file: str) -> None:
        self.data, self.name, self.file, self.at = data, name, file, 4
        self.end = min(len(data), METADATA_LIMIT)

    def read(self) -> Gguf:
        if self.data[:4] != b"GGUF":
            raise GgufError(f"{self.name}: it does not begin like a GGUF file.")
        version = self.number("<I")
        if version not in (2, 3):
            raise GgufError(f"{self.name}: version {version} of GGUF is not read, only 2 and 3.")
        tensors, keys = self.bounded(TENSORS, "tensors"), self.bounded(KEYS, "keys")
        metadata: dict[str, Any] = {}
        for _ in range(keys):
            key = self.string()
            metadata[key] = self.value(self.number("<I"))
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 0 < alignment <= 1 << 20:
            raise GgufError(f"{self.name}: an alignment of {alignment!r} is not possible.")
        declared = [self.tensor() for _ in range(tensors)]
        begin = -(-self.at // alignment) * alignment
        found: dict[str, Stored] = {}
        for name, kind, shape, offset, size in declared:
            start = begin + offset
            if start + size > len(self.data):
                raise GgufError(f"{self.name}: tensor {name!r} lies outside the file.")
            if name in found:
                raise GgufError(f"{self.name}: tensor {name!r} is declared twice.")
            found[name] = Stored(name, kind, shape, start, size, self.file)
        return Gguf(metadata, found)

    def number(self, form: str) -> Any:
        size = struct.calcsize(form)
        self.skip(size)
        return struct.unpack_from(form, self.data, self.at - size)[0]

    def skip(self, count: int) -> None:
        if count > self.end - self.at:
            raise GgufError(f"{self.name}: the header does not fit into the file.")
        self.at += count

    def bounded(self, most: int, what: str) -> int:
        count = int(self.number("<Q"))
        if count > most:
            raise GgufError(f"{self.name}: it declares {count} {what}, more than {most}.")
        return count

    def string(self) -> str:
        length = self.bounded(STRING_LIMIT, "bytes of one string")
        self.skip(length)
        return self.data[self.at - length : self.at].decode()

    def value(self, kind: int) -> Any:
        if kind in _SCALARS:
            return self.number(_SCALARS[kind])
        if kind == _STRING:
            return self.string()
        if kind != _ARRAY:
            raise GgufError(f"{self.name}: a value of the unknown type {kind}.")
        element, count = self.number("<I"), self.bounded(METADATA_LIMIT, "elements of one list")
        if element == _STRING:
            for _ in range(count):
                self.skip(self.bounded(STRING_LIMIT, "bytes of one string"))
            return count
        if element not in _SCALARS:
            raise GgufError(f"{self.name}: a list of the unknown type {element}.")
        size = struct.calcsize(_SCALARS[element])
        self.skip(count * size)
        if count > LISTED:
            return count
        return list(struct.unpack_from(f"<{count}{_SCALARS[element][1]}", self.data, self.at - count * size))

    def tensor(self) -> tuple[str, int, tuple[int, ...], int, int]:
        name, dimensions = self.string(), self.number("<I")
        if not 0 < dimensions <= DIMENSIONS:
            raise GgufError(f"{self.name}: tensor {name!r} has {dimensions} dimensions.")
        # the file names the dimension that varies fastest first, torch names it last
        shape = tuple(reversed([int(self.number("<Q")) for _ in range(dimensions)]))
        kind, offset = self.number("<I"), self.number("<Q")
        count = 1
        for size in shape:
            count *= size
        if kind in PLAIN:
            return name, kind, shape, offset, count * PLAIN[kind][1]
        if kind not in BLOCKS:
            raise GgufError(f"{self.name}: tensor {name!r} has the unknown type {kind}.")
        _, elements, size_bytes = BLOCKS[kind]
        if shape[-1] % elements:
            raise GgufError(f"{self.name}: rows of tensor {name!r} are not whole blocks.")
        return name, kind, shape, offset, count // elements * size_bytes
