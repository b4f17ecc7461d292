"""What GPTQ and AWQ packed: recognized from settings and shapes, and anything else left to their libraries."""

from typing import Any

import pytest

from smoke.packed import find

GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 32}
AWQ = {"quant_method": "awq", "bits": 4, "group_size": 32, "version": "GEMM"}
ROWS = {"a.qweight": (8, 64), "a.qzeros": (2, 8), "a.scales": (2, 64), "a.g_idx": (64,), "norm.weight": (64,)}
COLUMNS = {"a.qweight": (64, 16), "a.qzeros": (2, 16), "a.scales": (2, 128)}


@pytest.mark.parametrize(
    ("settings", "shapes", "shape", "group", "offset"),
    [
        (GPTQ, ROWS, (64, 64), 32, 1),
        (GPTQ | {"checkpoint_format": "gptq_v2"}, ROWS, (64, 64), 32, 0),
        (GPTQ | {"bits": 8}, {"a.qweight": (16, 64), "a.qzeros": (2, 16), "a.scales": (2, 64)}, (64, 64), 32, 1),
        (GPTQ | {"group_size": -1}, {**ROWS, "a.qzeros": (1, 8), "a.scales": (1, 64)}, (64, 64), 64, 1),
        (AWQ, COLUMNS, (128, 64), 32, 0),
    ],
)
def test_what_belongs_together(settings, shapes, shape, group, offset):
    (name, one), *none = find(settings, shapes).items()
    assert (name, one.shape, one.group, one.offset, none) == ("a.weight", shape, group, offset, [])
    assert set(one.names) == set(shapes) - {"norm.weight"}


@pytest.mark.parametrize(
    ("settings", "shapes"),
    [
        ({}, ROWS),
        ({"quant_method": ["gptq"]}, ROWS),
        (GPTQ | {"bits": 3}, ROWS),
        (GPTQ | {"bits": "4"}, ROWS),
        (GPTQ | {"bits": [4]}, ROWS),
        (GPTQ | {"group_size": None}, ROWS),
        (GPTQ | {"group_size": True}, ROWS),
        (GPTQ | {"group_size": 16}, ROWS),
        (AWQ | {"version": "gemv"}, COLUMNS),
        (AWQ | {"bits": 8}, COLUMNS),
        (AWQ, ROWS),
        (GPTQ, {"norm.weight": (64,)}),
        (GPTQ, {"a.qweight": (8, 64)}),
        (GPTQ, ROWS | {"a.g_idx": (63,)}),
        (GPTQ, ROWS | {"a.qzeros": (2, 7)}),
        (GPTQ, ROWS | {"b.qweight": (8, 64)}),
    ],
)
def test_what_is_of_no_known_layout(settings: dict[str, Any], shapes: dict[str, tuple[int, ...]]):
    assert find(settings, shapes) == {}
