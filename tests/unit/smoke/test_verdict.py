"""Thresholds: each rule on either side of its number, and silence where the confined process sent nonsense."""

import math
from typing import Any

import pytest

from smoke.report import Severity
from smoke.verdict import judge

HEALTHY: dict[str, Any] = {
    "static": {"findings": [], "tensors": 38, "bytes": 1448136},
    "keys": {"missing_keys": [], "unexpected_keys": [], "mismatched_keys": []},
    "tokenizer": {"present": True, "size": 1024, "largest_id": 1023, "embedding_rows": 1024},
    "template": {"present": True},
    "vocabulary": 1024,
    "finite": True,
    "bits_per_byte": 1.9,
    "nats_per_token": 3.7,
    "mean_entropy": 3.7,
    "shuffled_nats": 7.8,
    "probe": {
        "declared": True,
        "declared_bits_per_byte": 1.9,
        "digest": "d",
        "byte_entropy_bits": 4.6,
        "unigram_nats": 5.4,
    },
    "generation": {"repeatable": True, "cached_agreement": 1.0, "first_token_seconds": 0.1, "tokens_per_second": 9.0},
    "memory": {"peak_bytes": 100, "planned_bytes": 200},
}


UNDECLARED: dict[str, Any] = {
    **HEALTHY,
    "probe": {name: found for name, found in HEALTHY["probe"].items() if name != "declared_bits_per_byte"},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The healthy measurements with one of them replaced, or removed with `...`."""
    first, _, second = path.partition(".")
    if not second:
        return {k: v for k, v in {**HEALTHY, first: value}.items() if v is not ...}
    inner = {k: v for k, v in {**HEALTHY[first], second: value}.items() if v is not ...}
    return {**HEALTHY, first: inner}


def broken(measured: dict[str, Any], **rest: Any) -> dict[str, Severity]:
    return {
        m.code: m.severity for m in judge(measured, quantization=rest.pop("quantization", "int8"), **rest) if not m.ok
    }


def test_healthy_measurements_break_no_rule():
    assert broken(HEALTHY) == {}


FAIL, WARN = Severity.FAIL, Severity.WARN


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("static.findings", [{"tensor": "a", "detail": "is zero throughout"}], {"tensors": FAIL}),
        ("keys.missing_keys", ["a"], {"missing_keys": FAIL}),
        ("keys.mismatched_keys", ["a"], {"mismatched_keys": FAIL}),
        ("keys.unexpected_keys", ["a"], {"unexpected_keys": WARN}),
        ("tokenizer.largest_id", 1024, {"tokenizer": FAIL}),
        ("template.error", "TemplateSyntaxError", {"chat_template": FAIL}),
        ("finite", False, {"finite_logits": FAIL}),
        ("bits_per_byte", 1.9 * 1.0019, {}),
        ("bits_per_byte", 1.9 * 1.0021, {"reference": WARN}),
        ("bits_per_byte", 1.9 * 1.0049, {"reference": WARN}),
        ("bits_per_byte", 1.9 * 1.0051, {"reference": FAIL}),
        ("bits_per_byte", 1.9 * 0.9981, {}),
        ("bits_per_byte", 1.9 * 0.9979, {"reference": WARN}),
        ("bits_per_byte", 2.77, {"bits_per_byte": FAIL, "reference": FAIL}),
        ("shuffled_nats", 4.6, {"order_gap": FAIL}),
        ("mean_entropy", 3.1, {"calibration": Severity.NOTE}),
        ("mean_entropy", 6.5, {"mean_entropy": FAIL}),
        ("mean_entropy", 0.04, {"mean_entropy": FAIL, "calibration": Severity.NOTE}),
        ("probe.unigram_nats", 3.6, {"unigram": FAIL}),
        ("generation.repeatable", False, {"determinism": WARN}),
        ("generation.cached_agreement", 0.9, {"cache": WARN}),
        ("memory.peak_bytes", 201, {"memory": WARN}),
    ],
)
def test_each_rule(path, value, expected):
    assert broken(changed(path, value)) == expected


@pytest.mark.parametrize("path", ["static", "keys", "finite", "bits_per_byte", "shuffled_nats", "tokenizer"])
@pytest.mark.parametrize("nonsense", [..., None, "text", math.nan, [[]], {"a": 1}])
def test_what_is_absent_or_of_another_type_is_not_ok(path, nonsense):
    assert broken(changed(path, nonsense))


@pytest.mark.parametrize(
    ("family", "percent", "errors", "expected"),
    [
        ("transposed", 0.14, 9.0, {}),
        ("transposed", 2.0, 3.4, {}),
        ("transposed", 0.4, 9.0, {"repairs": WARN}),
        ("transposed", 2.0, 4.4, {"repairs": WARN}),
        ("transposed", 2.0, 9.0, {"repairs": FAIL}),
        ("strength", 0.2, 9.0, {}),
        ("strength", 1.0, 9.0, {"repairs": WARN}),
        ("strength", 5.0, 9.0, {"repairs": FAIL}),
    ],
)
def test_a_change_that_mends_the_model_proves_damage(family, percent, errors, expected):
    assert broken({**UNDECLARED, "repairs": mended(family, percent, errors)}) == expected


def mended(family: str, percent: float, errors: float, temperature: float = 1.0) -> dict[str, Any]:
    nats = 3.0 * percent / 100
    gain = {"family": family, "where": "block 1 q", "nats": nats, "error": nats / errors}
    return {"nats_per_token": 3.0, "tried": 10, "total": 20, "temperature": temperature,
            "gains": [{"family": "sign", "nats": "x"}, "y", gain]}  # fmt: skip


@pytest.mark.parametrize(
    ("family", "percent", "errors", "expected"),
    [
        ("strength", 0.55, 9.0, {}),
        ("strength", 0.65, 9.0, {"repairs": WARN}),
        ("transposed", 0.25, 9.0, {}),
        ("transposed", 0.35, 4.0, {}),
        ("transposed", 0.35, 5.0, {"repairs": WARN}),
        ("transposed", 0.55, 5.0, {"repairs": FAIL}),
    ],
)
def test_text_that_a_model_is_too_sure_of_takes_twice_the_gain_to_warn(family, percent, errors, expected):
    assert broken({**UNDECLARED, "repairs": mended(family, percent, errors, 1.25)}) == expected


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        (1.9, {"repairs": WARN, "damping": Severity.NOTE, "block_skip": WARN}),
        (1.9 * 1.0009, {"repairs": WARN, "damping": Severity.NOTE, "block_skip": WARN}),
        (1.9 * 1.0019, {"repairs": FAIL, "damping": WARN, "block_skip": FAIL}),
        (1.9 * 1.01, {"repairs": FAIL, "damping": WARN, "block_skip": FAIL, "reference": FAIL}),
    ],
)
def test_damage_is_suspected_less_where_it_cost_nothing(bits, expected):
    suspected = deep(skip=-0.03, damped={"mlp x0.5": -0.05})
    assert broken({**suspected, "bits_per_byte": bits, "repairs": mended("transposed", 0.9, 9.0)}) == expected


@pytest.mark.parametrize("nonsense", [None, "x", [], {"tried": "many"}, {"tried": 3, "gains": 4, "nats_per_token": -1}])
def test_a_search_for_repairs_that_was_not_made_says_nothing(nonsense):
    assert broken({**HEALTHY, "repairs": nonsense}) == {}


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([], {}),
        ([{"code": "rotary_base", "detail": "d", "severity": "warn"}], {"settings": WARN}),
        ([{"code": "epsilon", "detail": "d", "severity": "fail"}], {"settings": FAIL}),
        ("nonsense", {}),
    ],
)
def test_settings_are_judged_by_their_gravest_finding(findings, expected):
    assert broken({**HEALTHY, "coherence": findings}) == expected


def test_a_slight_oddity_of_a_tensor_warns():
    slight = {"tensor": "a", "detail": "uses 3 bits of its mantissa", "severity": "warn"}
    assert broken(changed("static.findings", [slight])) == {"tensors": WARN}
    assert broken(changed("static.findings", [slight, {"tensor": "b", "detail": "is zero"}])) == {"tensors": FAIL}


def test_a_model_is_judged_by_the_language_that_it_reads_best():
    loose = {**HEALTHY, "probe": {"declared": False, "byte_entropy_bits": 4.6}, "bits_per_byte": 5.0}
    assert broken(loose) == {"bits_per_byte": FAIL}
    german = {"de": {"bits_per_byte": 2.0, "byte_entropy_bits": 4.0}, "fr": "nonsense"}
    assert broken({**loose, "languages": german}) == {}
    assert broken({**loose, "languages": {"de": {"bits_per_byte": 4.0, "byte_entropy_bits": 4.0}}}) == {
        "bits_per_byte": FAIL
    }


def test_an_undeclared_probe_is_judged_by_the_loose_rule_alone():
    loose = {
        **HEALTHY,
        "probe": {"declared": False, "byte_entropy_bits": 4.6, "unigram_nats": 3.0},
        "mean_entropy": 2.0,
    }
    assert broken({**loose, "bits_per_byte": 4.3}) == {}
    assert broken({**loose, "bits_per_byte": 4.4}) == {"bits_per_byte": FAIL}


def test_int4_is_allowed_more_than_int8():
    measured = changed("bits_per_byte", 1.9 * 1.016)
    assert broken(measured) == {"reference": FAIL}
    assert broken(measured, quantization="int4") == {"reference": WARN}
    assert broken(changed("bits_per_byte", 1.9 * 1.011), quantization="int4") == {}


def test_a_reference_report_serves_where_nothing_was_declared():
    measured = changed("probe.declared_bits_per_byte", ...)
    assert broken(measured, reference=HEALTHY) == {}
    assert broken(measured, reference=changed("bits_per_byte", 1.8)) == {"reference": FAIL}
    assert broken(measured, reference=changed("probe.digest", "other")) == {"reference": WARN}


def deep(**changes: Any) -> dict[str, Any]:
    """Healthy measurements with two blocks looked at, and changes to the first of them."""
    damped = {"self_attn x0": 0.4, "self_attn x0.5": 0.1, "mlp x2": 0.3}
    blocks = [
        {"block": 0, "skip_nats": changes.get("skip", 0.3), "damped_nats": {**damped, **changes.get("damped", {})}},
        {"block": 3, "skip_nats": 0.2, "damped_nats": damped},
    ]
    updates = changes.get("updates", [0.5, 0.3])
    return {
        **changes.get("base", HEALTHY),
        "depth": {"nats_per_token": 4.0, "total": 4, "looked_at": 2, "blocks": blocks, "updates": updates},
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"skip": -0.019}, {}),
        ({"skip": -0.021}, {"block_skip": FAIL}),
        ({"damped": {"mlp x0.5": -0.039}}, {}),
        ({"damped": {"mlp x0.5": -0.041}}, {"damping": WARN}),
        ({"damped": {"mlp x0.5": -0.121}}, {"damping": FAIL}),
        ({"updates": [0.5, 0.009]}, {"block_update": WARN}),
    ],
)
def test_rules_on_blocks(changes, expected):
    assert broken(deep(base=UNDECLARED, **changes)) == expected


def test_rules_on_blocks_only_warn_on_text_outside_the_domain():
    healthy = deep(base=UNDECLARED, skip=-0.09, damped={"mlp x0": -0.19})
    healthy["probe"] = {**healthy["probe"], "declared": False}
    assert broken(healthy) == {}
    measured = deep(skip=-1.0, damped={"mlp x0": -1.0})
    measured["probe"] = {**UNDECLARED["probe"], "declared": False}
    assert broken(measured) == {"block_skip": WARN, "damping": WARN}


def test_how_many_blocks_were_looked_at_is_told():
    metric = next(m for m in judge(deep(), quantization="int8") if m.code == "block_skip")
    assert "2 of 4 blocks" in metric.reason


def test_an_encoder_decoder_is_only_warned_about_text_it_was_not_trained_to_continue():
    measured = {**HEALTHY, "architecture": "encoder_decoder", "bits_per_byte": 4.7, "shuffled_nats": 3.7}
    del measured["probe"]
    measured["probe"] = {"declared": False, "byte_entropy_bits": 4.6, "unigram_nats": 5.4}
    assert broken(measured) == {"bits_per_byte": WARN, "order_gap": WARN}


SKETCH = [[1.0, 0.0], [0.0, 1.0]]
ENCODED = {
    **{k: v for k, v in HEALTHY.items() if k not in ("bits_per_byte", "nats_per_token", "generation", "template")},
    "architecture": "encoder",
    "encoder": {"accuracy": 1.0, "margin": 0.6, "strangers_cosine": 0.4, "order_cosine": 0.9, "sketch": SKETCH},
    "masked": {"nats_per_token": 3.0, "unigram_nats": 5.0},
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"strangers_cosine": 1.0}, {"collapse": FAIL}),
        ({"order_cosine": 1.0}, {"word_order": WARN}),
        ({"accuracy": 0.4}, {"paraphrases": Severity.NOTE}),
        ({"accuracy": None}, {"representations": FAIL}),
    ],
)
def test_rules_on_encoders(change, expected):
    assert broken({**ENCODED, "encoder": {**ENCODED["encoder"], **change}}) == expected


def test_paraphrases_are_a_rule_for_encoders_without_a_head_alone():
    bare = {k: v for k, v in ENCODED.items() if k != "masked"}
    assert broken({**bare, "encoder": {**bare["encoder"], "accuracy": 0.4}}) == {"paraphrases": WARN}


def test_masked_words_are_judged_by_the_texts_own_counts():
    assert broken({**ENCODED, "masked": {"nats_per_token": 5.1, "unigram_nats": 5.0}}) == {"masked": FAIL}


@pytest.mark.parametrize(
    ("sketch", "expected"),
    [
        (SKETCH, {}),
        ([[1.0, 0.06], [0.0, 1.0]], {}),
        ([[1.0, 0.07], [0.0, 1.0]], {"reference": FAIL}),
        ([[1.0, 0.0]], {"reference": FAIL}),
        ("nonsense", {"reference": FAIL}),
        ([[], []], {"reference": FAIL}),
    ],
)
def test_an_encoder_is_compared_with_its_reference(sketch, expected):
    measured = {**ENCODED, "encoder": {**ENCODED["encoder"], "sketch": sketch}}
    assert broken(measured, reference=ENCODED) == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"divergence_nats": 0.0005, "same_first_choice": 0.99}, {}),
        ({"divergence_nats": 0.02, "same_first_choice": 0.99}, {"agreement": WARN}),
        ({"divergence_nats": 0.0005, "same_first_choice": 0.5}, {"agreement": WARN}),
    ],
)
def test_agreement_with_full_precision(found, expected):
    assert broken({**HEALTHY, "agreement": found}) == expected
