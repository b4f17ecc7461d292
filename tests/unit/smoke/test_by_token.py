"""Losses token by token: what may be declared, which lists are compared, and each limit on either side."""

import math
from typing import Any

import pytest

import smoke.report
from smoke.by_token import CODE, MOST_TOKENS, TokenLosses, by_token
from smoke.comparison import against
from smoke.report import Outcome, Severity
from smoke.run import run
from smoke.verdict import RULES_VERSION

FAIL, WARN = Severity.FAIL, Severity.WARN
NATS = tuple(round(2 + math.sin(i), 4) for i in range(200))
CAST = 0.004


def moved(apart: float) -> list[float]:
    """The same losses, half of them so much higher and half of them lower."""
    return [nats + (apart if i % 2 else -apart) for i, nats in enumerate(NATS)]


def measured(
    apart: float | None = 0.0, half: float | None = 0.012, bits: int | None = 7, **rest: Any
) -> dict[str, Any]:
    """Measurements whose losses are so far from those declared: in float32, and as stored; None where not taken."""
    full: dict[str, Any] = {"cast_nats": CAST}
    full |= {"float32_token_nats": moved(apart)} if apart is not None else {}
    full |= {"token_nats": moved(half)} if half is not None else {}
    made = {"architecture": "decoder", "full": full, "static": {"mantissa_bits": bits}, "probe": {"digest": "d"}}
    return {**made, **rest}


def declared(found: dict[str, Any], **fields: Any) -> dict[str, Any]:
    losses = {"nats": list(NATS), "measured_in": "float32", "mantissa_bits": 7, "cast_nats": CAST, **fields}
    return {**found, "probe": {"digest": "d", "declared_token_losses": losses}}


def judged(found: dict[str, Any], quantization: str = "int8", reference: Any = None) -> Severity | None:
    metrics = by_token(found, quantization, reference)
    assert [m.code for m in metrics] == [CODE]
    return None if metrics[0].ok else metrics[0].severity


@pytest.mark.parametrize(
    ("casts", "fields", "bits", "expected"),
    [
        # the same numbers, both in float32
        (0.3, {}, 7, None),
        (0.5, {}, 7, WARN),
        (1.1, {}, 7, FAIL),
        (1.1, {"mantissa_bits": 10}, 10, FAIL),
        # cast since
        (1.1, {"mantissa_bits": 23}, 7, None),
        (1.1, {"mantissa_bits": 10}, 7, None),
        (1.1, {"mantissa_bits": 7}, 10, None),
        (1.1, {"mantissa_bits": 23}, 23, FAIL),
        (1.8, {"mantissa_bits": 23}, 7, WARN),
        (2.6, {"mantissa_bits": 23}, 7, FAIL),
        # whether they were cast is not known
        (1.1, {"mantissa_bits": None}, 7, None),
        (2.6, {"mantissa_bits": None}, 7, FAIL),
        (1.1, {}, None, None),
        # without a yardstick of the owner's, the run's own serves
        (1.1, {"cast_nats": None}, 7, FAIL),
        (0.3, {"cast_nats": None}, 7, None),
        # of two yardsticks the smaller one: damage makes a model the more sensitive
        (0.6, {"cast_nats": CAST / 2}, 7, FAIL),
        (1.1, {"cast_nats": CAST * 5}, 7, FAIL),
    ],
)
def test_what_a_cast_does_is_the_unit(casts, fields, bits, expected):
    assert judged(declared(measured(casts * CAST, half=1.0, bits=bits), **fields)) == expected


@pytest.mark.parametrize(
    ("half", "cast", "expected"),
    [
        (3 * CAST, CAST, None),
        (9 * CAST, CAST, WARN),
        (13 * CAST, CAST, FAIL),
        (0.03, None, None),
        (0.05, None, WARN),
        (0.09, None, FAIL),
    ],
)
def test_half_precision_on_either_side_widens_the_limits(half, cast, expected):
    """Declared without its precision, or too large here for float32."""
    large = measured(None, half)
    assert judged(declared(large | {"full": large["full"] | {"cast_nats": None}}, cast_nats=cast)) == expected
    both = measured(half, half)
    assert (
        judged(declared(both | {"full": both["full"] | {"cast_nats": None}}, measured_in="", cast_nats=cast))
        == expected
    )


@pytest.mark.parametrize(
    ("dtype", "bits"), [("bfloat16", 7), ("float16", 10), ("float32", 23), ("else", 23), (None, 23)]
)
def test_weights_use_no_more_bits_than_the_type_they_were_loaded_in(dtype, bits):
    losses = TokenLosses.of(measured(0.0, bits=23, engine={"dtype": dtype}))
    assert losses is not None and losses.mantissa_bits == bits


