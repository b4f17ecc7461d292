"""The parent's side of a smoke run: from a checkpoint to a report.

Owns: the order of a run: planning, starting the confined process as often as asked, and binding the report to what was
run. Refuses to own: what a start is given (`smoke.preparing`), the watching (`smoke.supervise`), what ends mean
(`smoke.conclusion`), thresholds (`smoke.verdict`) and anything that needs torch: this module runs inside workers, which
never import it.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from smoke import sandbox
from smoke.checkpoint import CheckpointError, Source, open_checkpoint
from smoke.conclusion import Started, conclude
from smoke.energy import Meter
from smoke.engines import NATIVE
from smoke.hearing import Heard, Progress
from smoke.plan import Plan, make_plan
from smoke.preparing import Prepared, describer, prepare
from smoke.probes import Probe
from smoke.report import SmokeReport, not_run
from smoke.supervise import Ending, Limits, supervise
from smoke.verdict import RULES_VERSION

__all__ = ["SEED", "STARTS", "Progress", "breakdown", "run"]

STARTS = 2
"""Cold starts of one run: the first measures, every later one shows that it gives the same again."""

SEED = 20_260_101
"""Of sampling, unless another is asked for."""

ROOM = 3.0
"""A later start is begun only with so many times the time left that the first one took to come as far."""


def run(
    source: Source,
    *,
    base: Source | None = None,
    plan: Plan | None = None,
    device: str | None = None,
    quantization: str | None = None,
    backend: str = NATIVE,
    probe: Probe | None = None,
    reference: SmokeReport | None = None,
    is_parent: bool = False,
    progress: Callable[[Progress], None] | None = None,
    limits: Limits | None = None,
    cancel: threading.Event | None = None,
    required: tuple[str, ...] = sandbox.REQUIRED,
    agreement: bool | None = None,
    starts: int = STARTS,
    seed: int = SEED,
    manifest_digest: str = "",
) -> SmokeReport:
    """Runs quantized inference on a folder, or on a mapping of logical paths to real files, in a confined process.

    `base` is what an adapter is put on, where that is not among its own files.
    `agreement` asks for a comparison with full precision; None means for decoders whose full weights are below 1 GiB.
    `reference` is an earlier report; `is_parent` says that it is of the model that this one was made from.
    `plan` is one made before for these very files; without it, it is made here.
    `manifest_digest` is the identity of the files as the caller knows it: the report is bound to it.

    Never raises for anything the checkpoint does. `required` names the layers of confinement without which the run is
    refused; leaving one out is possible, and visible in the report as a warning.
    """
    began = time.monotonic()
    limits = limits or Limits()
    plan_seconds = None
    if plan is None:
        if progress is not None:
            progress(Progress("plan", 0, 0))
        plan = make_plan(source, base=base, device=device, quantization=quantization, backend=backend)
        plan_seconds = time.monotonic() - began
    bound: dict[str, Any] = {"manifest_digest": manifest_digest, "seed": seed, "rules_version": RULES_VERSION}

    def ended(report: SmokeReport) -> SmokeReport:
        spent = time.monotonic() - began
        parts = breakdown(plan_seconds, report.starts, spent)
        return replace(report, seconds=spent, breakdown=parts, **bound)

    if not plan.runnable:
        return ended(not_run(plan.code, plan.reason, plan=plan.to_json()))
    if cancel is not None and cancel.is_set():
        return ended(not_run("canceled", "Canceled at stage plan.", plan=plan.to_json()))
    try:
        with tempfile.TemporaryDirectory(prefix="smoke-") as place:
            checkpoint = open_checkpoint(source, base)
            describe = describer(checkpoint)
            prepared = prepare(
                Path(place),
                checkpoint,
                plan,
                probe or Probe.plain(),
                limits,
                required=required,
                agreement=agreement,
                seed=seed,
            )
            meter = Meter(plan.device)
            first = _start(prepared, 1, Heard(progress, describe, 1), began, cancel)
            later: list[Started] = []
            while len(later) + 1 < starts and _is_well(*(later or [first])[-1]):
                if limits.wall_seconds - (time.monotonic() - began) < ROOM * first[0].seconds_until_repeat():
                    break  # ended by the clock, it would look like another model than the first
                number = len(later) + 2
                if progress is not None:
                    progress(Progress("cold_start", number, starts, start=number))
                later.append(_start(prepared, number, Heard(progress, describe, number), began, cancel))
            energy = meter.spent().to_json()
    except (CheckpointError, OSError) as error:
        return ended(not_run("not_prepared", f"The run could not be prepared: {error}", plan=plan.to_json()))
    report = conclude(
        *first,
        plan,
        limits,
        reference,
        probe=probe,
        is_parent=is_parent,
        manifest_digest=manifest_digest,
        later=later,
        wanted=starts,
        energy=energy,
    )
    return ended(report)


def _start(
    prepared: Prepared, number: int, heard: Heard, began: float, cancel: threading.Event | None
) -> tuple[Heard, Ending]:
    """One confined process, from nothing to its end; the wall limit is that of the whole run."""
    left = max(1.0, prepared.limits.wall_seconds - (time.monotonic() - began))
    command = prepared.command(number)
    heard.began = time.monotonic()
    ending = supervise(
        command,
        environment=prepared.environment,
        folder=prepared.scratch,
        limits=replace(prepared.limits, wall_seconds=left),
        on_line=heard.line,
        cancel=cancel,
    )
    return heard, ending


def _is_well(heard: Heard, ending: Ending) -> bool:
    """Whether it came to its end with measurements, so that another start has something to agree with."""
    return heard.is_complete and not ending.stopped


def breakdown(
    plan_seconds: float | None, starts: tuple[Mapping[str, Any], ...], total: float
) -> tuple[dict[str, Any], ...]:
    """What the seconds of a run are made of, in order; what no stage accounts for comes last.

    `plan_seconds` is None where the plan was brought along.
    """
    parts: list[dict[str, Any]] = []
    if plan_seconds is not None:
        parts.append({"start": 0, "stage": "plan", "seconds": round(plan_seconds, 3), "cpu_seconds": None})
    for start in starts:
        parts += [{"start": start["number"], **stage} for stage in start["stages"]]
    rest = total - sum(part["seconds"] for part in parts)
    parts.append({"start": 0, "stage": "rest", "seconds": round(max(0.0, rest), 3), "cpu_seconds": None})
    return tuple(parts)
