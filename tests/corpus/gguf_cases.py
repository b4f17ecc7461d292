"""GGUF files whose header lies, and what their metadata may carry."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tests.corpus.cases import Case, Content, case

NAME = "model.gguf"


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def pair(key: str | bytes, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def tensor(name: str | bytes = "w", shape: tuple[int, ...] = (4,), kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def build(
    pairs: list[bytes],
    tensors: list[bytes],
    content: bytes = b"",
    *,
    version: int = 3,
    counts: tuple[int, int] | None = None,
    fill: bytes = b"\0",
) -> bytes:
    """A file of these parts; `counts` lies about the numbers of tensors and pairs."""
    tensor_count, pair_count = counts or (len(tensors), len(pairs))
    header = b"GGUF" + struct.pack("<IQQ", version, tensor_count, pair_count) + b"".join(pairs) + b"".join(tensors)
    return header + fill * (-len(header) % 32) + content


ARCHITECTURE = pair("general.architecture", 8, text("llama"))
FLOATS = struct.pack("<4f", 1, -2, 3, 4) + bytes(16)
SOUND = build([ARCHITECTURE], [tensor()], FLOATS)
SSTI = "{{ ''.__class__.__mro__[1].__subclasses__() }}"


def with_pairs(*pairs: bytes) -> bytes:
    return build([ARCHITECTURE, *pairs], [tensor()], FLOATS)


def with_template(key: str, template: str = SSTI) -> bytes:
    return with_pairs(pair(key, 8, text(template)))


def with_alignment(value: bytes, kind: int = 4) -> bytes:
    return with_pairs(pair("general.alignment", kind, value))


def array(kind: int, count: int, content: bytes = b"") -> bytes:
    return struct.pack("<IQ", kind, count) + content


def with_tensors(*tensors: bytes, content: bytes = FLOATS) -> bytes:
    return build([ARCHITECTURE], list(tensors), content)


HALF_NAN = struct.pack("<H", 0x7E00)
_ROWS: list[tuple[str, str, str, Content]] = [
    ("magic", "another mark", "GG-MAGIC FM-MISNAMED FM-UNKNOWN", b"GGML" + SOUND[4:]),
    ("version-1", "version 1", "GG-MAGIC", build([ARCHITECTURE], [tensor()], FLOATS, version=1)),
    ("version-4", "version 4", "GG-MAGIC", build([ARCHITECTURE], [tensor()], FLOATS, version=4)),
    ("big-endian", "the other byte order", "GG-MAGIC", b"GGUF" + struct.pack(">IQQ", 3, 1, 1) + bytes(200)),
    ("short", "a mark and nothing else", "GG-MAGIC", b"GGUF\3\0\0\0"),
    ("tensors-2-63", "2^63 tensors", "GG-COUNT", build([ARCHITECTURE], [tensor()], FLOATS, counts=(1 << 63, 1))),
    ("tensors-billion", "a billion tensors", "GG-COUNT", build([ARCHITECTURE], [tensor()], FLOATS, counts=(10**9, 1))),
    ("pairs-2-63", "2^63 keys", "GG-COUNT", build([ARCHITECTURE], [tensor()], FLOATS, counts=(1, 1 << 63))),
    ("pairs-all-ones", "2^64-1 keys", "GG-COUNT", build([ARCHITECTURE], [tensor()], FLOATS, counts=(1, (1 << 64) - 1))),
    ("pairs-more", "more keys than there are", "GG-COUNT GG-KEY", build([ARCHITECTURE], [tensor()], FLOATS, counts=(1, 3))),
    ("tensors-more", "more tensors than there are", "GG-COUNT GG-NAME GG-DIM GG-TYPE", build([ARCHITECTURE], [tensor()], FLOATS, counts=(3, 1))),
    ("tensors-fewer", "fewer tensors than there are", "GG-OFF", build([ARCHITECTURE], [tensor(), tensor("v", offset=32)], FLOATS * 2, counts=(1, 2 - 1))),
    ("key-length", "a key of 2^62 bytes", "GG-COUNT", build([struct.pack("<Q", 1 << 62) + b"abc" * 30], [])),
    ("key-empty", "an empty key", "GG-KEY", with_pairs(pair("", 4, bytes(4)))),
    ("key-not-utf-8", "a key that is not UTF-8", "GG-KEY", with_pairs(pair(b"a\xff", 4, bytes(4)))),
    ("text-length", "a text of 2^64-1 bytes", "GG-COUNT", with_pairs(text("a") + struct.pack("<IQ", 8, (1 << 64) - 1))),
    ("text-length-wraps", "a length that wraps when 1 is added", "GG-COUNT", with_pairs(text("a") + struct.pack("<IQ", 8, (1 << 63) - 1))),
    ("text-not-utf-8", "a text that is not UTF-8", "GG-KEY", with_pairs(pair("a", 8, text(b"\xff\xfe")))),
    ("value-type", "a value of type 99", "GG-KEY", with_pairs(pair("a", 99, bytes(8)))),
    ("value-type-13", "a value of the first type that does not exist", "GG-KEY", with_pairs(pair("a", 13, bytes(8)))),
    ("bool-2", "a flag of 2", "GG-KEY", with_pairs(pair("a", 7, b"\2"))),
    ("array-count", "an array of 2^61 numbers", "GG-COUNT", with_pairs(pair("a", 9, array(10, 1 << 61)))),
    ("array-count-wraps", "a count that wraps when multiplied", "GG-COUNT", with_pairs(pair("a", 9, array(10, (1 << 61) + 1, bytes(8))))),
    ("array-texts", "an array of 2^40 texts", "GG-COUNT", with_pairs(pair("a", 9, array(8, 1 << 40)))),
    ("array-nested", "an array of arrays", "GG-KEY", with_pairs(pair("a", 9, array(9, 1, array(4, 1, bytes(4)))))),
    ("array-nested-deep", "arrays ten thousand deep", "GG-KEY", with_pairs(pair("a", 9, array(9, 1) * 10_000))),
    ("array-type", "an array of an unknown type", "GG-KEY", with_pairs(pair("a", 9, array(77, 1, bytes(4))))),
    ("key-twice", "a key that comes twice", "GG-DUP", with_pairs(ARCHITECTURE)),
    ("tensor-twice", "a tensor that comes twice", "GG-DUP", with_tensors(tensor(), tensor(offset=32), content=FLOATS * 2)),
    ("name-empty", "a tensor without name", "GG-NAME", with_tensors(tensor(""))),
    ("name-64", "a name of 64 bytes", "GG-NAME", with_tensors(tensor("w" * 64))),
    ("name-2-40", "a name of 2^40 bytes", "GG-COUNT GG-NAME", build([ARCHITECTURE], [struct.pack("<Q", 1 << 40) + b"w" * 40])),
    ("name-control", "a control character in a name", "GG-NAME", with_tensors(tensor("w\x1b[2J"))),
    ("name-nul", "a NUL in a name", "GG-NAME", with_tensors(tensor("w\0x"))),
    ("name-climbs", "a name that climbs", "GG-NAME", with_tensors(tensor("../../x"))),
    ("rank-5", "five dimensions", "GG-DIM", with_tensors(tensor(shape=(1, 1, 1, 1, 4)))),
    ("rank-2-32", "2^32-1 dimensions", "GG-DIM", build([ARCHITECTURE], [text("w") + struct.pack("<I", 0xFFFFFFFF) + bytes(64)])),
    ("dimension-0", "a dimension of zero", "GG-DIM", with_tensors(tensor(shape=(0, 4)))),
    ("dimension-negative", "a dimension that is negative as a signed number", "GG-DIM", with_tensors(tensor(shape=((1 << 64) - 4,)))),
    ("product-wraps", "a product that wraps to 4", "GG-DIM", with_tensors(tensor(shape=(1 << 62, 4, 1 << 62, 4)))),
    ("bytes-wrap", "a size in bytes that wraps", "GG-DIM GG-OFF", with_tensors(tensor(shape=((1 << 62) + 1,)))),
    ("rows", "rows that do not fill blocks", "GG-DIM", with_tensors(tensor(shape=(33,), kind=8), content=bytes(96))),
    ("type-unknown", "a type that does not exist", "GG-TYPE", with_tensors(tensor(kind=999))),
    ("type-removed", "a type that was removed", "GG-TYPE", with_tensors(tensor(shape=(32,), kind=4), content=bytes(32))),
    ("type-hole", "a type between two known ones", "GG-TYPE", with_tensors(tensor(shape=(32,), kind=38), content=bytes(32))),
    ("offset-unaligned", "an offset that is not aligned", "GG-OFF", with_tensors(tensor(offset=4))),
    ("offset-beyond", "an offset beyond the file", "GG-OFF", with_tensors(tensor(offset=1 << 20))),
    ("offset-wraps", "an offset that wraps", "GG-OFF", with_tensors(tensor(offset=(1 << 64) - 32))),
    ("overlap", "two tensors at one place", "GG-OFF", with_tensors(tensor(), tensor("v"))),
    ("gap", "a gap between tensors", "GG-OFF", with_tensors(tensor(), tensor("v", offset=64), content=FLOATS + bytes(32) + FLOATS)),
    ("cut", "tensors cut short", "GG-OFF", SOUND[:-24]),
    ("trailing", "bytes behind the tensors", "GG-OFF", SOUND + b"PK\3\4" + bytes(60)),
    ("padding", "something in the padding behind the last tensor", "GG-OFF", SOUND[:-16] + b"hidden content!!"),
    ("padding-header", "something in the padding behind the header", "GG-OFF", build([ARCHITECTURE, pair("a", 0, b"1")], [tensor()], FLOATS, fill=b"!")),
    ("padding-between", "something in the padding between tensors", "GG-OFF", with_tensors(tensor(), tensor("v", offset=32), content=FLOATS[:16] + b"hidden content!!" + FLOATS)),
    ("alignment-0", "an alignment of 0", "GG-ALIGN", with_alignment(bytes(4))),
    ("alignment-3", "an alignment of 3", "GG-ALIGN", with_alignment(b"\3\0\0\0")),
    ("alignment-2-31", "an alignment of 2^31", "GG-ALIGN GG-OFF", with_alignment(b"\0\0\0\x80")),
    ("alignment-text", "an alignment in words", "GG-ALIGN", with_alignment(text("32"), 8)),
    ("alignment-64-bit", "an alignment of another type", "GG-ALIGN", with_alignment(struct.pack("<Q", 32), 10)),
    ("template", "a template that reaches into Python", "TP-SSTI", with_template("tokenizer.chat_template")),
    ("template-named", "one of several templates that reaches into Python", "TP-SSTI", with_template("tokenizer.chat_template.tool_use")),
    ("template-other-key", "a template under another key", "TP-SSTI", with_template("tokenizer.template")),
    ("template-array", "templates as an array", "TP-SSTI", with_pairs(pair("tokenizer.chat_template", 9, array(8, 1, text(SSTI))))),
    ("template-templates", "an array of texts named templates", "TP-SSTI", with_pairs(pair("tokenizer.chat_templates", 9, array(8, 2, text("{{ messages }}") + text(SSTI))))),
    ("template-long", "a template of two megabytes", "TP-PARSE", with_template("tokenizer.chat_template", "a" * (2 << 20) + SSTI)),
    ("template-file", "a template that includes a file", "TP-FILE", with_template("tokenizer.chat_template", "{% include '/etc/passwd' %}")),
    ("template-loop", "a template that loops without end", "TP-DOS", with_template("tokenizer.chat_template", "{% for i in range(10 ** 9) %}x{% endfor %}")),
    ("template-broken", "a template that does not parse", "TP-PARSE", with_template("tokenizer.chat_template", "{% for %}")),
    ("f32-nan", "a NaN in a tensor", "WV-NAN", with_tensors(tensor(), content=struct.pack("<4f", 1, float("nan"), 3, 4) + bytes(16))),
    ("f16-infinity", "an infinity in a tensor of halves", "WV-INF", with_tensors(tensor(kind=1), content=struct.pack("<4H", 0x3C00, 0x7C00, 1, 2) + bytes(24))),
    ("bf16-nan", "a NaN in a tensor of bfloats", "WV-NAN", with_tensors(tensor(kind=30), content=struct.pack("<4H", 0x3F80, 0x7FC0, 1, 2) + bytes(24))),
    ("q8-scale", "a NaN in the scale of a block", "WV-NAN", with_tensors(tensor(shape=(32,), kind=8), content=HALF_NAN + bytes(range(1, 33)) + bytes(30))),
    ("q4-k-scale", "a NaN in the scale of a large block", "WV-NAN", with_tensors(tensor(shape=(256,), kind=12), content=HALF_NAN + bytes([1] * 142) + bytes(16))),
    ("q6-k-scale", "an infinity in the last bytes of a block", "WV-INF", with_tensors(tensor(shape=(256,), kind=14), content=bytes([1] * 208) + b"\0\x7c" + bytes(14))),
    ("named-bin", "a sound file under a pickle's name", "FM-MISNAMED", SOUND),
]  # fmt: skip


def many_pairs(count: int) -> bytes:
    return build([pair(f"k{number}", 4, bytes(4)) for number in range(count)], [tensor()], FLOATS)


def many_texts(count: int) -> bytes:
    return with_pairs(pair("tokenizer.ggml.tokens", 9, array(8, count, text("a") * count)))


def many_tensors(count: int) -> bytes:
    tensors = [tensor(f"t{number}", (8,), 0, 32 * number) for number in range(count)]
    return build([ARCHITECTURE], tensors, struct.pack("<8f", *range(8)) * count)


def cases() -> Iterator[Case]:
    """All of them."""
    for name, what, checks, content in _ROWS:
        path = "pytorch_model.bin" if name == "named-bin" else NAME
        yield case(f"gguf-{name}", what, checks, {path: content})
    yield case("gguf-template-differs", "two templates that differ", "TP-DIFFER", {NAME: with_template("tokenizer.chat_template", "{{ messages }}"), "chat_template.jinja": "{{ messages[0] }}"}, "warn")
    yield case("gguf-in-safetensors", "a sound file under another name", "FM-MISNAMED", {"model.safetensors": SOUND})
    yield case("gguf-million-keys", "a million keys", "GG-COUNT", {NAME: lambda: many_pairs(1_000_000)}, is_heavy=True)
    yield case("gguf-texts", "five million texts in an array", "GG-COUNT", {NAME: lambda: many_texts(5_000_000)}, is_heavy=True)
    yield case("gguf-tensors", "three hundred thousand tensors", "GG-COUNT", {NAME: lambda: many_tensors(300_000)}, is_heavy=True)
    yield case("gguf-long-text", "a text of 300 MB", "GG-COUNT", {NAME: lambda: with_pairs(pair("a", 8, text(b"a" * (300 << 20))))}, is_heavy=True)
