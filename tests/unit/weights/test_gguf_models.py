"""GGUF files as models: metadata against tensors, parts of a split file against each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from tests.unit.weights.makers import checks
from weights import inspect_folder

WIDTH, INNER, TOKENS = 32, 64, 48
LAYER = {"attn_norm": (WIDTH,), "attn_q": (WIDTH, WIDTH), "ffn_up": (INNER, WIDTH), "ffn_down": (WIDTH, INNER)}


def tensors(layers: int = 2) -> dict[str, tuple[int, ...]]:
    made = {f"blk.{layer}.{part}.weight": shape for layer in range(layers) for part, shape in LAYER.items()}
    return {"token_embd.weight": (TOKENS, WIDTH), "output_norm.weight": (WIDTH,)} | made


def write(
    path: Path,
    shapes: dict[str, tuple[int, ...]] | None = None,
    *,
    layers: int = 2,
    tokens: int = TOKENS,
    types: int = TOKENS,
    kind: str = "llama",
    heads: int = 4,
    numbers: dict[str, int] | None = None,
    **split: int,
) -> None:
    writer = gguf.GGUFWriter(path, kind)
    writer.add_block_count(layers)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(heads)
    writer.add_token_list([f"t{number}" for number in range(tokens)])
    writer.add_token_types([1] * types)
    for key, number in (numbers or {}).items():
        writer.add_uint32(key, number)
    for key, number in split.items():
        writer.add_uint16("split." + key.replace("_", "."), number)
    random = np.random.default_rng(1)
    for name, shape in (tensors() if shapes is None else shapes).items():
        writer.add_tensor(name, random.standard_normal(shape).astype("<f2"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.parametrize(
    ("expected", "options"),
    [
        ([], {}),
        (["GG-MODEL"], {"layers": 3}),
        (["GG-MODEL"], {"heads": 5}),
        (["GG-MODEL"], {"layers": 1}),
        (["GG-MODEL"], {"tokens": TOKENS - 1, "types": TOKENS - 1}),
        (["GG-MODEL"], {"types": TOKENS - 1}),
        (["GG-MODEL"], {"numbers": {"tokenizer.ggml.eos_token_id": TOKENS}}),
        ([], {"numbers": {"tokenizer.ggml.eos_token_id": TOKENS - 1}}),
        (["GG-MODEL"], {"numbers": {"llama.attention.key_length": 16}}),
        (["GG-MODEL"], {"shapes": tensors() | {"blk.0.ffn_up.weight": (INNER // 2, WIDTH)}}),
        (["GG-MODEL"], {"shapes": tensors() | {"output_norm.weight": (INNER,)}}),
        (["GG-MODEL"], {"shapes": tensors() | {"token_embd.weight": (TOKENS, INNER)}}),
        (["CT-MISSING"], {"layers": 4, "shapes": {k: v for k, v in tensors(4).items() if k != "blk.2.attn_q.weight"}}),
        ([], {"kind": "unheard-of"}),
        ([], {"kind": "clip", "layers": 7}),
    ],
)
def test_metadata_against_tensors(tmp_path: Path, expected: list[str], options: dict[str, Any]) -> None:
    write(tmp_path / "model.gguf", **options)
    assert checks(inspect_folder(tmp_path)) == expected


def halves(count: int) -> list[dict[str, tuple[int, ...]]]:
    items = list(tensors().items())
    return [dict(items[:count]), dict(items[count:])]


@pytest.mark.parametrize(
    ("expected", "count", "missing", "number"),
    [
        ([], 10, False, 1),
        (["GG-SPLIT"], 11, False, 1),
        (["GG-SPLIT"], 10, False, 0),
        (["GG-SPLIT", "IX-COUNT"], 10, True, 1),
    ],
)
def test_parts_of_a_split_file(tmp_path: Path, expected: list[str], count: int, missing: bool, number: int) -> None:
    first, second = halves(5)
    write(tmp_path / "m-00001-of-00002.gguf", first, no=0, count=2, tensors_count=count)
    if not missing:
        write(tmp_path / "m-00002-of-00002.gguf", second, no=number, count=2, tensors_count=count)
    assert sorted(checks(inspect_folder(tmp_path))) == expected
