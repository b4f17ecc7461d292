"""Real layouts of checkpoints, as libraries save them, without their values.

Each JSON file here has the texts of one folder and the tensors of its weight files by name: type and shape. They were
taken by `python -m tests.unit.weights.layouts FOLDER NAME` from models that transformers 5.23 and peft 0.21 saved.
`write` makes the folder again, with ordinary values.
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
SHARED = "_shared.json"  # texts that many layouts have, by the name that stands for them
_WIDTHS = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2}


def names() -> list[str]:
    """Every layout that is kept here."""
    return sorted(path.stem for path in HERE.glob("*.json") if path.name != SHARED)


def write(name: str, root: Path) -> None:
    """Make the folder of one layout."""
    shared = json.loads((HERE / SHARED).read_text(encoding="utf-8"))
    for path, content in json.loads((HERE / f"{name}.json").read_text(encoding="utf-8")).items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            place.write_text(shared.get(content, content), encoding="utf-8")
        else:
            place.write_bytes(_weights(content["tensors"], content["metadata"], zlib.crc32(path.encode())))


def take(folder: Path, name: str) -> None:
    """Keep the layout of `folder`: texts as they are, of weights the header alone."""
    shared = {text: key for key, text in json.loads((HERE / SHARED).read_text(encoding="utf-8")).items()}
    kept: dict[str, Any] = {}
    for place in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = place.read_bytes()
        if place.suffix == ".safetensors":
            header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
            metadata = header.pop("__metadata__", None)
            tensors = {key: [entry["dtype"], *entry["shape"]] for key, entry in header.items()}
            kept[str(place.relative_to(folder))] = {"metadata": metadata, "tensors": tensors}
        else:
            text = content.decode("utf-8")
            kept[str(place.relative_to(folder))] = shared.get(text, text)
    (HERE / f"{name}.json").write_text(json.dumps(kept, separators=(",", ":"), ensure_ascii=False), encoding="utf-8")


def _weights(tensors: dict[str, list[Any]], metadata: dict[str, str] | None, seed: int) -> bytes:
    random = np.random.default_rng(seed)
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": metadata}
    pieces = []
    position = 0
    for name, (dtype, *shape) in tensors.items():
        pieces.append(_values(dtype, shape, random))
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [position, position + len(pieces[-1])]}
        position += len(pieces[-1])
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(pieces)


def _values(dtype: str, shape: list[int], random: np.random.Generator) -> bytes:
    values = random.standard_normal(shape).astype("<f4") * 0.02 + (0.5 if len(shape) < 2 else 0)
    if dtype in ("F32", "F64", "F16"):
        return np.asarray(values).astype(f"<f{_WIDTHS[dtype]}").tobytes()
    if dtype == "BF16":
        return (np.asarray(values).view("<u4") >> 16).astype("<u2").tobytes()
    if dtype in _WIDTHS:
        return random.integers(1, 1 << 8 * min(_WIDTHS[dtype], 4) - 2, shape).astype(f"<i{_WIDTHS[dtype]}").tobytes()
    return random.integers(1, 100, shape).astype("<u1").tobytes()


if __name__ == "__main__":
    take(Path(sys.argv[1]), sys.argv[2])
