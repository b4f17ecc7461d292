"""From how a run ended to its report.

Owns: turning every way in which confined processes can end into an outcome, a code and a sentence. Refuses to own:
thresholds (`smoke.verdict`, `smoke.conduct`) and the watching (`smoke.supervise`).
"""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from smoke.checkpoint import ENCODER
from smoke.conduct import agreeing, containment, referred, usage, writing
from smoke.hearing import Heard
from smoke.plan import Plan, size
from smoke.probes import Probe
from smoke.report import Basis, Metric, Outcome, SmokeReport, not_run, outcome_of
from smoke.supervise import Ending, Limits
from smoke.verdict import judge

Started = tuple[Heard, Ending]
"""One start: what it said, and how it ended."""


def conclude(
    heard: Heard,
    ending: Ending,
    plan: Plan,
    limits: Limits,
    reference: SmokeReport | None = None,
    *,
    probe: Probe | None = None,
    is_parent: bool = False,
    manifest_digest: str = "",
    later: Sequence[Started] = (),
    wanted: int = 1,
    energy: Mapping[str, Any] | None = None,
) -> SmokeReport:
    """The report of a run that has ended, however it ended.

    `is_parent` says that the reference is of the model that this one was made from; `later` holds the starts after the
    first, of the `wanted` in all.
    """
    heard.measured["stored_as"] = plan.stored_as  # by the headers: the process that was confined is not asked
    if probe is not None and heard.measured:
        # what was declared is the owner's word: the process that was confined can neither change it nor keep silent
        found = heard.measured.get("probe")
        heard.measured["probe"] = {**(found if isinstance(found, Mapping) else {}), **probe.declarations()}
    starts = [(heard, ending), *later]
    rest: dict[str, Any] = {
        "device": plan.device,
        "quantization": plan.quantization,
        "versions": heard.versions,
        "driver": heard.versions.get("driver", ""),
        "sandbox": heard.sandbox,
        "plan": plan.to_json(),
        "measurements": {k: v for k, v in heard.measured.items() if k not in ("samples", "stages")},
        "starts": tuple(_start(number, *one) for number, one in enumerate(starts, 1)),
        "energy": dict(energy or {}),
    }
    for one in starts:
        interrupted = _interrupted(*one)
        if interrupted:
            return not_run(*interrupted, **rest)
    if ending.returncode == -signal.SIGXCPU and not ending.stopped:
        ending = replace(ending, stopped="cpu")
    if ending.stopped:
        return _stopped(ending, heard, limits, rest)
    if heard.stopped.get("outcome") == Outcome.NOT_RUN:
        return not_run(heard.stopped["code"], heard.stopped["reason"], **rest)
    if not heard.is_complete and not heard.stopped:
        return _crashed(ending, heard, rest)
    metrics: list[Metric] = []
    if heard.stopped:
        code, reason = heard.stopped["code"], heard.stopped["reason"]
        metrics.append(Metric(code, "Runs to the end", None, "no error", False, reason))
        measured_part = judge(heard.measured, quantization=plan.quantization)
        metrics += [m for m in measured_part if m.reason != "This was not measured."]
    else:
        is_usable = reference is not None and reference.outcome in (Outcome.PASS, Outcome.WARN)
        past = reference.measurements if reference is not None and is_usable else None
        # what is put on a model was made from it, and its own earlier report is one of an adapter as well
        is_parent = is_parent or (reference is not None and bool(plan.base) and not reference.plan.get("base"))
        metrics += judge(heard.measured, quantization=plan.quantization, reference=past, is_parent=is_parent)
        metrics += referred(reference, manifest_digest, is_parent=is_parent)
        metrics += writing(heard.measured)
    repeats = [{"repeat": one.measured.get("repeat"), "ended": _end_of(one, end)} for one, end in starts]
    metrics += agreeing(repeats, plan.device, 1 if heard.stopped else wanted)
    metrics += usage(heard.measured, energy or {})
    metrics += containment(heard.sandbox)
    outcome, code, sentence = outcome_of(metrics)
    basis = basis_of(heard.measured, metrics, reference)
    return SmokeReport(outcome, code, sentence, metrics=tuple(metrics), samples=heard.samples(), basis=basis, **rest)


