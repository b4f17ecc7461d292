"""What the command line shows people: progress while it runs, and the report as a table.

Owns: lines, columns, colors, and making text from a checkpoint harmless for a terminal. Refuses to own: what is shown.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, TextIO

from smoke.hearing import LABELS, Progress
from smoke.plan import size
from smoke.report import Basis, Metric, SmokeReport

BAR = 24
REDRAWN_SECONDS, SHOWN_AGAIN_SECONDS = 0.1, 2.0
"""On a terminal, and where every line stays."""
COLORS = {"pass": "32", "ok": "32", "warn": "33", "note": "36", "fail": "1;31", "not_run": "35"}
BASES = {
    Basis.DECLARED_LOSS: "the loss declared with the probe",
    Basis.REFERENCE_REPORT: "an earlier report",
    Basis.NONE: "rules that need no reference",
}


def settle() -> None:
    """Makes the process's own streams safe to write to; to be called once, before anything is opened.

    Streams that were closed lead nowhere: else the next file opened would take their numbers, and what is printed would
    be written into it. What a stream's encoding lacks is written as an escape.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def say(text: str, stream: TextIO | None = None) -> bool:
    """Prints a line; whether that went well. A pipe that nobody reads any more, or a full disk, is no error here."""
    stream = sys.stdout if stream is None else stream
    try:
        stream.write(text + "\n")
        stream.flush()
    except (OSError, ValueError):
        _silence(stream)
        return False
    return True


def _silence(stream: TextIO) -> None:
    """Leads a broken stream nowhere; the interpreter would stumble over it again as it ends, and change its status."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def wants_color(stream: TextIO) -> bool:
    """Whether colors mean anything there, and nobody asked to be spared them (https://no-color.org)."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def printable(text: str, most: int = 400) -> str:
    """The text on one line, without anything that a terminal would obey."""
    line = " ".join(text.split())
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


class Teller:
    """Progress on a stream: one line that is written over on a terminal, elsewhere a line now and then."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.is_terminal = stream, stream.isatty()
        self.stage, self.began, self.shown_at = ("", 0), 0.0, 0.0

    def __call__(self, progress: Progress) -> None:
        """Shows where the run stands."""
        now, is_new = time.monotonic(), (progress.stage, progress.start) != self.stage
        if is_new:
            self.stage, self.began = (progress.stage, progress.start), now
        is_end = progress.done == progress.total > 0
        often = REDRAWN_SECONDS if self.is_terminal else SHOWN_AGAIN_SECONDS
        if not (is_new or is_end or now - self.shown_at > often):
            return
        self.shown_at = now
        line = progress_line(progress, now - self.began, with_bar=self.is_terminal)
        self._show(f"\r{line}\x1b[K" if self.is_terminal else line + "\n")

    def clear(self) -> None:
        """Leaves an empty line behind on a terminal."""
        if self.is_terminal:
            self._show("\r\x1b[K")

    def _show(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except (OSError, ValueError):
            _silence(self.stream)


def progress_line(progress: Progress, seconds: float, *, with_bar: bool) -> str:
    """One line of at most 100 characters: bar, stage, what of it, time left."""
    sentence = printable(progress.sentence, 68 if with_bar else 100)
    if not with_bar:
        return sentence
    share = progress.done / progress.total if progress.total else 0.0
    left = f", {seconds / share - seconds:.0f} s left" if share and seconds > 1 else ""
    return f"[{'#' * int(BAR * min(1.0, share)):<{BAR}}] {sentence}{left}"


def table(report: SmokeReport, *, in_color: bool = False) -> str:
    """The report for people: outcome, what was run, each metric, what the time is made of, samples."""
    outcome = report.outcome.value
    lines = [f"{_colored(outcome.upper(), outcome, in_color)}  {printable(report.reason, 1000)}"]
    if report.manifest_digest:
        lines.append(f"digest   {report.manifest_digest}")
    if report.device and report.versions:
        versions = ", ".join(f"{n} {report.versions[n]}" for n in ("torch", "transformers") if n in report.versions)
        lines.append(
            f"run      {report.quantization} on {report.device}; {printable(versions)}; driver {report.driver}"
        )
    if report.metrics:
        lines.append(f"rules    {report.rules_version}, on {BASES[report.basis]}; seed {report.seed}")
    lines += ["", *_metrics(report.metrics, in_color)] if report.metrics else []
    lines += ["", f"time     {report.seconds:.1f} s", *_times(report.breakdown)] if report.starts else []
    for sample in report.samples:
        lines += ["", f"{sample.mode:<8} {sample.prompt!r}", f"{'':<8} {sample.text!r}"]
    return "\n".join(lines)


def _metrics(metrics: Iterable[Metric], in_color: bool) -> list[str]:
    rows = []
    for metric in metrics:
        word = "ok" if metric.ok else metric.severity.value
        rows.append((word, metric.name, _value(metric), metric.threshold, metric))
    width = max(len(name) for _, name, *_ in rows)
    lines = []
    for word, name, number, threshold, metric in rows:
        rule = "" if threshold == "none" else f"({threshold})"
        lines.append(f"{_colored(f'{word:<5}', word, in_color)} {name:<{width}}  {number:<18} {rule}".rstrip())
        if not metric.ok or number == "":
            lines.append(f"{'':<6}{printable(metric.reason)}")
    return lines


def _value(metric: Metric) -> str:
    if metric.value is None:
        return ""
    return size(int(metric.value)) if metric.unit == "bytes" else f"{metric.value:.4g} {metric.unit}".strip()


def _times(parts: Iterable[Mapping[str, Any]]) -> list[str]:
    lines = []
    for part in parts:
        stage = str(part["stage"])
        name = LABELS.get(stage, stage) + (f", start {part['start']}" if part["start"] else "")
        cpu = "" if part["cpu_seconds"] is None else f"{part['cpu_seconds']:7.2f} s of the processor"
        lines.append(f"  {part['seconds']:7.2f} s {cpu:28} {printable(name, 60)}".rstrip())
    return lines


def _colored(text: str, word: str, in_color: bool) -> str:
    return f"\x1b[{COLORS[word]}m{text}\x1b[0m" if in_color and word in COLORS else text
