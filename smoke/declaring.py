"""Declaring what a model loses on its probe: from the report of a run on the weights as they are exported.

Owns: which measurements an owner declares, and the file that later runs are given. Refuses to own: what the file means
(`smoke.probes`, `smoke.by_token`). Pure; needs no torch.
"""

from __future__ import annotations

import json
from dataclasses import replace

from smoke.by_token import TokenLosses
from smoke.comparison import PRECISIONS, full_bits
from smoke.probes import Probe
from smoke.readings import part, value
from smoke.report import SmokeReport

DIGITS = 8


def declaration(probe: Probe, report: SmokeReport) -> Probe:
    """The same text with the losses that this run measured on it; ValueError where there is nothing to declare.

    Only the unrounded weights are the owner's: what a quantizer made of them is not declared.
    """
    measured = report.measurements
    losses = TokenLosses.of(measured)
    bits = next((b for name in PRECISIONS if (b := full_bits(measured, name)) is not None), None)
    if losses is None:
        raise ValueError("the loss of the unrounded weights was not measured: they did not fit, or have none")
    window = value(part(measured, "probe"), "window")
    return replace(
        probe,
        bits_per_byte=round(bits, DIGITS) if bits is not None else None,
        window=int(window) if window is not None else probe.window,
        token_losses=losses,
    )


def written(probe: Probe) -> str:
    """As JSON that `Probe.read` reads, a field on each line."""
    fields = {name: found for name, found in probe.to_json().items() if found is not None and name != "declared"}
    lines = (f"  {json.dumps(name)}: {json.dumps(found, ensure_ascii=False)}" for name, found in fields.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"