def basis_of(measured: Mapping[str, Any], metrics: Sequence[Metric], reference: SmokeReport | None) -> Basis:
    """What the verdict rests on: the loss declared with the probe, an earlier report, or rules without a reference."""
    compared = any(m.code.startswith("reference") and m.value is not None for m in metrics)
    probe = measured.get("probe")
    declared = (
        [probe.get(f"declared_{name}") for name in ("bits_per_byte", "token_losses")]
        if isinstance(probe, Mapping)
        else []
    )
    is_declared = any(isinstance(one, (int, float, Mapping)) for one in declared)
    if is_declared and compared and measured.get("architecture") != ENCODER:
        return Basis.DECLARED_LOSS
    return Basis.REFERENCE_REPORT if compared and reference is not None else Basis.NONE


def _interrupted(heard: Heard, ending: Ending) -> tuple[str, str] | None:
    """Code and sentence of an end that says nothing about the checkpoint."""
    if heard.refused:
        reason = f"The sandbox could not be set up, and policy refuses to run without it: {heard.refused}"
        return "sandbox", reason
    if ending.returncode == -signal.SIGKILL and not ending.stopped and not heard.is_complete:
        reason = f"It was killed from outside at stage {heard.stage}, most often for want of memory on the machine."
        return "killed", reason
    if ending.stopped == "canceled":
        return "canceled", f"Canceled at stage {heard.stage}."
    if not heard.sandbox and not ending.stopped and not heard.is_complete:
        return "not_started", f"The confined process did not start: {_how(ending)}"
    return None


def _stopped(ending: Ending, heard: Heard, limits: Limits, rest: dict[str, Any]) -> SmokeReport:
    code = f"limit_{ending.stopped}"
    reason = _limit_sentence(ending, heard, limits)
    metric = Metric(code, "Stays within limits", None, ending.stopped, False, reason)
    return SmokeReport(Outcome.FAIL, code, reason, metrics=(metric, *containment(heard.sandbox)), **rest)


def _limit_sentence(ending: Ending, heard: Heard, limits: Limits) -> str:
    sentences = {
        "time": f"It was stopped after {limits.wall_seconds:.0f} s at stage {heard.stage}.",
        "cpu": f"It used up its processor time at stage {heard.stage}.",
        "memory": f"It held {size(ending.peak_bytes)} at stage {heard.stage}, more than the plan allows.",
        "output": f"It wrote more than {size(limits.output_bytes)} at stage {heard.stage}.",
        "scratch": f"It filled its scratch folder beyond {size(limits.scratch_bytes)} at stage {heard.stage}.",
    }
    return sentences.get(ending.stopped, f"It was stopped ({ending.stopped}) at stage {heard.stage}.")


def _crashed(ending: Ending, heard: Heard, rest: dict[str, Any]) -> SmokeReport:
    reason = f"The process ended at stage {heard.stage} with {_how(ending)}"
    metric = Metric("crashed", "Runs to the end", None, "no crash", False, reason)
    return SmokeReport(Outcome.FAIL, "crashed", reason, metrics=(metric, *containment(heard.sandbox)), **rest)


def _how(ending: Ending) -> str:
    last = ending.stderr.strip().splitlines()[-1:] or ["no message"]
    how = f"signal {-ending.returncode}" if ending.returncode < 0 else f"exit status {ending.returncode}"
    return f"{how}: {last[0][:300]}"


def _end_of(heard: Heard, ending: Ending) -> str:
    """Why a start came to no result; empty where it did, or was ended by its own measurements like every other."""
    if heard.is_complete or heard.stopped:
        return ""
    return (
        f"stopped for {ending.stopped}." if ending.stopped else f"it ended at stage {heard.stage} with {_how(ending)}"
    )


def _start(number: int, heard: Heard, ending: Ending) -> dict[str, Any]:
    """What the report keeps of one start."""
    repeat = heard.measured.get("repeat")
    found = repeat if isinstance(repeat, Mapping) else {}
    stages = heard.stages()
    if stages and ending.seconds > heard.spoke_after > 0:
        after = round(ending.seconds - heard.spoke_after, 3)
        stages.append({"stage": "end", "seconds": after, "cpu_seconds": None})
    return {
        "number": number,
        "seconds": round(ending.seconds, 3),
        "cpu_seconds": round(ending.cpu_seconds, 3),
        "peak_bytes": ending.peak_bytes,
        "digest": str(found.get("digest") or "")[:80],
        "greedy": found.get("greedy"),
        "sampled": found.get("sampled"),
        "stages": stages,
    }