def test_the_nearer_of_two_precisions_counts_where_that_of_the_owner_is_unknown():
    assert judged(declared(measured(1.0, half=CAST), measured_in="bfloat16")) is None
    assert judged(declared(measured(1.0, half=CAST), measured_in="float32")) is FAIL


def test_where_only_a_rounded_model_fitted_a_large_difference_warns():
    rounded = declared(measured(None, None, token_nats=moved(0.05)))
    assert judged(rounded, "int8") is None
    assert judged({**rounded, "token_nats": moved(0.07)}, "int8") is WARN
    assert judged({**rounded, "token_nats": moved(0.3)}, "int4") is None
    assert judged({**rounded, "token_nats": moved(0.9)}, "int4") is WARN


def test_damage_that_leaves_the_mean_as_it_was_is_seen():
    found = declared(measured(0.1))
    full = {"nats_per_token": 2.0, "float32_nats_per_token": 2.0, **found["full"]}
    rest = {"bits_per_byte": 1.0, "nats_per_token": 2.0, "full": full}
    found = {**found, **rest, "probe": {**found["probe"], "declared_bits_per_byte": 1.0}}
    assert {m.code: m.ok for m in against(found, "int8", None)} == {"reference": True, CODE: False}


def test_an_earlier_report_serves_as_a_declaration():
    assert judged(measured(0.0), reference=measured(0.0)) is None
    assert judged(measured(2 * CAST), reference=measured(0.0)) is FAIL
    assert judged(measured(1.1 * CAST), reference=measured(0.0, bits=23)) is None
    assert judged(measured(None, 3 * CAST), reference=measured(0.0)) is None
    assert judged(measured(None, None, token_nats=moved(0.07)), reference=measured(0.0)) is WARN


@pytest.mark.parametrize(
    "reference",
    [
        None,
        {},
        measured(None, None),
        measured(0.0, probe={"digest": "other"}),
        measured(None, None, token_nats=moved(1)),
    ],
)
def test_without_losses_of_unrounded_weights_on_the_same_probe_nothing_is_said(reference):
    assert by_token(measured(0.0), "int8", reference) == []


def test_a_child_is_not_held_to_the_tokens_of_its_parent():
    codes = {m.code for m in against(measured(1.0), "int8", measured(0.0), is_parent=True)}
    assert CODE not in codes


def test_another_number_of_tokens_fails_and_says_so():
    metric = by_token(declared(measured(0.0), nats=list(NATS[:-1])), "int8", None)[0]
    assert not metric.ok and metric.severity is FAIL
    assert "199 losses are declared" in metric.reason and "200 tokens are scored here" in metric.reason


@pytest.mark.parametrize("nonsense", [None, "text", [], [1.0, None], [math.nan] * 200, [True] * 200, [-1.0] * 200])
def test_what_was_not_measured_is_not_ok(nonsense):
    found = declared(measured(None, None, full={"float32_token_nats": nonsense}))
    assert judged(found) is FAIL
    assert by_token(declared(measured(0.0), nats=nonsense), "int8", None)[0].ok is False


def test_a_list_survives_json():
    losses = TokenLosses.of(measured(0.0))
    assert losses == TokenLosses(tuple(moved(0.0)), "float32", 7, CAST)
    assert TokenLosses.from_json(losses.to_json()) == losses
    assert TokenLosses.from_json({"nats": [1]}) == TokenLosses((1.0,))


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ([], "nats"),
        ({"nats": "1"}, "nats"),
        ({"nats": []}, "nats"),
        ({"nats": [0.1] * (MOST_TOKENS + 1)}, "2049 numbers"),
        ({"nats": [0.1, -0.1]}, "number 2"),
        ({"nats": [0.1, "x"]}, "number 2"),
        ({"nats": [math.nan]}, "number 1"),
        ({"nats": [True]}, "number 1"),
        ({"nats": [1e4]}, "number 1"),
        ({"nats": [1.0], "measured_in": "float64"}, "measured_in"),
        ({"nats": [1.0], "mantissa_bits": 24}, "mantissa_bits"),
        ({"nats": [1.0], "mantissa_bits": True}, "mantissa_bits"),
        ({"nats": [1.0], "cast_nats": 0}, "cast_nats"),
        ({"nats": [1.0], "cast_nats": math.inf}, "cast_nats"),
        ({"nats": [1.0], "other": 1}, "other"),
    ],
)
def test_what_is_no_list_is_refused_by_name(data, named):
    with pytest.raises(ValueError, match=named):
        TokenLosses.from_json(data)


def test_a_report_carries_the_set_of_rules_it_was_judged_by(tmp_path):
    report = run(tmp_path)
    assert report.outcome is Outcome.NOT_RUN
    assert report.rules_version == RULES_VERSION
    assert not hasattr(smoke.report, "RULES_VERSION")
