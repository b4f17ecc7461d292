"""What kind of file this is, by its content; the name only says what it claims to be.

Owns recognition. A kind is a first guess from the first bytes: the parser of that kind has the last word, and content
nobody recognizes is a finding, never a skip.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from pathlib import PurePosixPath

HEAD_BYTES = 4096
TEXT_LIMIT_BYTES = 48 << 20


class Kind(StrEnum):
    """What a file is taken for."""

    SAFETENSORS = "safetensors"
    GGUF = "gguf"
    PICKLE = "pickle"
    ZIP = "zip"
    NUMPY = "numpy"
    HDF5 = "hdf5"
    TAR = "tar"
    COMPRESSED = "compressed"
    EXECUTABLE = "executable"
    MEDIA = "media"
    SQLITE = "sqlite"
    PARQUET = "parquet"
    ONNX = "onnx"
    TENSORFLOW = "tensorflow"
    FLAX = "flax"
    IMATRIX = "imatrix"
    SENTENCEPIECE = "sentencepiece"
    POINTER = "pointer"
    PAGE = "page"
    JSON = "json"
    TEXT = "text"
    EMPTY = "empty"
    UNKNOWN = "unknown"


_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"GGUF", Kind.GGUF),
    (b"\x93NUMPY", Kind.NUMPY),
    (b"\x89HDF\r\n\x1a\n", Kind.HDF5),
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
    (b"\x1f\x8b", Kind.COMPRESSED),
    (b"BZh", Kind.COMPRESSED),
    (b"\xfd7zXZ\0", Kind.COMPRESSED),
    (b"\x28\xb5\x2f\xfd", Kind.COMPRESSED),
    (b"7z\xbc\xaf\x27\x1c", Kind.COMPRESSED),
    (b"Rar!\x1a\x07", Kind.COMPRESSED),
    (b"\x04\x22\x4d\x18", Kind.COMPRESSED),
    (b"\x1f\x9d", Kind.COMPRESSED),
    (b"\x5d\0\0", Kind.COMPRESSED),
    (b"\x7fELF", Kind.EXECUTABLE),
    (b"\xca\xfe\xba\xbe", Kind.EXECUTABLE),
    (b"\xfe\xed\xfa\xce", Kind.EXECUTABLE),
    (b"\xfe\xed\xfa\xcf", Kind.EXECUTABLE),
    (b"\xce\xfa\xed\xfe", Kind.EXECUTABLE),
    (b"\xcf\xfa\xed\xfe", Kind.EXECUTABLE),
    (b"\0asm", Kind.EXECUTABLE),
    (b"dex\n03", Kind.EXECUTABLE),
    (b"BC\xc0\xde", Kind.EXECUTABLE),
    (b"L\0\0\0\x01\x14\x02\0", Kind.EXECUTABLE),
    (b"\x89PNG\r\n\x1a\n", Kind.MEDIA),
    (b"\xff\xd8\xff", Kind.MEDIA),
    (b"GIF87a", Kind.MEDIA),
    (b"GIF89a", Kind.MEDIA),
    (b"%PDF-", Kind.MEDIA),
    (b"OggS", Kind.MEDIA),
    (b"fLaC", Kind.MEDIA),
    (b"ID3", Kind.MEDIA),
    (b"SQLite format 3\0", Kind.SQLITE),
    (b"PAR1", Kind.PARQUET),
    (b"version https://git-lfs", Kind.POINTER),
    (b"version https://hawser.github.com", Kind.POINTER),
    (b"# xet version", Kind.POINTER),
)
_PICKLE_START = re.compile(rb"\x80[\x02-\x05]")
_PYTHON_BYTE_CODE = re.compile(rb"[\x00-\xff]{2}\r\n[\x00-\x07]\0\0\0")
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
_CONTROL_OR_HIGH = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x80-\xff]")
_PAGE = re.compile(
    rb"(\xef\xbb\xbf)?\s*(<!--.{0,2000}?-->\s*)?(<!doctype html|<html|<head|<\?xml[^>]{0,200}>\s*<(error|html))",
    re.IGNORECASE | re.DOTALL,
)
_ZLIB = (b"x\x01", b"x\x9c", b"x\xda", b"x\x5e")

WEIGHT_SUFFIXES = frozenset(
    [
        ".safetensors",
        ".gguf",
        ".ggml",
        ".bin",
        ".pt",
        ".pth",
        ".ckpt",
        ".pkl",
        ".pickle",
        ".joblib",
        ".npy",
        ".npz",
        ".h5",
        ".hdf5",
        ".keras",
        ".onnx",
        ".pb",
        ".tflite",
        ".mar",
        ".nemo",
        ".msgpack",
        ".mlmodel",
        ".engine",
        ".plan",
        ".pdparams",
        ".pdiparams",
        ".params",
        ".model",
        ".safetensor",
        ".th",
        ".ot",
        ".dat",
        ".tar",
    ]
)
_PICKLES = frozenset({Kind.PICKLE, Kind.ZIP, Kind.TAR, Kind.COMPRESSED, Kind.EXECUTABLE})
_PROMISES = {
    ".safetensors": frozenset({Kind.SAFETENSORS}),
    ".gguf": frozenset({Kind.GGUF}),
    ".json": frozenset({Kind.JSON}),
    ".npy": frozenset({Kind.NUMPY}),
    ".npz": frozenset({Kind.ZIP}),
    ".keras": frozenset({Kind.ZIP}),
    ".h5": frozenset({Kind.HDF5}),
    ".hdf5": frozenset({Kind.HDF5}),
    ".onnx": frozenset({Kind.ONNX}),
    ".msgpack": frozenset({Kind.FLAX}),
    ".tflite": frozenset({Kind.UNKNOWN}),
}
_PROMISES |= dict.fromkeys([".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".th", ".ot"], _PICKLES)
_PROMISES |= dict.fromkeys(
    [".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".ico", ".pdf", ".mp3", ".mp4", ".wav", ".ogg", ".flac", ".avi"],
    frozenset({Kind.MEDIA}),
)
_TEXT_SUFFIXES = frozenset(
    [
        ".md",
        ".txt",
        ".py",
        ".ipynb",
        ".yaml",
        ".yml",
        ".toml",
        ".cfg",
        ".ini",
        ".jinja",
        ".jinja2",
        ".csv",
        ".tsv",
        ".jsonl",
        ".rst",
        ".html",
        ".sh",
        ".xml",
        ".svg",
        ".tex",
        ".bib",
        ".gitattributes",
        ".gitignore",
    ]
)
_PROMISES |= {suffix: frozenset({Kind.TEXT, Kind.JSON, Kind.PAGE}) for suffix in _TEXT_SUFFIXES}


@lru_cache(maxsize=1024)
def suffix_of(path: str) -> str:
    """The extension in lower case; for a name that is all extension, like `.gitattributes`, the name."""
    name = PurePosixPath(path).name.lower()
    return PurePosixPath(name).suffix or (name if name.startswith(".") else "")


def is_weight_name(path: str) -> bool:
    """Whether the name promises weights."""
    return suffix_of(path) in WEIGHT_SUFFIXES


def promised(path: str) -> frozenset[Kind] | None:
    """The kinds that the name promises, or None where it promises nothing in particular."""
    return _PROMISES.get(suffix_of(path))


def recognize(head: bytes, size_bytes: int, path: str) -> Kind:
    """The kind that `head`, the first `HEAD_BYTES` of a file, points to; TEXT still has to prove that it is text."""
    if size_bytes == 0:
        return Kind.EMPTY
    if _looks_like_safetensors(head, size_bytes):
        return Kind.SAFETENSORS
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if _PICKLE_START.match(head):
        return Kind.PICKLE
    if (head.startswith(b"MZ") and (b"PE\0\0" in head or b"\0" in head[:64])) or _PYTHON_BYTE_CODE.match(head):
        return Kind.EXECUTABLE
    if head[257:262] == b"ustar" or _is_old_tar(head):
        return Kind.TAR
    if (head.startswith(b"RIFF") and head[8:12] in (b"WEBP", b"WAVE", b"AVI ")) or head[4:8] == b"ftyp":
        return Kind.MEDIA
    if head.startswith(_ZLIB) and int.from_bytes(head[:2], "big") % 31 == 0 and _CONTROL_OR_HIGH.search(head):
        return Kind.COMPRESSED
    if b"\0" in head or (_CONTROL.search(head) and suffix_of(path) not in _TEXT_SUFFIXES):
        return Kind.SAFETENSORS if suffix_of(path) == ".safetensors" else Kind.UNKNOWN
    if _PAGE.match(head):
        return Kind.PAGE
    return Kind.TEXT


def _looks_like_safetensors(head: bytes, size_bytes: int) -> bool:
    """Asked before every magic number, since a header's length can begin with any byte at all."""
    return len(head) > 9 and head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= size_bytes - 8


def _is_old_tar(head: bytes) -> bool:
    """A header from before the mark was agreed on, known by its checksum."""
    if len(head) < 512 or not head[0] or head[148:149] not in (b" ", b"0"):
        return False
    try:
        stated = int(head[148:156].strip(b" \0"), 8)
    except ValueError:
        return False
    return stated == sum(head[:148]) + 8 * 32 + sum(head[156:512])
