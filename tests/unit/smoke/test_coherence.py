"""Settings that contradict the tokenizer, the tensors or what any model is trained with."""

from types import SimpleNamespace
from typing import Any

import pytest

from smoke.coherence import findings


def config(**changed: Any) -> SimpleNamespace:
    made = {
        "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": None, "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0}, "tie_word_embeddings": True,
    }  # fmt: skip
    return SimpleNamespace(**{**made, **changed})


def tokenizer(**changed: Any) -> SimpleNamespace:
    made = {"bos_token_id": 0, "eos_token_id": 1, "all_special_ids": [0, 1, 2], "added_tokens_decoder": {}}
    return SimpleNamespace(**{**made, **changed})


def found(config: Any, tokenizer: Any = None, generation: Any = None, untied: str = "") -> list[tuple[str, str]]:
    return [(f["code"], f["severity"]) for f in findings(config, tokenizer, generation, rows=100, untied=untied)]


def test_sound_settings_raise_nothing():
    assert found(config(), tokenizer()) == []
    assert found(config(), None) == []
    assert found(SimpleNamespace(), SimpleNamespace()) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"rms_norm_eps": 2e-3}, [("epsilon", "warn")]),
        ({"rms_norm_eps": 1.0}, [("epsilon", "fail")]),
        ({"rope_parameters": {"rope_theta": 100.0}}, [("rotary_base", "warn")]),
        (
            {"rope_parameters": {"full": {"rope_theta": 1e10}, "sliding": {"rope_theta": 1e4}}},
            [("rotary_base", "warn")],
        ),
        ({"rope_parameters": {"rope_theta": 1e6}}, []),
        ({"pad_token_id": 100}, [("special_token", "fail")]),
        ({"pad_token_id": -1}, []),
        ({"eos_token_id": 41}, [("special_token", "fail")]),
        ({"eos_token_id": [1, 41]}, []),
        ({"eos_token_id": 2}, [("special_token", "warn")]),
        ({"bos_token_id": 41}, [("special_token", "warn")]),
        ({"bos_token_id": True, "eos_token_id": None}, []),
    ],
)
def test_each_rule(changed, expected):
    assert found(config(**changed), tokenizer()) == expected


def test_an_end_that_generation_knows_is_an_end():
    assert found(config(eos_token_id=2), tokenizer(), SimpleNamespace(eos_token_id=[1, 2])) == []


def test_a_head_that_would_be_ignored():
    assert found(config(), tokenizer(), untied="lm_head.weight") == [("tie", "fail")]
    assert found(config(tie_word_embeddings=False), tokenizer(), untied="lm_head.weight") == []
