"""The static pass: each rule on tensors made for it, and nothing on healthy ones."""

import pytest

torch = pytest.importorskip("torch", reason="needs the smoke requirements")

from safetensors.torch import save_file  # noqa: E402

from smoke import tensors  # noqa: E402

pytestmark = pytest.mark.torch


def healthy(layers: int = 4) -> dict:
    generator = torch.Generator().manual_seed(0)
    made = {"model.embed.weight": torch.randn(64, 32, generator=generator)}
    for i in range(layers):
        made[f"model.layers.{i}.up.weight"] = torch.randn(48, 32, generator=generator)
        made[f"model.layers.{i}.norm.weight"] = torch.ones(32)
        made[f"model.layers.{i}.up.bias"] = torch.zeros(48)
    return {name: tensor.bfloat16() for name, tensor in made.items()}


def codes(made: dict, tmp_path) -> dict[str, set[str]]:
    save_file(made, tmp_path / "t.safetensors")
    found = tensors.inspect([tmp_path / "t.safetensors"], lambda done, total: None)
    assert found["tensors"] == len(made)
    by_tensor: dict[str, set[str]] = {}
    for finding in found["findings"]:
        by_tensor.setdefault(finding["tensor"], set()).add(finding["code"])
    return by_tensor


def test_nothing_is_found_in_healthy_tensors_zero_biases_among_them(tmp_path):
    assert codes(healthy(), tmp_path) == {}


UP = "model.layers.2.up.weight"


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        (UP, lambda t: t.index_fill(0, torch.tensor([47]), float("nan")), "not_finite"),
        (UP, lambda t: t.index_fill(0, torch.tensor([0]), float("-inf")), "not_finite"),
        ("model.layers.2.up.bias", lambda t: t.fill_(float("nan")), "not_finite"),
        (UP, torch.zeros_like, "all_zero"),
        ("model.layers.2.norm.weight", torch.zeros_like, "all_zero"),
        (UP, lambda t: t.index_fill(0, torch.tensor([5]), 0), "zero_rows"),
        (UP, lambda t: t.index_fill(0, torch.tensor([5]), 3e6), "outlier"),
        (UP, lambda t: t * 7, "odd_size"),
        (UP, lambda t: t / 7, "odd_size"),
    ],
)
def test_each_rule(name, change, code, tmp_path):
    made = healthy()
    made[name] = change(made[name])
    assert code in codes(made, tmp_path)[name]


def test_five_times_off_is_within_what_healthy_models_show(tmp_path):
    made = healthy()
    made[UP] = made[UP] * 5
    assert codes(made, tmp_path) == {}


def test_a_layer_that_is_a_copy_is_named_with_its_original(tmp_path):
    made = healthy()
    made[UP] = made["model.layers.0.up.weight"].clone()
    assert codes(made, tmp_path) == {UP: {"copied"}}


def test_a_tied_head_stored_twice_is_no_copy(tmp_path):
    made = healthy()
    made["lm_head.weight"] = made["model.embed.weight"].clone()
    assert codes(made, tmp_path) == {}


def test_blocks_change_nothing(tmp_path, monkeypatch):
    tensor = torch.randn(37, 11)
    whole = tensors.measure("x", tensor)
    monkeypatch.setattr(tensors, "BLOCK", 50)
    parts = tensors.measure("x", tensor)
    assert parts.rms == pytest.approx(whole.rms)
    assert (parts.peak, parts.zero_rows, parts.digest) == (whole.peak, whole.zero_rows, whole.digest)


@pytest.mark.parametrize("tensor", [torch.zeros(0, 4), torch.tensor(3.0), torch.arange(5), torch.ones(2, 3, 4)])
def test_odd_shapes_and_types_are_measured(tensor, tmp_path):
    assert tensors.measure("x", tensor).finite
