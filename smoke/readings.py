"""Reading measurements that may be anything: they come from a process that a hostile checkpoint may have taken over.

Owns: taking a number, a part or a list of names out of them, and the metric of what is not there. What is absent or of
the wrong type is not ok. Refuses to own: thresholds (`smoke.verdict`, `smoke.comparison`). Pure; needs no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smoke.report import Metric, finite

Measured = Mapping[str, Any]


def value(measured: Measured, *path: str) -> float | None:
    """A finite number at this path, or None."""
    found: Any = measured
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    if isinstance(found, bool) or not isinstance(found, (int, float)) or abs(found) > 1e300:
        return None
    return finite(float(found))


def part(measured: Measured, name: str) -> Measured:
    """A mapping under this name, empty where there is none."""
    found = measured.get(name)
    return found if isinstance(found, Mapping) else {}


def names(measured: Measured, *path: str) -> list[str] | None:
    """A list of names at this path, or None where it was not measured."""
    found: Any = measured
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return [str(item) for item in found] if isinstance(found, (list, tuple)) else None


def unmeasured(code: str, name: str) -> Metric:
    """A rule whose measurement is absent: never ok."""
    return Metric(code, name, None, "measured", False, "This was not measured.")


def listed(items: list[str], most: int = 5) -> str:
    """The first few, and how many more there are."""
    more = f"; and {len(items) - most} more" if len(items) > most else ""
    return "; ".join(item[:200] for item in items[:most]) + more


def gains(facts: Measured) -> list[tuple[float, float, str, str]]:
    """Of each repair its gain in percent of the loss, that in standard errors, its family and its place."""
    base, found = value(facts, "nats_per_token"), facts.get("gains")
    if not base or base <= 0 or not isinstance(found, (list, tuple)):
        return []
    read = []
    for gain in found:
        if isinstance(gain, Mapping):
            nats, error = value(gain, "nats"), value(gain, "error")
            if nats is not None and error is not None and error > 0:
                read.append((100 * nats / base, nats / error, str(gain.get("family")), str(gain.get("where"))[:120]))
    return read
