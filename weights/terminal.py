"""What the command line shows people: progress while it reads, and the report as a table.

Owns lines, columns, colors and the words around a finding. Refuses to own what is found, or what becomes of it.
"""

from __future__ import annotations

import os
import shutil
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import TextIO

from weights.catalog import CHECKS
from weights.findings import Finding, Severity, Verdict, printable
from weights.report import Report

_COLORS = {"block": "1;31", "warn": "33", "note": "36", "pass": "32"}
_MEANINGS = {
    Verdict.BLOCK: "must not be released as it is",
    Verdict.WARN: "may be released once a named person has accepted each warning, with a reason",
    Verdict.PASS: "no finding stands against its release",
}
_NOUNS = {
    Severity.BLOCK: ("blocking", "blocking"),
    Severity.WARN: ("warning", "warnings"),
    Severity.NOTE: ("note", "notes"),
}
_SHOWN = 200  # checks in the table, and places of all of them; the JSON has them all
_SHOWN_OF_ONE = 10
_EVIDENCE = 80
_INDENT = " " * 7
_NARROW, _WIDE = 40, 120
_DRAWN_SECONDS = 0.1
_SURE_SECONDS = 1.0  # before that nobody knows how long the rest takes


class ProgressBar:
    """One line on a terminal: share done, bytes, rate and the time left. Threads may call it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._started: float | None = None
        self._shown = 0.0
        self._lock = threading.Lock()

    def __call__(self, path: str, done: int, total: int, files: int) -> None:
        """Show where the work stands, ten times a second at most."""
        now = time.monotonic()
        if self._started is None:
            self._started = now
        if now - self._shown < _DRAWN_SECONDS or not self._lock.acquire(blocking=False):
            return
        try:
            self._shown = now
            line = progress_line(path, done, total, now - self._started, columns(self._stream))
            self._stream.write("\r" + line + "\x1b[K")
            self._stream.flush()
        finally:
            self._lock.release()

    def clear(self) -> None:
        """Leave an empty line behind, and count anew for what comes next."""
        self._started = None
        self._stream.write("\r\x1b[K")
        self._stream.flush()


def progress_line(path: str, done: int, total: int, seconds: float, width: int) -> str:
    """`done` of `total` bytes after `seconds`, as one line shorter than `width`: a full one would break."""
    share = done / total if total else 1.0
    rate = done / seconds if seconds > 0 else 0.0
    left = f"{duration((total - done) / rate)} left" if rate and seconds >= _SURE_SECONDS else "…"
    bar = 28 if width > 100 else 16
    filled = "#" * int(bar * share)
    line = f"[{filled:<{bar}}] {share:4.0%} {size(done)} of {size(total)}, {size(rate)}/s, {left}"
    room = width - 1 - len(line) - 2
    return f"{line}  {printable(path, room)}" if room >= 8 else line[: width - 1]


def duration(seconds: float) -> str:
    """A length of time for people, in the two units that matter."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def size(count: float) -> str:
    """A number of bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def wants_color(stream: TextIO) -> bool:
    """Whether colors mean anything there, and nobody asked to be spared them (https://no-color.org)."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def columns(stream: TextIO) -> int:
    """How wide the terminal is, within what reads well; 100 where there is none."""
    try:
        found = os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError):
        found = 0
    return min(max(found or shutil.get_terminal_size((100, 24)).columns, _NARROW), _WIDE)


def table(report: Report, *, width: int = 100, in_color: bool = False) -> str:
    """The report for people: verdict, digest, counts, then every check that fired, from the worst on."""
    verdict = report.verdict
    word = _colored(verdict.value.upper(), verdict.value, in_color)
    content = (
        f"{_count(report.files, 'file')}, {size(report.bytes)}, {_count(report.tensors, 'tensor')}, "
        f"{_count(report.parameters, 'parameter')}"
    )
    lines = [
        f"verdict  {word}: {_MEANINGS[verdict]}",
        f"findings {_tally(report.findings)}",
        f"digest   {report.manifest_digest}",
        f"content  {content}",
        f"time     {report.seconds:.2f} s, {size(report.bytes / max(report.seconds, 1e-9))}/s",
        f"rules    {report.ruleset}",
    ]
    lines = [part for line in lines for part in wrapped(line, width, " " * 9)]
    shown = 0
    kinds = [(key, list(group)) for key, group in groupby(_by_check(report.findings), lambda f: (f.severity, f.check))]
    for (severity, check), findings in kinds[:_SHOWN]:
        some = findings[: max(1, min(_SHOWN_OF_ONE, _SHOWN - shown))]
        shown += len(some)
        lines += ["", *_block(severity, check, some, len(findings) - len(some), width, in_color)]
    if shown < len(report.findings):
        lines += ["", f"Shown are {shown} of {len(report.findings)} findings; --json FILE has them all."]
    return "\n".join(lines)


def _by_check(findings: Sequence[Finding]) -> list[Finding]:
    """In the order of severity, then of checks by their first file; `findings` come worst first."""
    first = {(f.severity, f.check): place for place, f in reversed(list(enumerate(findings)))}
    return sorted(findings, key=lambda f: first[f.severity, f.check])


def _block(severity: Severity, check: str, findings: list[Finding], more: int, width: int, in_color: bool) -> list[str]:
    """One check that fired: its title, the places, what it means and what to do."""
    about = CHECKS.get(check)
    head = f"{severity.value:<5}  {check}" + (f"  {about.title}" if about else "")
    first, *rest = wrapped(head, width, _INDENT)
    word = severity.value
    lines = [_colored(first[: len(word)], word, in_color) + first[len(word) :], *rest]
    for finding in findings:
        lines += wrapped(f"{_INDENT}- {_place(finding)}", width, _INDENT + "  ")
    if more:
        lines.append(f"{_INDENT}- … and {more} more like it")
    if about is not None:
        lines += wrapped(f"{_INDENT}Means: {about.meaning}", width, _INDENT)
        lines += wrapped(f"{_INDENT}To do: {about.fix}", width, _INDENT)
    return lines


def _place(finding: Finding) -> str:
    where = printable(finding.path, 200) or "the checkpoint as a whole"
    if finding.tensor:
        where += f", tensor {finding.tensor}"
    if finding.offset is not None and "byte" not in finding.message:
        where += f", byte {finding.offset}"
    said = finding.message
    if finding.evidence and finding.evidence not in said:
        said += f" Found: {printable(finding.evidence, _EVIDENCE)}"
    return f"{where}: {said}"


def _tally(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.severity for finding in findings)
    said = [f"{counts[s]} {_NOUNS[s][counts[s] != 1]}" for s in Severity if counts[s]]
    return ", ".join(said) or "none"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def wrapped(line: str, width: int, indent: str) -> list[str]:
    """The line in as many as it takes; a word that is wider than that stays whole, so that it can be copied."""
    if len(line) <= width:
        return [line]
    return textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )


def _colored(text: str, word: str, in_color: bool) -> str:
    return f"\x1b[{_COLORS[word]}m{text}\x1b[0m" if in_color else text
