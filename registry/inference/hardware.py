"""On which hardware a checkpoint would run, at each precision: computed from headers, kept with the evidence.

Owns the rows as they are stored and shown, and the sentence on what would be needed. The bytes are `smoke.plan`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from smoke.plan import Plan, hardware_fit, size

KINDS = {
    "cpu": "a machine with {} GB of memory",
    "cuda": "an accelerator with {} GB",
    "mps": "an Apple computer with {} GB",
}


def rows(plan: Plan) -> list[dict[str, Any]]:
    """One row for each precision: bytes of its weights, what a run needs free, and the machines that have that.

    The plan may be one that cannot be run; empty where its checkpoint could not be read.
    """
    found: dict[str, dict[str, Any]] = {}
    for machine in hardware_fit(plan):
        kind = str(machine["kind"])
        for name, needed in machine["needs"].items():
            row = found.setdefault(
                name,
                {
                    "quantization": name,
                    "weights_bytes": plan.weights_bytes.get(name) or plan.stored_bytes,
                    "needed_bytes": {},
                    "fits_gigabytes": {},
                },
            )
            row["needed_bytes"][kind] = needed
            sizes = row["fits_gigabytes"].setdefault(kind, [])
            if machine["fits"][name]:
                sizes.append(machine["gigabytes"])
    return list(found.values())


def sentence(found: Sequence[Mapping[str, Any]]) -> str:
    """What the least demanding precision needs, and the smallest common machines that have it."""
    if not found:
        return ""
    least = min(found, key=lambda row: min(row["needed_bytes"].values()))
    needs = f"{least['quantization']} needs {size(min(least['needed_bytes'].values()))} free"
    fitting = least["fits_gigabytes"]
    places = [KINDS[kind].format(fitting[kind][0]) for kind in ("cpu", "cuda") if fitting.get(kind)]
    return f"{needs}: {' or '.join(places)} would do." if places else f"{needs}, more than common hardware has."
