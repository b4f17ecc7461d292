"""What values say that are zero with either sign, or single and absurd; and an index that names what holds none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.unit.weights.makers import checks, f32, safetensors_bytes, write_healthy
from weights import inspect_folder

Array = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def matrix(seed: int = 1) -> Array:
    return np.random.default_rng(seed).standard_normal((32, 32)).astype("<f4")


SIGNED_ZERO = matrix() * np.float32(0)
ABSURD = matrix(2)
ABSURD[3, 5] = 1e20
ORDINARY = matrix(3)
ORDINARY[3, 5] = 1e6


@pytest.mark.parametrize(
    ("expected", "values"),
    [
        (["WV-EMPTY-MODEL", "WV-ZERO"], SIGNED_ZERO),
        (["WV-RANGE"], ABSURD),
        ([], ORDINARY),
    ],
)
def test_one_matrix(tmp_path: Path, expected: list[str], values: Array) -> None:
    (tmp_path / "model.safetensors").write_bytes(safetensors_bytes({"model.a.weight": f32(values)}))
    assert sorted(checks(inspect_folder(tmp_path))) == expected


def test_an_index_names_what_holds_no_weights(tmp_path: Path) -> None:
    root = write_healthy(tmp_path / "release")
    index = root / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    content["weight_map"] |= {"model.ghost.weight": "config.json"}
    index.write_text(json.dumps(content))
    assert "IX-MAP" in checks(inspect_folder(root))


def test_numbers_of_shards_are_not_counted_up_to(tmp_path: Path) -> None:
    (tmp_path / "model-00001-of-99999999999999.safetensors").write_bytes(safetensors_bytes({"a": f32(matrix())}))
    assert "IX-COUNT" in checks(inspect_folder(tmp_path))
