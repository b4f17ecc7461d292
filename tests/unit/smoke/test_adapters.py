"""Which adapters fit which base: by names and shapes alone, and every refusal by its code."""

import pytest

from smoke.adapters import AdapterError, declared_base, fit

PLAIN = {"peft_type": "LORA", "lora_alpha": 16, "base_model_name_or_path": "acme/base"}
BASE = {
    "model.embed_tokens.weight": (96, 32),
    "model.layers.0.self_attn.q_proj.weight": (64, 32),
    "model.layers.0.self_attn.o_proj.weight": (32, 32),
    "lm_head.weight": (96, 32),
}
Q = "base_model.model.model.layers.0.self_attn.q_proj"
OWN = {f"{Q}.lora_A.weight": (4, 32), f"{Q}.lora_B.weight": (64, 4)}


def test_a_change_is_found_with_its_scale():
    adapter = fit(PLAIN, OWN, BASE)
    (change,) = adapter.changes.values()
    assert list(adapter.changes) == ["model.layers.0.self_attn.q_proj.weight"]
    assert (change.scale, change.is_transposed, change.magnitude) == (4.0, False, "")
    assert adapter.declared_base == "acme/base"


@pytest.mark.parametrize(
    ("settings", "scale"),
    [
        ({"use_rslora": True}, 8.0),
        ({"alpha_pattern": {"q_proj": 2}}, 0.5),
        ({"alpha_pattern": {"^model.layers.0.self_attn.q_proj": 2}}, 0.5),
        ({"alpha_pattern": {"k_proj": 2}}, 4.0),
        ({"lora_alpha": 1.0}, 0.25),
    ],
)
def test_scales(settings, scale):
    (change,) = fit({**PLAIN, **settings}, OWN, BASE).changes.values()
    assert change.scale == scale


@pytest.mark.parametrize("change", [lambda n: n, lambda n: f"language_model.{n}", lambda n: n.removeprefix("model.")])
def test_names_with_more_or_fewer_parts_in_front_are_found(change):
    base = {change(name): shape for name, shape in BASE.items()}
    assert list(fit(PLAIN, OWN, base).changes) == [change("model.layers.0.self_attn.q_proj.weight")]


def test_what_is_saved_whole_replaces():
    own = {
        **OWN,
        "base_model.model.lm_head.modules_to_save.default.weight": (96, 32),
        "base_model.model.model.embed_tokens.base_layer.weight": (96, 32),
    }
    assert set(fit(PLAIN, own, BASE).replaced) == {"lm_head.weight", "model.embed_tokens.weight"}


def test_embeddings_are_changed_the_other_way_round():
    at = "base_model.model.model.embed_tokens"
    (change,) = fit(
        PLAIN, {f"{at}.lora_embedding_A": (4, 96), f"{at}.lora_embedding_B": (32, 4)}, BASE
    ).changes.values()
    assert change.is_transposed


@pytest.mark.parametrize(("kind", "expected"), [("llama", False), ("gpt2", True)])
def test_of_a_square_matrix_the_architecture_tells_which_way_round_it_is(kind, expected):
    at = "base_model.model.model.layers.0.self_attn.o_proj"
    own = {f"{at}.lora_A.weight": (4, 32), f"{at}.lora_B.weight": (32, 4)}
    (change,) = fit(PLAIN, own, BASE, kind).changes.values()
    assert change.is_transposed is expected


@pytest.mark.parametrize(
    ("settings", "own", "code"),
    [
        ({"peft_type": "IA3"}, {}, "unsupported_adapter"),
        ({"peft_type": None}, {}, "unsupported_adapter"),
        ({"init_lora_weights": "pissa_niter_4"}, {}, "unsupported_adapter"),
        ({"init_lora_weights": "loftq"}, {}, "unsupported_adapter"),
        ({"target_parameters": ["mlp.experts.gate_up_proj"]}, {}, "unsupported_adapter"),
        ({"alpha_pattern": {"(a+)+$": 3}}, {}, "unsupported_adapter"),
        ({"lora_alpha": "all"}, {}, "unsupported_adapter"),
        ({"lora_alpha": float("nan")}, {}, "unsupported_adapter"),
        ({}, {f"{Q}.lora_B.bias": (64,)}, "unsupported_adapter"),
        ({}, {f"{Q}.lora_magnitude_vector": (3,)}, "unsupported_adapter"),
        ({}, {f"{Q}.lora_A.weight": (4, 16)}, "wrong_base"),
        ({}, {f"{Q}.lora_A.weight": (5, 32)}, "unsupported_adapter"),
        ({}, {"base_model.model.model.layers.9.self_attn.q_proj.lora_A.weight": (4, 32)}, "wrong_base"),
        ({}, {"base_model.model.model.layers.0.self_attn.o_proj.lora_A.weight": (4, 32)}, "incomplete_adapter"),
    ],
)
def test_refusals(settings, own, code):
    with pytest.raises(AdapterError) as error:
        fit({**PLAIN, **settings}, {**OWN, **own}, BASE)
    assert error.value.code == code
    assert str(error.value).endswith((".", "path: (a+)+"))


def test_a_base_that_is_not_named():
    assert declared_base({}) == "a model that it does not name"
