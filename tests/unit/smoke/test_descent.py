"""A child told from a damaged copy by how the tensors moved, and what each is held to."""

import math
import random
from typing import Any

import pytest

from smoke.comparison import against
from smoke.descent import descends, distances
from smoke.report import Severity

FAIL, WARN = Severity.FAIL, Severity.WARN
LAYERS = 6
MATRICES = [f"model.layers.{i}.{role}.weight" for i in range(LAYERS) for role in ("q_proj", "o_proj", "down_proj")]
VECTORS = [f"model.layers.{i}.{role}.weight" for i in range(LAYERS) for role in ("input_layernorm", "ln_2")]
NATS = [2 + math.sin(i) for i in range(1600)]


def sketch(names: Any = (), moved: float = 0.0, seed: int = 1) -> dict[str, list[float]]:
    """Sums of a small model's tensors, those named moved by so many standard deviations."""
    still, noise = random.Random(0), random.Random(seed)
    rows = {name: [0.05, *(still.gauss(0, 1) for _ in range(3))] for name in (*MATRICES, *VECTORS)}
    for name in names:
        rows[name] = [0.05, *(number + moved * noise.gauss(0, 1) for number in rows[name][1:])]
    return rows


EVERY = (*MATRICES, *VECTORS)


def measured(rows: dict[str, list[float]], nats: float = 3.0, tokens: float = 0.0, **rest: Any) -> dict[str, Any]:
    each = [n + (tokens if i % 2 else -tokens) for i, n in enumerate(NATS)]
    full = {"float32_nats_per_token": nats, "float32_token_nats": each, "cast_nats": 0.005}
    made = {"architecture": "decoder", "bits_per_byte": nats / 2, "nats_per_token": nats, "full": full,
            "probe": {"digest": "d", "tokens": len(NATS)}, "static": {"sketch": rows, "mantissa_bits": 7}}  # fmt: skip
    return {**made, **rest}


PARENT = measured(sketch())


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (sketch(EVERY, 0.07), True),
        (sketch(EVERY, 0.02), True),
        # a cast, and nothing at all
        (sketch(EVERY, 0.001), False),
        (sketch(), False),
        # noise on every matrix leaves the norms as they were
        (sketch(MATRICES, 0.1), False),
        (sketch(VECTORS, 0.1), False),
        # another model altogether, and layers of another
        (sketch(EVERY, 1.5), False),
        ({**sketch(EVERY, 0.07), **{name: [0.05, 9.0, 9.0, 9.0] for name in MATRICES[:6]}}, False),
        # too few to say
        ({name: row for name, row in sketch(EVERY, 0.07).items() if ".0." in name}, False),
        ({}, False),
    ],
)
def test_a_child_moved_everything_a_little(rows, expected):
    assert descends(measured(rows), PARENT) is expected


@pytest.mark.parametrize("row", ["nonsense", [0.05], [0.05, math.nan, 0.0, 0.0], [0.05, "1", 0.0, 0.0], None])
def test_what_is_no_sum_is_infinitely_far(row):
    rows = {**sketch(), MATRICES[0]: row}
    assert distances(measured(rows), PARENT)[MATRICES[0]] == math.inf
    assert descends(measured(rows, static=None), PARENT) is False


def broken(found: dict[str, Any], reference: Any = PARENT, **rest: Any) -> dict[str, Severity]:
    return {m.code: m.severity for m in against(found, "int8", reference, **rest) if not m.ok}


@pytest.mark.parametrize(
    ("nats", "expected"),
    [(2.5, {}), (3.0, {}), (3.002, {}), (3.02, {"reference": WARN}), (3.06, {"reference": FAIL})],
)
def test_a_likely_child_may_differ_and_is_doubted_where_it_got_worse(nats, expected):
    assert broken(measured(sketch(EVERY, 0.07), nats, tokens=0.4)) == expected


def test_without_such_tensors_the_same_losses_fail():
    assert broken(measured(sketch(MATRICES, 0.07), 2.99, tokens=0.4)) == {
        "reference": FAIL, "reference_token_losses": FAIL, "reference_tensors": WARN,
    }  # fmt: skip


def test_a_tensor_of_a_child_that_is_nobodys_is_named():
    rows = {**sketch(EVERY, 0.07), MATRICES[0]: [0.05, 9.0, 9.0, 9.0]}
    (told,) = [m for m in against(measured(rows), "int8", PARENT) if m.code == "reference_tensors"]
    assert (told.ok, told.severity, told.value) == (False, WARN, 1.0)
    assert MATRICES[0] in told.reason


@pytest.mark.parametrize("is_parent", [True, False])
def test_what_was_declared_is_the_models_own_whoever_its_parent_is(is_parent):
    losses = {"nats": NATS, "measured_in": "float32", "mantissa_bits": 7, "cast_nats": 0.005}
    probe = {"digest": "d", "tokens": len(NATS), "declared_bits_per_byte": 1.5, "declared_token_losses": losses}
    child = measured(sketch(EVERY, 0.07), probe=probe)
    assert broken(child, measured(sketch(), 3.5), is_parent=is_parent) == {}
    damaged = measured(sketch(EVERY, 0.07), 2.98, tokens=0.05, probe=probe)
    assert broken(damaged, measured(sketch(), 3.5), is_parent=is_parent) == {
        "reference": FAIL, "reference_token_losses": FAIL,
    }  # fmt: skip
