"""On which hardware a checkpoint would run, at each precision: computed from headers, kept with the evidence.

Owns the rows as they are stored and shown, and the sentence on what would be needed. The bytes are `smoke.plan`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from smoke.checkpoint import CheckpointError, open_checkpoint
from smoke.devices import Device
from smoke.plan import COMMON, QUANTIZATIONS, USABLE, bounded, context_of, demand, option, size

BILLION = 10**9
IN_ORDER = ("bf16", "int8", "int4")


def rows(source: Path | Mapping[str, Path]) -> list[dict[str, Any]]:
    """One row for each precision: bytes of its weights, what a run needs free, and the machines that have that.

    Empty where the checkpoint cannot be planned for.
    """
    try:
        checkpoint = open_checkpoint(source)
        bounded(checkpoint.config)
        context = context_of(checkpoint.config)
        machines = [
            (kind, gigabytes, Device(kind, 0, "", gigabytes * BILLION, int(gigabytes * BILLION * USABLE)))
            for kind, gigabytes in COMMON
        ]
        found = []
        for name in sorted(QUANTIZATIONS, key=lambda one: IN_ORDER.index(one) if one in IN_ORDER else len(IN_ORDER)):
            fits = {kind: [] for kind, _ in COMMON}  # type: dict[str, list[int]]
            needed: dict[str, int] = {}
            for kind, gigabytes, device in machines:
                tried = option(checkpoint, device, name, context)
                needed[kind] = tried.needed_bytes
                if tried.fits:
                    fits[kind].append(gigabytes)
            found.append(
                {
                    "quantization": name,
                    "weights_bytes": demand(checkpoint, name, context).weights,
                    "needed_bytes": needed,
                    "fits_gigabytes": fits,
                }
            )
        return found
    except (CheckpointError, OSError, ValueError, ArithmeticError):
        return []


def sentence(found: Sequence[Mapping[str, Any]]) -> str:
    """What the least demanding precision needs, and the smallest common machines that have it."""
    if not found:
        return ""
    least = min(found, key=lambda row: min(row["needed_bytes"].values()))
    needs = f"{least['quantization']} needs {size(min(least['needed_bytes'].values()))} free"
    words = {"cpu": "a machine with {} GB of memory", "cuda": "an accelerator with {} GB"}
    places = [words[kind].format(sizes[0]) for kind, sizes in least["fits_gigabytes"].items() if sizes]
    return f"{needs}: {' or '.join(places)} would do." if places else f"{needs}, more than common hardware has."
