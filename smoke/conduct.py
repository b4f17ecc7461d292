"""Rules on how a run went: containment, starts that agree, writing that ends, and what it used.

Owns: the metrics on these and their thresholds. Refuses to own: rules on what the model computes (`smoke.verdict`).
Pure; needs no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from smoke import sandbox
from smoke.readings import part, value
from smoke.report import Metric, Outcome, Severity, SmokeReport

BITWISE = ("cpu",)
"""Kinds of devices that give the same bits for the same work; elsewhere sums may be taken in another order."""

LOGITS_DISTANCE = 0.02
"""Between starts on other devices: the largest difference of logits, as a share of their largest size."""

NOTED = (
    ("tokens_per_cpu_second", "Tokens per processor second", "tokens_per_cpu_second", "tokens/s"),
    ("greedy_repetition", "Repetition in greedy texts", "greedy_repetition", "share"),
    ("sampled_repetition", "Repetition in sampled texts", "sampled_repetition", "share"),
    ("sampled_entropy", "Entropy while sampling", "sampled_entropy_nats", "nats"),
)
"""Healthy small models repeat themselves, so these numbers are for people and for comparing, not for refusing."""


def containment(applied: Mapping[str, Any]) -> list[Metric]:
    """A warning where a required layer of confinement was waived by configuration and is really absent."""
    absent = [name for name in sandbox.REQUIRED if name not in applied.get("applied", ())]
    missing = applied.get("missing")
    why = missing if isinstance(missing, Mapping) else {}
    told = "; ".join(f"{name} ({str(why[name])[:120]})" if name in why else name for name in absent)
    reason = f"Ran without {told}." if absent else "Every layer was in force."
    return [
        Metric("containment", "Containment", float(len(absent)), "0 layers absent", not absent, reason, Severity.WARN)
    ]


def referred(reference: SmokeReport | None, manifest_digest: str, *, is_parent: bool) -> list[Metric]:
    """Whose report the reference is, noted: of these very files, of others, or of files that it does not name."""
    if reference is None:
        return []
    if reference.outcome not in (Outcome.PASS, Outcome.WARN):
        reason = f"The run of the reference ended as {reference.outcome.value}, so nothing was compared with it."
        return [Metric("reference_digest", "Whose the reference is", None, "of a run that passed", False, reason,
                       Severity.WARN)]  # fmt: skip
    theirs = reference.manifest_digest
    if not theirs or not manifest_digest:
        reason = "It cannot be told whether the reference is of the same files: a digest is missing."
    elif theirs == manifest_digest:
        reason = "The reference is of the very same files."
    else:
        whose = "of the parent, with digest" if is_parent else "of another checkpoint, with digest"
        reason = f"The reference is {whose} {theirs}."
    return [Metric("reference_digest", "Whose the reference is", None, "none", True, reason, Severity.NOTE)]


def writing(measured: Mapping[str, Any]) -> list[Metric]:
    """Whether texts can end by themselves, and what is noted of them."""
    facts = part(measured, "generation")
    metrics = []
    share = value(facts, "ended_share")
    if share is not None:
        ok = facts.get("has_end_token") is True
        reason = f"{share:.0%} of the texts ended before their limit." if ok else "No end token is known, so none can."
        metrics.append(
            Metric("ends", "Ends by itself", share, "an end token is known", ok, reason, Severity.WARN, "share")
        )
    for code, name, field, unit in NOTED:
        number = value(facts, field)
        if number is not None:
            metrics.append(Metric(code, name, number, "none", True, "Noted.", Severity.NOTE, unit))
    return metrics


def usage(measured: Mapping[str, Any], energy: Mapping[str, Any]) -> list[Metric]:
    """Memory of host and device, and energy, noted."""
    metrics = []
    for code, name, field in (
        ("host_memory", "Peak memory of the host", "host_peak_bytes"),
        ("device_memory", "Peak memory of the device", "device_peak_bytes"),
    ):
        number = value(measured, "memory", field)
        if number:
            metrics.append(Metric(code, name, number, "none", True, "Noted.", Severity.NOTE, "bytes"))
    joules = value(energy, "joules")
    if energy:
        reason = str(energy.get("reason") or "Noted.")
        if joules is not None:
            reason = f"Counted by {energy.get('source')}. {reason}"
        metrics.append(Metric("energy", "Energy", joules, "none", True, reason, Severity.NOTE, "J"))
    return metrics


def agreeing(starts: Sequence[Mapping[str, Any]], device: str, wanted: int = 1) -> list[Metric]:
    """Whether every start gave what the first gave; nothing to say of a single start where no more were wanted.

    Each start carries `repeat`, and `ended` where it came to no result.
    """
    name, code = "Equal across starts", "starts"
    if len(starts) < 2:
        reason = f"There was no time left for more than one of {wanted} starts."
        untold = Metric(code, name, None, "measured", False, reason, Severity.WARN)
        return [untold] if wanted > 1 else []
    for number, start in enumerate(starts, 1):
        if start.get("ended"):
            reason = f"Start {number} came to no result: {start['ended']}"
            return [Metric(code, name, None, "every start ends alike", False, reason)]
    first, rest = part(starts[0], "repeat"), [part(start, "repeat") for start in starts[1:]]
    if not first or not all(rest):
        return [Metric(code, name, None, "measured", False, "This was not measured.", Severity.WARN)]
    is_bitwise = device.partition(":")[0] in BITWISE
    texts = [k for k in ("greedy", "sampled") if any(other.get(k) != first.get(k) for other in rest)]
    if is_bitwise:
        differing = (["logits"] if any(o.get("digest") != first.get("digest") for o in rest) else []) + texts
        told = f"{len(starts)} starts gave the same logits, bit by bit, and the same texts."
        reason = f"Between starts these differ: {', '.join(differing)}." if differing else told
        return [Metric(code, name, float(len(differing)), "0 differ, bit by bit", not differing, reason, Severity.WARN)]
    distance = max(_distance(first.get("slice"), other.get("slice")) for other in rest)
    ok = distance <= LOGITS_DISTANCE
    also = f" The {' and '.join(texts)} text differs: where two tokens are as likely, that can happen." if texts else ""
    reason = f"Logits of {len(starts)} starts lie within {distance:.2%} of their size.{also}"
    return [Metric(code, name, distance, f"at most {LOGITS_DISTANCE}", ok, reason, Severity.WARN, "share")]


def _distance(ours: Any, theirs: Any) -> float:
    """The largest difference as a share of the largest number; 1 where they cannot be compared."""
    if not _are_numbers(ours) or not _are_numbers(theirs) or len(ours) != len(theirs):
        return 1.0
    largest = max(abs(x) for x in (*ours, *theirs))
    return min(1.0, max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) / largest) if largest else 0.0


def _are_numbers(found: Any) -> bool:
    return isinstance(found, list) and bool(found) and all(isinstance(x, (int, float)) and x == x for x in found)
