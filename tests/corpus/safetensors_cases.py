"""Safetensors files that are broken, or that two readers would read in two ways."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from tests.corpus.cases import HEALTHY, Case, Content, case
from tests.unit.weights.makers import bf16, f32, raw_safetensors, safetensors_bytes

NAME = "model.safetensors"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 4294967296\n"
PAGE = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>401</body></html>\n"


def entry(dtype: Any = "F32", shape: Any = (2,), offsets: Any = (0, 8), **extra: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **extra}


def one(value: Any, content: bytes = bytes(range(8)), name: str = "w") -> bytes:
    """A file whose only entry is `value`."""
    return raw_safetensors({name: value}, content)


def text(header: str, content: bytes = bytes(range(8))) -> bytes:
    """A file with this header, byte for byte."""
    return raw_safetensors(header.encode(), content)


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("a.txt", "hidden")
    return stream.getvalue()


def many_tensors(count: int) -> Callable[[], bytes]:
    """A header with as many tensors of one byte each."""

    def make() -> bytes:
        header = ",".join(
            f'"t{number}":{{"dtype":"U8","shape":[1],"data_offsets":[{number},{number + 1}]}}' for number in range(count)
        )
        return text("{" + header + "}", b"\1" * count)

    return make


ENTRY = '{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
HALF = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
TWO = {"a": entry(shape=[2], offsets=[0, 8]), "b": entry(shape=[2], offsets=[8, 16])}

_ROWS: list[tuple[str, str, str, Content]] = [
    ("short", "four bytes in all", "ST-HEADER FM-UNKNOWN", b"\x08\0\0\0"),
    ("length-0", "a header of no bytes", "ST-HEADER", bytes(8) + b"{}"),
    ("length-1", "a header of one byte", "ST-HEADER", struct.pack("<Q", 1) + b"{}      "),
    ("length-2-63", "a header of 2^63 bytes", "ST-HEADER", struct.pack("<Q", 1 << 63) + b"{}" + bytes(64)),
    ("length-all-ones", "a header of 2^64-1 bytes", "ST-HEADER", b"\xff" * 8 + b"{}" + bytes(64)),
    ("length-beyond", "a header longer than the file", "ST-HEADER", struct.pack("<Q", 5000) + b'{"a":{}}'),
    ("length-100-mb", "a header above the reference's cap", "ST-HEADER", struct.pack("<Q", 100_000_001) + b"{}"),
    ("empty", "no content", "FM-EMPTY", b""),
    ("not-utf-8", "a header that is not UTF-8", "ST-JSON", raw_safetensors(b'{"\xff":' + ENTRY.encode() + b"}", bytes(8))),
    ("utf-16", "a header in UTF-16", "ST-JSON", raw_safetensors(("{}" + " " * 6).encode("utf-16-le"))),
    ("bom", "a byte order mark before the header", "ST-JSON", raw_safetensors(b"\xef\xbb\xbf{}   ")),
    ("list", "a list as header", "ST-JSON", text("[]" + " " * 6, b"")),
    ("leading-space", "white space before the brace", "ST-JSON", text(" {}     ", b"")),
    ("nul-padding", "NUL bytes after the header's brace", "ST-JSON", text("{}\0\0\0\0\0\0", b"")),
    ("text-after-brace", "text after the header's brace", "ST-JSON", text('{} {"x"}', b"")),
    ("comment", "a comment in the header", "ST-JSON", text('{/* */"w":' + ENTRY + "}")),
    ("trailing-comma", "a comma too many", "ST-JSON", text('{"w":' + ENTRY + ",}")),
    ("offset-nan", "NaN as offset", "ST-JSON", text('{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,NaN]}}')),
    ("float-offset", "offsets with a point", "ST-JSON", text('{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8.0]}}')),
    ("exponent", "a shape with an exponent", "ST-JSON", text('{"w":{"dtype":"F32","shape":[2e0],"data_offsets":[0,8]}}')),
    ("bool-shape", "true as a dimension", "ST-JSON", text('{"w":{"dtype":"F32","shape":[true,2],"data_offsets":[0,8]}}')),
    ("string-shape", "a dimension in quotes", "ST-JSON", text('{"w":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}')),
    ("negative", "a negative dimension", "ST-JSON", text('{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}')),
    ("minus-zero", "an offset of minus zero", "ST-JSON", text('{"w":{"dtype":"F32","shape":[2],"data_offsets":[-0,8]}}')),
    ("digits", "an offset of 5000 digits", "ST-JSON", text('{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,' + "9" * 5000 + "]}}")),
    ("deep", "100 000 brackets", "ST-JSON ST-COST", text('{"w":' + "[" * 100_000 + "]" * 100_000 + "}")),
    ("deep-metadata", "metadata nested without end", "ST-JSON ST-COST", text('{"__metadata__":' + '{"a":' * 50_000 + "1" + "}" * 50_001)),
    ("null-entry", "null for a tensor", "ST-JSON", one(None)),
    ("list-entry", "a list for a tensor", "ST-JSON", one([])),
    ("no-dtype", "an entry without type", "ST-JSON", text('{"w":{"shape":[2],"data_offsets":[0,8]}}')),
    ("no-shape", "an entry without shape", "ST-JSON", text('{"w":{"dtype":"F32","data_offsets":[0,8]}}')),
    ("three-offsets", "three offsets", "ST-JSON", one(entry(offsets=[0, 4, 8]))),
    ("null-shape", "null for a shape", "ST-JSON", text('{"w":{"dtype":"F32","shape":null,"data_offsets":[0,8]}}')),
    ("surrogate", "half of a surrogate pair in a name", "ST-JSON", text('{"\\ud800":' + ENTRY + "}")),
    ("repeated-name", "one name for two tensors", "ST-DUP", text('{"w":' + HALF + ',"w":' + ENTRY + "}")),
    ("repeated-same", "one tensor listed twice, alike", "ST-DUP", text('{"w":' + ENTRY + ',"w":' + ENTRY + "}")),
    ("repeated-escape", "one name, once with an escape", "ST-DUP", text('{"w":' + HALF + ',"\\u0077":' + ENTRY + "}")),
    ("repeated-field", "one field twice in an entry", "ST-DUP", text('{"w":{"dtype":"I32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}')),
    ("repeated-metadata", "metadata twice", "ST-DUP", text('{"__metadata__":{"a":"1"},"__metadata__":{"a":"2"}}', b"")),
    ("repeated-metadata-key", "one metadata key twice", "ST-DUP", text('{"__metadata__":{"a":"1","a":"2"}}', b"")),
    ("dtype-unknown", "a type that nobody knows", "ST-DTYPE", one(entry("F33"))),
    ("dtype-lower", "a type in lower case", "ST-DTYPE", one(entry("f32"))),
    ("dtype-null", "null as type", "ST-DTYPE ST-JSON", one(entry(None))),
    ("dtype-number", "a number as type", "ST-DTYPE ST-JSON", one(entry(7))),
    ("dtype-c128", "a type of other libraries", "ST-DTYPE", one(entry("C128", [1], [0, 16]), bytes(16))),
    ("size", "a shape larger than its bytes", "ST-SIZE", one(entry(shape=[3]))),
    ("size-smaller", "a shape smaller than its bytes", "ST-SIZE", one(entry(shape=[1]))),
    ("size-wraps", "a product that wraps to 2 in 64 bits", "ST-SIZE", one(entry("U8", [(1 << 63) + 1, 2], [0, 2]), b"ab")),
    ("size-2-32", "2^32 by 2^32 elements", "ST-SIZE", one(entry("U8", [1 << 32, 1 << 32], [0, 0]), b"")),
    ("size-zero-and-huge", "a dimension of zero hides one of 2^63", "ST-SIZE", one(entry("U8", [0, 1 << 63], [0, 0]), b"")),
    ("size-4-bits", "three values of four bits", "ST-SIZE", one(entry("F4", [3], [0, 2]), b"ab")),
    ("backward", "a tensor that ends before it starts", "ST-SIZE ST-JSON", one(entry(offsets=[8, 0]))),
    ("overlap", "two tensors that share bytes", "ST-OVERLAP", raw_safetensors({"a": entry(), "b": entry(offsets=[4, 12])}, bytes(12))),
    ("alias", "two names for the same bytes", "ST-OVERLAP", raw_safetensors({"a": entry(), "b": entry()}, bytes(range(8)))),
    ("inside", "a tensor inside another", "ST-OVERLAP", raw_safetensors({"a": entry(shape=[4], offsets=[0, 16]), "b": entry(shape=[1], offsets=[4, 8])}, bytes(16))),
    ("hole", "bytes between two tensors", "ST-HOLE", raw_safetensors({"a": entry(), "b": entry(offsets=[16, 24])}, bytes(24))),
    ("hole-first", "bytes before the first tensor", "ST-HOLE", one(entry(offsets=[8, 16]), bytes(16))),
    ("no-tensors", "data without any tensor", "ST-TRAILING ST-HOLE", text("{}      ", bytes(64))),
    ("cut", "the last four bytes are missing", "ST-TRUNC", HEALTHY[:-4]),
    ("cut-half", "half of the file", "ST-TRUNC ST-HEADER", HEALTHY[: len(HEALTHY) * 2 // 3]),
    ("one-byte-more", "one byte after the last tensor", "ST-TRAILING", HEALTHY + b"\0"),
    ("zip-behind", "an archive behind the tensors", "ST-TRAILING", lambda: HEALTHY + zipped()),
    ("pickle-behind", "a pickle behind the tensors", "ST-TRAILING", HEALTHY + pickle.dumps({"a": 1})),
    ("pointer", "a pointer of Git LFS", "FM-POINTER", POINTER),
    ("page", "a sign-in page", "FM-PAGE", PAGE),
    ("error-text", "an error in words", "FM-MISNAMED", "Access denied\n"),
    ("error-json", "an error in JSON", "FM-MISNAMED", '{"error": "Repository not found"}'),
    ("error-xml", "an error in XML", "FM-PAGE FM-MISNAMED", '<?xml version="1.0"?>\n<Error><Code>NoSuchKey</Code></Error>'),
    ("pickle", "a pickle", "PK-HIDDEN FM-MISNAMED", pickle.dumps({"a": 1})),
    ("elf", "a program", "FM-EXECUTABLE FM-MISNAMED", b"\x7fELF\x02\x01\x01" + bytes(100)),
    ("gzip", "itself, compressed", "PK-WRAP FM-MISNAMED", lambda: gzip.compress(HEALTHY)),
    ("zeros", "nothing but zero bytes", "ST-HEADER", bytes(4096)),
    ("random", "random bytes", "ST-HEADER", bytes((7 * n * n + 13 * n) % 251 for n in range(4096))),
    ("gguf", "a GGUF file", "FM-MISNAMED GG-COUNT GG-MAGIC", b"GGUF" + struct.pack("<IQQ", 3, 0, 0)),
    ("archive", "an archive", "FM-MISNAMED", zipped),
    ("metadata-number", "a number in the metadata", "ST-METADATA", raw_safetensors({"__metadata__": {"a": 1}})),
    ("metadata-list", "a list as metadata", "ST-METADATA", raw_safetensors({"__metadata__": ["a"]})),
    ("metadata-null", "null as metadata", "ST-METADATA", raw_safetensors({"__metadata__": None})),
    ("metadata-nested", "an object in the metadata", "ST-METADATA", raw_safetensors({"__metadata__": {"a": {"b": "c"}}})),
    ("name-empty", "a tensor without name", "ST-NAME", one(entry(), name="")),
    ("name-control", "a line feed in a name", "ST-NAME", one(entry(), name="a\nb")),
    ("name-escape", "a terminal's escape sequence in a name", "ST-NAME", one(entry(), name="a\x1b[2Jb")),
    ("name-bidi", "a name that runs backward", "ST-NAME", one(entry(), name="a\u202eb")),
    ("name-nul", "a NUL in a name", "ST-NAME", one(entry(), name="a\0b")),
    ("name-climbs", "a name that climbs", "ST-NAME", one(entry(), name="../../etc/passwd")),
    ("name-absolute", "a name from the root", "ST-NAME", one(entry(), name="/etc/passwd")),
    ("name-drive", "a name with a drive", "ST-NAME", one(entry(), name="C:\\x")),
    ("name-long", "a name of 100 000 characters", "ST-NAME", one(entry(), name="a" * 100_000)),
    ("brackets", "four million brackets", "ST-COST", lambda: text('{"w":[' + "[]," * 2_000_000 + "[]]}")),
    ("shape-long", "a million dimensions", "ST-SIZE ST-JSON", lambda: text('{"w":{"dtype":"U8","shape":[' + "1," * 999_999 + '1],"data_offsets":[0,1]}}', b"a")),
]  # fmt: skip


def cases() -> Iterator[Case]:
    """All of them."""
    for name, what, checks, content in _ROWS:
        yield case(f"safetensors-{name}", what, checks, {NAME: content})
    yield case("safetensors-extra-field", "a field that the format does not have", "ST-EXTRA", {NAME: one(entry(note="x"))}, "warn")
    yield case("safetensors-metadata-large", "two million characters of metadata", "ST-EXTRA", {NAME: lambda: safetensors_bytes({"a": f32([1.0])}, {"x": "y" * 2_000_000})}, "warn")
    yield case("safetensors-million-tensors", "a million tensors of a byte", "ST-COST", {NAME: many_tensors(1_000_000)}, is_heavy=True)
    yield case("safetensors-header-99-mb", "a header of 99 MB of spaces", "ST-EXTRA", {NAME: lambda: text("{}" + " " * 99_000_000, b"")}, "warn", is_heavy=True)
    yield case("safetensors-names-90-mb", "names of 90 MB in one header", "ST-NAME ST-COST", {NAME: lambda: text("{" + ",".join(f'"{chr(97 + n) * 9_000_000}":{{"dtype":"U8","shape":[1],"data_offsets":[{n},{n + 1}]}}' for n in range(10)) + "}", bytes(10))}, is_heavy=True)
    yield case("safetensors-metadata-90-mb", "metadata of 90 MB", "ST-EXTRA ST-COST", {NAME: lambda: text('{"__metadata__":{"a":"' + "b" * 90_000_000 + '"}}', b"")}, "warn", is_heavy=True)
    yield case("safetensors-escapes-90-mb", "a string of 90 MB of escapes", "ST-EXTRA", {NAME: lambda: text('{"__metadata__":{"a":"' + "\\u0041" * 15_000_000 + '"}}', b"")}, "warn", is_heavy=True)
    yield case("safetensors-second-file", "a sound file and a broken one in a subfolder", "ST-TRUNC", {"unet/weights.safetensors": HEALTHY[:-1]})
    yield case("safetensors-upper-case", "a broken file with its extension in upper case", "ST-TRUNC", {"MODEL.SAFETENSORS": HEALTHY[:-1]})
    yield case("safetensors-in-bin", "a sound file under the name of a pickle", "FM-MISNAMED", {"pytorch_model.bin": HEALTHY}, "block")
    yield case("safetensors-in-png", "a sound file under the name of a picture", "FM-MISNAMED", {"logo.png": HEALTHY}, "block")
    yield case("safetensors-nan", "a NaN among the values", "WV-NAN", {NAME: safetensors_bytes({"w": f32([[1.0, float("nan")]])})})
    yield case("safetensors-infinity", "an infinity among the values", "WV-INF", {NAME: safetensors_bytes({"w": f32([[1.0, float("-inf")]])})})
    yield case("safetensors-zeroed", "weights that were never written", "WV-EMPTY-MODEL", {NAME: safetensors_bytes({"a.weight": ("BF16", [64, 64], bytes(8192)), "b.weight": bf16(8, 8)})})
