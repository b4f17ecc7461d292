"""What is read out of a stored smoke report, by pages and cards: written by a tool about untrusted files, so with a
default for everything. Pure."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any


def canonical(report: Mapping[str, Any]) -> bytes:
    """The one form in which a stored report is downloaded and hashed."""
    return json.dumps(report, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def digest(report: Mapping[str, Any]) -> str:
    """The SHA-256 of the downloaded report."""
    return f"sha256:{hashlib.sha256(canonical(report)).hexdigest()}"


def at(report: Any, *path: str) -> Any:
    """What stands at a path; None where there is nothing."""
    for name in path:
        report = report.get(name) if isinstance(report, Mapping) else None
    return report


def number(report: Any, *path: str) -> float | None:
    """A finite number at a path."""
    found = at(report, *path)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return None
    return float(found)


def text(report: Any, *path: str) -> str:
    """Words at a path, empty where there are none."""
    found = at(report, *path)
    return found if isinstance(found, str) else ""


def listed(report: Any, *path: str) -> list[Any]:
    """A list at a path."""
    found = at(report, *path)
    return found if isinstance(found, list) else []


def mapping(report: Any, *path: str) -> Mapping[str, Any]:
    """An object at a path."""
    found = at(report, *path)
    return found if isinstance(found, Mapping) else {}


def bits_per_byte(report: Any) -> float | None:
    """The loss on the probe, of a model that has one."""
    return number(report, "measurements", "bits_per_byte")


def tokens_per_second(report: Any) -> float | None:
    """The speed of writing."""
    return number(report, "measurements", "generation", "tokens_per_second")


def basis(report: Any) -> str:
    """What the verdict rests on: `declared_loss`, `reference_report` or `none`."""
    said = text(report, "basis")
    if said:
        return said
    compared = any(
        text(one, "code") == "reference" and number(one, "value") is not None for one in listed(report, "metrics")
    )
    if not compared:
        return "none"
    declared = number(report, "measurements", "probe", "declared_bits_per_byte")
    return "declared_loss" if declared is not None else "reference_report"
