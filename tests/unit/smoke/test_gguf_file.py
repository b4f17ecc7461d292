"""GGUF headers: what they declare, and everything they may not declare."""

import io
import struct
from pathlib import Path

import pytest

from smoke import gguf_file
from smoke.checkpoint import DECODER, beginning, open_checkpoint
from smoke.devices import Device, Inventory
from smoke.gguf_file import GgufError, read_gguf
from smoke.plan import hardware_fit, make_plan

GIB = 1 << 30
HERE = Inventory((Device("cpu", 0, "a processor", 32 * GIB, 16 * GIB, ("bfloat16",)),), "2.13.0")


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def number(key: str, value: int) -> bytes:
    return text(key) + struct.pack("<II", 4, value)


def word(key: str, value: str) -> bytes:
    return text(key) + struct.pack("<I", 8) + text(value)


def words(key: str, count: int) -> bytes:
    return text(key) + struct.pack("<IIQ", 9, 8, count) + text("x") * count


def tensor(name: str, shape: tuple[int, ...], kind: int = 30, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *reversed(shape), kind, offset)


def header(keys: list[bytes], tensors: list[bytes], version: int = 3, magic: bytes = b"GGUF") -> bytes:
    return magic + struct.pack("<IQQ", version, len(tensors), len(keys)) + b"".join(keys) + b"".join(tensors)


LLAMA = [
    word("general.architecture", "llama"),
    number("llama.context_length", 2048),
    number("llama.embedding_length", 64),
    number("llama.block_count", 1),
    number("llama.feed_forward_length", 128),
    number("llama.attention.head_count", 4),
    number("llama.attention.head_count_kv", 2),
    words("tokenizer.ggml.tokens", 32),
]


def write(path: Path, raw: bytes, size: int = 1 << 20) -> Path:
    path.write_bytes(raw)
    with path.open("r+b") as file:
        file.truncate(max(size, len(raw)))
    return path


def test_a_model_is_planned_for_from_its_header_alone(tmp_path):
    tensors = [tensor("token_embd.weight", (32, 64)), tensor("blk.0.attn_q.weight", (64, 64), 8, 4096)]
    write(tmp_path / "m.gguf", header(LLAMA, tensors))
    checkpoint = open_checkpoint(tmp_path)
    assert (checkpoint.kind, checkpoint.format) == (DECODER, "gguf")
    assert checkpoint.config["num_key_value_heads"] == 2
    assert checkpoint.config["vocab_size"] == 32
    assert {(t.name, t.dtype, t.shape) for t in checkpoint.tensors} == {
        ("model.embed_tokens.weight", "BF16", (32, 64)),
        ("model.layers.0.self_attn.q_proj.weight", "Q8_0", (64, 64)),
    }
    plan = make_plan(tmp_path, inventory=HERE)
    assert (plan.runnable, plan.format, plan.parameters) == (True, "gguf", 32 * 64 + 64 * 64)
    assert plan.stored_as == "Q8_0"
    assert hardware_fit(plan)


@pytest.mark.parametrize(
    "raw",
    [
        b"GGUF",
        header([], [], magic=b"GGML"),
        header([], [], version=1),
        b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0) + bytes(64),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 60) + bytes(64),
        header([text(b"\xff\xfe") + struct.pack("<II", 4, 0)], []),
        header([struct.pack("<Q", 1 << 62) + bytes(64)], []),
        header([text("a") + struct.pack("<I", 77)], []),
        header([text("a") + struct.pack("<IIQ", 9, 8, 1 << 40)], []),
        header([text("a") + struct.pack("<IIQ", 9, 4, 1 << 24)], []),
        header([text("a") + struct.pack("<IIQ", 9, 9, 1) + bytes(64)], []),
        header([number("general.alignment", 0)], []),
        header([], [tensor("a", (1 << 40, 1 << 40))]),
        header([], [tensor("a", (4, 4), offset=1 << 62)]),
        header([], [tensor("a", (4, 4), kind=99)]),
        header([], [tensor("a", (4, 31), kind=8)]),
        header([], [tensor("a", (1, 1, 1, 1, 1))]),
        header([], [tensor("a", (4, 4)), tensor("a", (4, 4))]),
    ],
)
def test_a_lying_header_is_refused(tmp_path, raw):
    path = write(tmp_path / "m.gguf", raw, 4096 if len(raw) > 8 else 0)
    with pytest.raises(GgufError):
        read_gguf(path)
    assert make_plan(tmp_path, inventory=HERE).code == "bad_header"


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ([word("general.architecture", "never-heard-of")], "unsupported_architecture"),
        ([], "unsupported_architecture"),
        (LLAMA[:1], "bad_header"),
        ([*LLAMA, number("llama.block_count", 1 << 30)], "bad_config"),
        ([*LLAMA, word("llama.embedding_length", "wide")], "bad_header"),
        ([*LLAMA, word("llama.attention.head_count_kv", "many")], "planned"),
        (LLAMA, "planned"),
    ],
)
def test_metadata_that_describe_no_model(tmp_path, keys, code):
    write(tmp_path / "m.gguf", header(keys, [tensor("token_embd.weight", (32, 64))]))
    assert make_plan(tmp_path, inventory=HERE).code == code


def test_the_beginning_of_each_file_is_all_that_planning_needs(tmp_path):
    whole, begun = tmp_path / "whole", tmp_path / "begun"
    whole.mkdir()
    begun.mkdir()
    write(whole / "m.gguf", header(LLAMA, [tensor("token_embd.weight", (32, 64))]))
    write(whole / "tokenizer.json", b"{}")
    for path in whole.iterdir():
        with path.open("rb") as source, (begun / path.name).open("wb") as place:
            place.write(beginning(path.name, source))
            place.truncate(path.stat().st_size)
    assert make_plan(begun, inventory=HERE) == make_plan(whole, inventory=HERE)
    assert not any((begun / "tokenizer.json").read_bytes())
    declared = (10).to_bytes(8, "little")
    assert beginning("model.safetensors", io.BytesIO(declared + b"h" * 10 + b"w" * 90)) == declared + b"h" * 10
    absurd = b"\xff" * 8
    assert beginning("x.safetensors", io.BytesIO(absurd + b"w" * 90)) == absurd


def test_long_lists_are_counted_and_not_kept(tmp_path):
    longest = gguf_file.LISTED + 1
    keys = [text("a") + struct.pack("<IIQ", 9, 4, longest) + bytes(4 * longest), words("b", 100)]
    assert read_gguf(write(tmp_path / "m.gguf", header(keys, []))).metadata == {"a": longest, "b": 100}


def test_parts_belong_together_and_projectors_do_not(tmp_path):
    for i in (1, 2):
        keys = LLAMA if i == 1 else []
        write(tmp_path / f"m-0000{i}-of-00002.gguf", header(keys, [tensor(f"blk.{i}.attn_q.weight", (64, 64))]))
    write(tmp_path / "a-mmproj.gguf", header([], []))
    assert len(open_checkpoint(tmp_path).weight_files) == 2
    (tmp_path / "m-00002-of-00002.gguf").unlink()
    assert make_plan(tmp_path, inventory=HERE).code == "missing_shard"
