"""What the parent hears from a confined process, kept only where it has the expected form.

Owns: reading its lines, bounding everything they carry, and how far it is. Refuses to own: what the measurements mean
(`smoke.verdict`), how it ended (`smoke.conclusion`). A hostile checkpoint may have taken over whoever speaks here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from smoke.by_token import MOST_TOKENS
from smoke.report import Sample

PROGRESS_SECONDS = 0.1
STAGES = 100
"""So many times a new stage is passed on at once; afterwards it waits its turn like every other progress."""

LABELS = {
    "digest": "hashing the files",
    "plan": "planning",
    "process": "starting and confining the process",
    "start": "importing torch and transformers",
    "tensors": "reading tensors",
    "load": "loading and quantizing",
    "repeat": "measuring what must repeat",
    "cold_start": "starting again",
    "likelihood": "scoring windows",
    "blocks": "turning blocks down",
    "full precision": "scoring at full precision",
    "repairs": "trying repairs",
    "generate": "writing from prompts",
    "representations": "reading sentences",
    "agreement": "comparing with full precision",
    "end": "ending the process",
}


@dataclass(frozen=True)
class Progress:
    """How far a run is. `total` 0 means that the stage cannot be counted."""

    stage: str
    done: int
    total: int
    detail: str = ""
    """What of the stage is being done: `shard 2 of 5, 1.2 of 3.0 GiB`."""
    start: int = 1
    """Which start of the confined process is under way."""

    @property
    def sentence(self) -> str:
        """For people: `Loading and quantizing: shard 2 of 5`."""
        what = LABELS.get(self.stage, self.stage)
        counted = self.detail or (f"{self.done} of {self.total}" if self.total else "")
        again = f" (start {self.start})" if self.start > 1 else ""
        return what[:1].upper() + what[1:] + again + (f": {counted}" if counted else "")


@dataclass
class Heard:
    """Everything the confined process said, kept only where it has the expected form."""

    progress: Callable[[Progress], None] | None = None
    describe: Callable[[str, int, int], str] | None = None
    """Says more of a stage than the process does: how many bytes."""
    start: int = 1
    began: float = field(default_factory=time.monotonic)
    sandbox: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    is_complete: bool = False
    stage: str = "start"
    confined_after: float | None = None
    """Seconds until it had confined itself, and until the last thing it said."""
    spoke_after: float = 0.0
    _told_at: float = 0.0
    _stages_told: int = 0

    def line(self, raw: bytes) -> None:
        """Takes one line; what is not one of our messages is dropped."""
        try:
            message = json.loads(raw)
        except (ValueError, RecursionError):
            return
        if not isinstance(message, dict):
            return
        kind = message.get("kind")
        self.spoke_after = time.monotonic() - self.began
        if kind == "progress" and all(_is_count(message.get(k)) for k in ("done", "total")):
            self._advance(str(message.get("stage"))[:40], message["done"], message["total"], message.get("detail"))
        elif kind == "sandbox" and not self.sandbox and isinstance(message.get("sandbox"), dict):
            self.sandbox = trimmed(message["sandbox"])
            self.confined_after = self.spoke_after
        elif kind == "refused":
            self.refused = str(message.get("reason"))[:1000]
        elif kind == "versions" and isinstance(message.get("versions"), dict):
            few = list(message["versions"].items())[:40]
            self.versions = {str(k)[:40]: str(v)[:80] for k, v in few}
        elif kind in ("measured", "stopped") and isinstance(message.get("measured"), dict):
            self.measured = trimmed(message["measured"])
            self.is_complete = kind == "measured"
            if kind == "stopped":
                self.stopped = {k: str(message.get(k))[:1000] for k in ("outcome", "code", "reason")}

    def _advance(self, stage: str, done: int, total: int, detail: Any) -> None:
        is_new, now = stage != self.stage, time.monotonic()
        self.stage = stage
        if self.progress is None:
            return
        # progress may become a row in a database: a process that floods us does not get to write thousands
        self._stages_told += is_new
        is_due = now - self._told_at >= PROGRESS_SECONDS or (is_new and self._stages_told <= STAGES)
        if not is_due and not (done == total > 0 and self._stages_told <= STAGES):
            return
        self._told_at = now
        said = str(detail or "")[:60]
        if self.describe is not None:
            said = ", ".join(filter(None, (said, self.describe(stage, done, total))))
        self.progress(Progress(stage, done, total, said, self.start))

    def samples(self) -> tuple[Sample, ...]:
        """What the model wrote, bounded."""
        found = self.measured.get("samples")
        samples = []
        for item in found if isinstance(found, list) else []:
            if isinstance(item, dict) and _is_count(item.get("tokens")):
                prompt, text = str(item.get("prompt"))[:2000], str(item.get("text"))[:2000]
                mode = "sampled" if item.get("mode") == "sampled" else "greedy"
                samples.append(Sample(prompt, text, item["tokens"], item.get("stopped") is True, mode))
        return tuple(samples[:20])

    def seconds_until_repeat(self) -> float:
        """Seconds from nothing to the end of what every start does."""
        stages, total = self.stages(), 0.0
        for stage in stages:
            total += stage["seconds"]
            if stage["stage"] == "repeat":
                break
        return total

    def stages(self) -> list[dict[str, Any]]:
        """Seconds by stage, as far as the process told them in the expected form."""
        found: list[dict[str, Any]] = []
        if self.confined_after is not None:
            found.append({"stage": "process", "seconds": round(self.confined_after, 3), "cpu_seconds": None})
        told = self.measured.get("stages")
        for item in told if isinstance(told, list) else []:
            if not isinstance(item, Mapping):
                continue
            wall, cpu = item.get("seconds"), item.get("cpu_seconds")
            if isinstance(wall, (int, float)) and isinstance(cpu, (int, float)):
                found.append({"stage": str(item.get("stage"))[:40], "seconds": wall, "cpu_seconds": cpu})
        return found[:40]


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62


ITEMS, NUMBERS = 1000, MOST_TOKENS
"""Longest list that is kept, and longest of numbers alone: a loss for every token that is scored."""


def trimmed(value: Any, depth: int = 6) -> Any:
    """The same data, bounded: what a hostile checkpoint made the process say must not fill anyone's database."""
    if isinstance(value, str):
        return value[:2000]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return value if -(1 << 62) < value < 1 << 62 else None
    if depth and isinstance(value, list):
        most = NUMBERS if all(isinstance(item, (int, float)) for item in value[:NUMBERS]) else ITEMS
        return [trimmed(item, depth - 1) for item in value[:most]]
    if depth and isinstance(value, dict):
        return {str(key)[:200]: trimmed(item, depth - 1) for key, item in list(value.items())[:ITEMS]}
    return None
