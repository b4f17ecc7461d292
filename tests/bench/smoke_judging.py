"""Verdicts on kept measurements, and what a model's owner would have declared when it was exported."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from smoke.by_token import TokenLosses
from smoke.comparison import full_bits
from smoke.probes import Probe
from smoke.report import Outcome, outcome_of
from smoke.verdict import judge
from tests.bench.smoke_models import KEPT, Recipe

CASES = KEPT.parent / "smoke-cases"
NOT_MEASURED = "This was not measured."

Measured = dict[str, Any]


def outcome(measured: Measured, quantization: str = "int8", reference: Measured | None = None) -> Outcome:
    """As a run with these measurements would end."""
    if "error" in measured:
        return Outcome.FAIL
    metrics = judge(measured, quantization=quantization, reference=reference)
    return outcome_of([m for m in metrics if m.reason != NOT_MEASURED])[0]


def reasons(measured: Measured, quantization: str, reference: Measured | None = None) -> list[str]:
    """What is not ok, in a word and a sentence."""
    metrics = judge(measured, quantization=quantization, reference=reference)
    return [f"{m.code}: {m.reason}" for m in metrics if not m.ok and m.severity != "note" and m.reason != NOT_MEASURED]


def probe_of(recipe: Recipe) -> tuple[Probe, float | None]:
    """The held-out text as a declared probe, and its declared loss."""
    found = json.loads(recipe.probe.read_text())
    return Probe(found["text"], True, None, found["window"]), found.get("bits_per_byte")


def healthy(recipe: Recipe, mode: str) -> Measured:
    """Measurements of the model as it was trained, on the general text or on its own."""
    from tests.bench.smoke_measures import kept, take

    probe = Probe.plain() if mode == "plain" else probe_of(recipe)[0]
    return kept(CASES / recipe.name / f"healthy-{mode}.json", lambda: take(recipe.folder, probe))


def with_declared(measured: Mapping[str, Any], bits: float | None, losses: TokenLosses | None = None) -> Measured:
    """The same measurements, as if the probe had declared this loss, and these of single tokens."""
    declared = {
        "declared_bits_per_byte": bits,
        "declared_token_losses": losses.to_json() if losses is not None else None,
    }
    return {**measured, "probe": {**measured.get("probe", {}), **declared}}


def declared_by(measured: Measured) -> tuple[float | None, TokenLosses | None]:
    """What `--declare` writes after a run with these measurements."""
    return full_bits(measured, "float32_nats_per_token"), TokenLosses.of(measured)


def without_tokens(measured: Measured) -> Measured:
    """The same measurements, as an earlier version took them: the mean loss alone."""
    full = {name: number for name, number in measured.get("full", {}).items() if not name.endswith("token_nats")}
    return {**measured, "full": full}
