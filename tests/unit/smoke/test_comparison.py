"""Rules that compare: with a declared loss, with an earlier report's loss, and tensor by tensor with its sketch."""

import math
from typing import Any

import pytest

from smoke.comparison import against
from smoke.report import Severity

FAIL, WARN = Severity.FAIL, Severity.WARN
SKETCH = {f"layers.{i}.weight": [0.05, 0.4, -1.2, 0.1 * i] for i in range(8)}


def measured(full: float | None = 3.0, *, declared: float | None = None, **rest: Any) -> dict[str, Any]:
    """Measurements whose quantized loss is 3.003 nats a token, 1.5015 bits a byte; unrounded it is `full`."""
    made: dict[str, Any] = {
        "architecture": "decoder",
        "bits_per_byte": 1.5015,
        "nats_per_token": 3.003,
        "probe": {"digest": "d", "declared_bits_per_byte": declared},
        "static": {"sketch": SKETCH},
    }
    if full is not None:
        made["full"] = {"nats_per_token": full * 1.001, "float32_nats_per_token": full}
    return {**made, **rest}


def broken(
    found: dict[str, Any], quantization: str = "int8", reference: Any = None, **rest: Any
) -> dict[str, Severity]:
    return {m.code: m.severity for m in against(found, quantization, reference, **rest) if not m.ok}


@pytest.mark.parametrize(
    ("full", "expected"),
    [
        (3.0, {}),
        (3.0 * 1.0003, {}),
        (3.0 * 1.0006, {"reference": WARN}),
        (3.0 * 1.0009, {"reference": FAIL}),
        (3.0 * 0.9997, {}),
        (3.0 * 0.9985, {"reference": WARN}),
        (3.0 * 0.995, {"reference": FAIL}),
        (None, {}),
    ],
)
def test_the_unrounded_loss_is_held_to_the_declared_one(full, expected):
    assert broken(measured(full, declared=1.5)) == expected


@pytest.mark.parametrize(
    ("cast", "tokens", "change", "expected"),
    [
        # a cast moves the mean by 0.004 percent, were it chance: eight warn and ten fail
        (0.0048, 1600, 1.0003, {}),
        (0.0048, 1600, 1.00035, {"reference": WARN}),
        (0.0048, 1600, 1.0005, {"reference": FAIL}),
        (0.0048, 1600, 0.9995, {"reference": FAIL}),
        # the shorter the probe, the more is chance
        (0.0048, 100, 1.0013, {"reference": WARN}),
        (0.0048, 100, 1.0017, {"reference": FAIL}),
        # a model that bears much, and one that bears nothing
        (0.5, 1600, 1.0007, {"reference": WARN}),
        (0.5, 1600, 1.0009, {"reference": FAIL}),
        (1e-9, 1600, 1.00015, {}),
        (1e-9, 1600, 1.00025, {"reference": FAIL}),
        # not measured, or nonsense
        (None, 1600, 1.0005, {"reference": WARN}),
        (-1.0, 1600, 1.0005, {"reference": WARN}),
        (0.0048, 0, 1.0005, {"reference": WARN}),
    ],
)
def test_what_a_cast_does_says_how_near_the_loss_must_be(cast, tokens, change, expected):
    found = measured(declared=1.5)
    full = {"nats_per_token": 9.0, "float32_nats_per_token": 3.0 * change, "cast_nats": cast}
    assert broken({**found, "full": full, "probe": {**found["probe"], "tokens": tokens}}) == expected


def test_the_nearer_of_two_precisions_counts():
    assert broken(measured(3.0, declared=1.5 * 1.001)) == {}


def test_the_quantized_loss_serves_where_the_unrounded_did_not_fit():
    assert broken(measured(None, declared=1.5015 / 1.003)) == {"reference": WARN}
    assert broken(measured(None, declared=1.5015 / 1.006)) == {"reference": FAIL}
    assert broken(measured(None, declared=1.5015 / 1.006), "int4") == {}


