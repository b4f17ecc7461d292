"""Which damage smoke inference sees: a table over kinds of damage and small, really trained models.

`python tests/bench/bench_smoke.py [--models DIR ...] [--steps N] [--quantization int8]`

Each kind of damage is done to a copy of each model, the same measurements as in a real run are taken (in this process,
since these files are our own), and the rules are grouped: static, dynamic, blocks, reference. A cell tells in how many
models a rule of that group failed; `w` marks warnings alone. What no group sees is as worth knowing as what it does.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from smoke.devices import Device, Inventory, memory
from smoke.hearing import Heard
from smoke.plan import make_plan
from smoke.probes import Probe
from smoke.report import Severity
from smoke.verdict import judge

Tensors = dict[str, Any]
GROUPS = {
    "static": {"tensors", "missing_keys", "mismatched_keys", "unexpected_keys", "keys", "tokenizer", "crashed"},
    "dynamic": {"finite_logits", "bits_per_byte", "order_gap", "unigram", "calibration", "mean_entropy"},
    "blocks": {"block_skip", "damping", "block_update"},
    "reference": {"reference"},
}
DAMAGES: dict[str, Callable[[Tensors], None]] = {}


def damage(function: Callable[[Tensors], None]) -> Callable[[Tensors], None]:
    """Enters a kind of damage into the table under the name of its function."""
    DAMAGES[function.__name__.replace("_", " ").strip()] = function
    return function


def layers(t: Tensors) -> int:
    return 1 + max(int(name.split(".")[2]) for name in t if ".layers." in name)


def swap(t: Tensors, one: int, other: int) -> None:
    for name in [n for n in t if f".layers.{one}." in n]:
        twin = name.replace(f".layers.{one}.", f".layers.{other}.")
        t[name], t[twin] = t[twin].clone(), t[name].clone()


def noise(t: Tensors, share: float) -> None:
    import torch

    generator = torch.Generator().manual_seed(0)
    for name, tensor in t.items():
        if tensor.ndim == 2:
            bend = torch.randn(tensor.shape, generator=generator) * tensor.float().std() * share
            t[name] = (tensor.float() + bend).to(tensor.dtype)


def flip_bits(t: Tensors, bit: int, every: int) -> None:
    import torch

    for name, tensor in t.items():
        if tensor.ndim == 2 and ".layers." in name:
            flat = tensor.clone().view(torch.int16).reshape(-1)
            flat[::every] = flat[::every] ^ (1 << bit)
            t[name] = flat.view(torch.bfloat16).reshape(tensor.shape)


@damage
def nothing(t: Tensors) -> None:
    """Healthy: whatever fires here is a false alarm."""


@damage
def one_layer_zeroed(t: Tensors) -> None:
    for name in t:
        if ".layers.1." in name:
            t[name].zero_()


@damage
def attention_output_zeroed(t: Tensors) -> None:
    t["model.layers.1.self_attn.o_proj.weight"].zero_()


@damage
def first_and_last_layer_swapped(t: Tensors) -> None:
    swap(t, 0, layers(t) - 1)


@damage
def adjacent_layers_swapped(t: Tensors) -> None:
    swap(t, 1, 2)


@damage
def one_layer_copied_over_another(t: Tensors) -> None:
    for name in [n for n in t if ".layers.1." in n]:
        t[name.replace(".layers.1.", ".layers.2.")] = t[name].clone()


@damage
def sign_of_o_proj_flipped(t: Tensors) -> None:
    t["model.layers.1.self_attn.o_proj.weight"].neg_()


@damage
def sign_of_first_down_proj_flipped(t: Tensors) -> None:
    t["model.layers.0.mlp.down_proj.weight"].neg_()


@damage
def a_NaN_row(t: Tensors) -> None:
    t["model.layers.0.self_attn.q_proj.weight"][3] = float("nan")


@damage
def a_NaN_in_a_rare_token(t: Tensors) -> None:
    t["model.embed_tokens.weight"][-1, 0] = float("nan")


@damage
def top_exponent_bit_of_one_weight(t: Tensors) -> None:
    flip_bits(t, 14, 10**9)


@damage
def low_exponent_bit_of_1_in_100(t: Tensors) -> None:
    flip_bits(t, 7, 100)


@damage
def low_exponent_bit_of_1_in_10000(t: Tensors) -> None:
    flip_bits(t, 7, 10_000)


@damage
def q_proj_transposed(t: Tensors) -> None:
    name = "model.layers.1.self_attn.q_proj.weight"
    t[name] = t[name].T.contiguous()


@damage
def o_proj_transposed(t: Tensors) -> None:
    name = "model.layers.1.self_attn.o_proj.weight"
    t[name] = t[name].T.contiguous()


@damage
def down_proj_times_3(t: Tensors) -> None:
    t["model.layers.1.mlp.down_proj.weight"].mul_(3)


@damage
def down_proj_times_10(t: Tensors) -> None:
    t["model.layers.1.mlp.down_proj.weight"].mul_(10)


@damage
def every_o_proj_halved(t: Tensors) -> None:
    for name in t:
        if name.endswith("o_proj.weight"):
            t[name].mul_(0.5)


@damage
def a_norm_zeroed(t: Tensors) -> None:
    t["model.layers.1.input_layernorm.weight"].zero_()


@damage
def fp16_bytes_read_as_bf16(t: Tensors) -> None:
    import torch

    name = "model.layers.1.mlp.up_proj.weight"
    t[name] = t[name].to(torch.float16).view(torch.bfloat16)


@damage
def quarter_of_a_tensor_zero(t: Tensors) -> None:
    tensor = t["model.layers.1.mlp.up_proj.weight"]
    tensor[: tensor.shape[0] // 4] = 0


@damage
def one_layer_re_initialized(t: Tensors) -> None:
    import torch

    generator = torch.Generator().manual_seed(0)
    for name in t:
        if ".layers.1." in name and t[name].ndim == 2:
            t[name] = (torch.randn(t[name].shape, generator=generator) * t[name].float().std()).to(t[name].dtype)


@damage
def embedding_rows_shifted(t: Tensors) -> None:
    t["model.embed_tokens.weight"] = t["model.embed_tokens.weight"].roll(1, dims=0)


@damage
def gate_and_up_swapped(t: Tensors) -> None:
    gate, up = "model.layers.1.mlp.gate_proj.weight", "model.layers.1.mlp.up_proj.weight"
    t[gate], t[up] = t[up].clone(), t[gate].clone()


@damage
def heads_interleaved_as_in_another_rope_layout(t: Tensors) -> None:
    for name in [n for n in t if n.endswith(("q_proj.weight", "k_proj.weight"))]:
        rows, columns = t[name].shape
        t[name] = t[name].view(-1, 2, 16, columns).transpose(1, 2).reshape(rows, columns).contiguous()


@damage
def noise_of_10_percent(t: Tensors) -> None:
    noise(t, 0.1)


@damage
def noise_of_50_percent(t: Tensors) -> None:
    noise(t, 0.5)


@damage
def a_tensor_missing(t: Tensors) -> None:
    del t["model.layers.1.mlp.up_proj.weight"]


def measured(folder: Path, probe: Probe, quantization: str) -> dict[str, Any]:
    """The measurements of a real run, taken in this process."""
    from smoke import runner

    total, free = memory()
    inventory = Inventory((Device("cpu", 0, "", total, free, ("bfloat16",)),), "here")
    plan = make_plan(folder, inventory=inventory, quantization=quantization)
    if not plan.runnable:
        raise SystemExit(plan.reason)
    request = {
        "folder": str(folder),
        "weight_files": ["model.safetensors"],
        "architecture": plan.kind,
        "quantization": quantization,
        "torch_device": "cpu",
        "dtype": "bfloat16",
        "context": plan.context,
        "planned_bytes": 1 << 62,
        "agreement": False,
        "blocks_seconds": 60,
        "threads": 1,
        "probe": probe.to_json(),
    }
    stream, heard = io.StringIO(), Heard()
    runner.main(request, stream)
    for line in stream.getvalue().splitlines():
        heard.line(line.encode())
    return heard.measured


def groups_broken(found: dict[str, Any], probe: Probe, quantization: str) -> dict[str, str]:
    """For each group `F`, `w` or nothing. What a stopped run did not get to measure is no sign of damage."""
    metrics = [m for m in judge(found, quantization=quantization) if not m.ok and m.reason != "This was not measured."]
    out = {}
    for group, codes in GROUPS.items():
        severities = {m.severity for m in metrics if m.code in codes}
        out[group] = "F" if Severity.FAIL in severities else "w" if Severity.WARN in severities else ""
    return out


def trained(base: Path, steps: int) -> list[Path]:
    """Two models of different depth and seed."""
    from smoke.tiny import main

    main([str(base / "shallow"), "--steps", str(steps)])
    main([str(base / "deep"), "--steps", str(steps), "--seed", "3", "--kind", "max"])
    return [base / "shallow", base / "deep"]


def table(models: list[Path], quantization: str, scratch: Path) -> list[dict[str, Any]]:
    """One row for each kind of damage."""
    from safetensors.torch import load_file, save_file

    rows = []
    for name, change in DAMAGES.items():
        row: dict[str, Any] = {"damage": name, "bits": [], "seen": []}
        row |= dict.fromkeys(GROUPS, "")
        for model in models:
            declared = json.loads(model.with_name(model.name + ".probe.json").read_text())
            probe = Probe.from_json(declared)
            copy = Path(shutil.copytree(model, scratch / "copy", dirs_exist_ok=True))
            tensors = load_file(model / "model.safetensors")
            change(tensors)
            save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
            found = measured(copy, probe, quantization)
            bits = found.get("bits_per_byte")
            row["bits"].append(None if bits is None else 100 * (bits / declared["bits_per_byte"] - 1))
            marks = groups_broken(found, probe, quantization)
            row["seen"].append({group for group, mark in marks.items() if mark == "F"})
            for group, mark in marks.items():
                row[group] += mark
        rows.append(row)
        print(line(row), flush=True)
    return rows


def summary(rows: list[dict[str, Any]]) -> tuple[int, int, int, int]:
    """Damaged cases, how many fail without a reference, how many at all, and healthy ones that fail."""
    harmed = [groups for row in rows[1:] for groups in row["seen"]]
    alone = sum(bool(groups - {"reference"}) for groups in harmed)
    return len(harmed), alone, sum(bool(groups) for groups in harmed), sum(bool(g) for g in rows[0]["seen"])


def line(row: dict[str, Any]) -> str:
    changes = " ".join("-" if b is None else f"{b:+.1f}" for b in row["bits"])
    cells = " ".join(f"{row[group] or '.':9}" for group in GROUPS)
    return f"{row['damage']:44} {cells} {changes}"


def main() -> int:
    """Prints the table and how much was seen with and without a reference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--models", type=Path, nargs="*", help="folders with a .probe.json beside each")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--quantization", choices=("int8", "int4", "bf16"), default="int8")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        models = given.models or trained(base, given.steps)
        print(f"{'damage':44} " + " ".join(f"{group:9}" for group in GROUPS) + " bits per byte, percent")
        rows = table(models, given.quantization, base)
    cases, alone, seen, alarms = summary(rows)
    print(f"{cases} cases: {alone} fail without a reference, {seen} with one; {alarms} false alarms")
    return 1 if alarms else 0


@pytest.mark.torch
@pytest.mark.timeout(3600)
def test_no_false_alarm_and_most_damage_is_seen(tmp_path: Path) -> None:
    """The table on one model; the shares are a little below what was measured when the thresholds were set."""
    pytest.importorskip("torch", reason="needs the smoke requirements")
    cases, alone, seen, alarms = summary(table(trained(tmp_path, 400)[:1], "int8", tmp_path))
    assert alarms == 0
    assert alone >= 0.55 * cases
    assert seen >= 0.65 * cases


if __name__ == "__main__":
    sys.exit(main())
