"""The static pass: each rule on tensors made for it, and nothing on healthy ones."""

import pytest

torch = pytest.importorskip("torch", reason="needs the smoke requirements")

from safetensors.torch import save_file  # noqa: E402

from smoke import tensors  # noqa: E402
from smoke.checkpoint import Checkpoint, read_header  # noqa: E402

pytestmark = pytest.mark.torch


def healthy(layers: int = 4) -> dict:
    generator = torch.Generator().manual_seed(0)
    made = {"model.embed.weight": torch.randn(64, 32, generator=generator)}
    for i in range(layers):
        made[f"model.layers.{i}.up.weight"] = torch.randn(48, 32, generator=generator)
        made[f"model.layers.{i}.norm.weight"] = torch.ones(32)
        made[f"model.layers.{i}.up.bias"] = torch.zeros(48)
    return {name: tensor.bfloat16() for name, tensor in made.items()}


def inspected(made: dict, folder) -> dict:
    """What is found in a file with these tensors."""
    path = folder / "t.safetensors"
    save_file(made, path)
    checkpoint = Checkpoint({path.name: path}, {}, tuple(read_header(path.name, path)))
    return tensors.inspect(checkpoint, folder, lambda done, total: None)


def codes(made: dict, tmp_path) -> dict[str, set[str]]:
    found = inspected(made, tmp_path)
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
        (UP, lambda t: t.index_fill(1, torch.tensor([5]), 0), "zero_columns"),
        (UP, lambda t: (t * 40).round(), "whole_numbers"),
    ],
)
def test_each_rule(name, change, code, tmp_path):
    made = healthy()
    made[name] = change(made[name])
    assert code in codes(made, tmp_path)[name]


def test_a_norm_that_is_as_it_was_before_training_deserves_a_warning(tmp_path):
    made = healthy()
    norms = [name for name in made if name.endswith("norm.weight")]
    trained = {name: made[name] + torch.linspace(-0.5, 0.5, 32).bfloat16() for name in norms[1:]}
    assert codes(made | trained, tmp_path) == {norms[0]: {"untouched"}}
    assert codes(made | {name: trained[name] for name in norms[3:]}, tmp_path) == {}


def test_few_different_numbers_deserve_a_warning_and_a_mask_does_not(tmp_path):
    large = torch.randn(64, 128, generator=torch.Generator().manual_seed(1))
    scale = large.abs().max() / 7
    made = healthy() | {"model.layers.2.large.weight": (large / scale).round() * scale}
    assert codes(made, tmp_path)["model.layers.2.large.weight"] == {"few_values"}
    by_row = large.abs().amax(dim=1, keepdim=True) / 7
    rest = {"model.layers.2.large.weight": (large / by_row).round() * by_row, "model.mask": torch.ones(64, 128).tril()}
    assert "few_values" not in set().union(*codes(healthy() | rest, tmp_path).values())


def test_few_bits_of_a_mantissa_and_padded_tables_only_deserve_a_warning(tmp_path):
    made = healthy()
    made["model.embed.weight"] = torch.cat([made["model.embed.weight"], torch.zeros(8, 32).bfloat16()])
    large = torch.randn(64, 128, generator=torch.Generator().manual_seed(1)).bfloat16()
    made["model.layers.0.coarse.weight"] = (large.view(torch.int16) & -16).view(torch.bfloat16)
    made["model.layers.1.fine.weight"] = large.float()
    found = inspected(made, tmp_path)["findings"]
    assert {(f["code"], f["tensor"], f["severity"]) for f in found} == {
        ("zero_rows", "model.embed.weight", "warn"),
        ("coarse", "model.layers.0.coarse.weight", "warn"),
    }


def test_noise_among_trained_siblings_is_told(tmp_path):
    generator = torch.Generator().manual_seed(2)
    sizes = torch.linspace(0.2, 2.0, 64)[:, None]
    made = {f"layers.{i}.up.weight": torch.randn(64, 64, generator=generator) * sizes for i in range(4)}
    made["layers.2.up.weight"] = torch.randn(64, 64, generator=generator)
    assert codes(made, tmp_path) == {"layers.2.up.weight": {"untouched"}}


def test_a_head_that_differs_from_its_embedding_is_named(tmp_path):
    made = {"model.embed_tokens.weight": torch.randn(64, 32), "lm_head.weight": torch.randn(64, 32)}
    assert inspected(made, tmp_path)["untied"] == "lm_head.weight"
    tied = {**made, "lm_head.weight": made["model.embed_tokens.weight"].clone()}
    assert inspected(tied, tmp_path)["untied"] == ""


def test_a_sketch_stays_under_another_type_and_moves_under_another_order():
    one = torch.randn(300, 100, generator=torch.Generator().manual_seed(3))
    sketch = tensors.measure("x", one).sketch
    assert tensors.measure("x", one.bfloat16()).sketch == pytest.approx(sketch, abs=0.02)
    assert tensors.measure("x", one.roll(1, 0)).sketch != pytest.approx(sketch, abs=0.1)


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


def test_an_adapter_that_learned_nothing_somewhere_is_told_and_no_damage(tmp_path):
    low = {f"layers.{i}.q.lora_{half}.weight": torch.randn(16, 16) * 0.01 for i in range(4) for half in "AB"}
    low["layers.2.q.lora_B.weight"] *= 50  # it learned more there than elsewhere
    low["layers.3.q.lora_B.weight"].zero_()
    save_file(healthy(), tmp_path / "t.safetensors")
    save_file(low, tmp_path / "a.safetensors")
    both = [(n, tmp_path / n) for n in ("t.safetensors", "a.safetensors")]
    base, own = [tuple(read_header(name, path)) for name, path in both]
    found = tensors.inspect(Checkpoint(dict(both), {}, base, own=own), tmp_path, lambda *_: None)
    assert found["tensors"] == len(base) + len(own)
    assert [(f["code"], f["tensor"], f["severity"]) for f in found["findings"]] == [
        ("all_zero", "layers.3.q.lora_B.weight", "warn")
    ]


def test_blocks_change_nothing(tmp_path, monkeypatch):
    tensor = torch.randn(37, 11)
    whole = tensors.measure("x", tensor)
    monkeypatch.setattr(tensors, "BLOCK", 50)
    parts = tensors.measure("x", tensor)
    assert parts.rms == pytest.approx(whole.rms)
    assert (parts.peak, parts.zero_rows, parts.digest) == (whole.peak, whole.zero_rows, whole.digest)
    assert parts.sketch == pytest.approx(whole.sketch, abs=1e-3)
    assert parts.unevenness == pytest.approx(whole.unevenness)


@pytest.mark.parametrize("tensor", [torch.zeros(0, 4), torch.tensor(3.0), torch.arange(5), torch.ones(2, 3, 4)])
def test_odd_shapes_and_types_are_measured(tensor, tmp_path):
    assert tensors.measure("x", tensor).finite