@pytest.mark.parametrize(
    ("stored", "past", "expected"),
    [
        ("Q4_0", None, {}),
        ("IQ4_XS", None, {}),
        ("Q6_K", None, {}),
        ("gptq-4", None, {}),
        ("gptq-8", None, {"reference": FAIL}),
        ("Q8_0", None, {"reference": FAIL}),
        ("", None, {"reference": FAIL}),
        ("fp8", None, {"reference": FAIL}),
        ("Q4_0", "Q4_0", {"reference": FAIL}),
        ("Q4_0", "", {}),
    ],
)
def test_what_was_stored_in_few_bits_has_lost_as_much_before_it_ran(stored, past, expected):
    ours = measured(None, declared=None if past is not None else 1.5015 / 1.006, stored_as=stored)
    theirs = None if past is None else measured(None, bits_per_byte=1.5015 / 1.006, stored_as=past)
    assert broken(ours, "int8", theirs) == expected


def test_an_earlier_report_is_compared_precision_by_precision():
    assert broken(measured(3.0), reference=measured(3.0)) == {}
    assert broken(measured(3.01), reference=measured(3.0)) == {"reference": FAIL}
    assert broken(measured(3.01), "int4", reference=measured(3.0)) == {"reference": FAIL}


def test_another_probe_cannot_be_compared_but_tensors_can():
    other = measured(3.0, probe={"digest": "other"})
    assert broken(measured(3.0), reference=other) == {"reference": WARN}
    changed = {**SKETCH, "layers.3.weight": [0.05, 2.0, 0.0, 0.0]}
    assert broken(measured(static={"sketch": changed}), reference=other) == {
        "reference": WARN,
        "reference_tensors": FAIL,
    }


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([0.05, 0.4, -1.2, 0.3], {}),
        ([0.0502, 0.41, -1.21, 0.3], {}),
        ([0.052, 0.4, -1.2, 0.3], {"reference_tensors": FAIL}),
        ([0.05, 0.5, -1.2, 0.3], {"reference_tensors": FAIL}),
        ([0.05, 0.4], {"reference_tensors": FAIL}),
        ([math.nan, 0.4, -1.2, 0.3], {"reference_tensors": FAIL}),
        ("nonsense", {"reference_tensors": FAIL}),
    ],
)
def test_one_tensor_of_another_model_among_those_of_the_reference(row, expected):
    found = measured(static={"sketch": {**SKETCH, "layers.3.weight": row}})
    assert broken(found, reference=measured()) == expected


def test_few_tensors_of_the_reference_warn_and_none_says_nothing():
    moved = {name: [0.05, 3.0, 3.0, 3.0] for name in SKETCH}
    assert broken(measured(static={"sketch": moved}), reference=measured()) == {}
    few = {**moved, "layers.0.weight": SKETCH["layers.0.weight"]}
    assert broken(measured(static={"sketch": few}), reference=measured()) == {"reference_tensors": WARN}


def test_a_child_may_differ_from_its_parent():
    changed = {**SKETCH, "layers.3.weight": [0.05, 2.0, 0.0, 0.0]}
    child = measured(3.01, static={"sketch": changed})
    assert broken(child, reference=measured(3.0), is_parent=True) == {}
    assert broken(measured(2.5), reference=measured(3.0), is_parent=True) == {}
    assert broken(measured(3.03), reference=measured(3.0), is_parent=True) == {"reference": WARN}
    assert broken(measured(3.1), reference=measured(3.0), is_parent=True) == {"reference": FAIL}


def test_an_encoder_is_held_to_its_loss_on_hidden_words():
    def encoder(nats: float) -> dict[str, Any]:
        rows = {"sketch": [[1.0, 0.0], [0.0, 1.0]]}
        return {"architecture": "encoder", "encoder": rows, "probe": {"digest": "d"}, "full": {"nats_per_token": nats}}

    assert broken(encoder(3.0), reference=encoder(3.0)) == {}
    assert broken(encoder(3.1), reference=encoder(3.0)) == {"reference_loss": FAIL}
    assert broken(encoder(3.02), reference=encoder(3.0), is_parent=True) == {"reference_loss": WARN}


@pytest.mark.parametrize("nonsense", [None, "text", [], {"nats_per_token": "x"}, {"nats_per_token": math.inf}])
def test_nonsense_in_place_of_the_unrounded_loss_leaves_the_quantized_one(nonsense):
    assert broken(measured(full=None, declared=1.4) | {"full": nonsense}) == {"reference": FAIL}
