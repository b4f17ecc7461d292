"""`python -m weights DIR`: check a checkpoint from a shell.

Exit status: 0 no blocking finding, 1 at least one, 2 the folder could not be read.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from weights.checkpoint import inspect_folder
from weights.compare_command import compare_with, comparison_table, read_other, write_fingerprints
from weights.findings import Finding, Verdict, printable
from weights.report import Report

_BAR = 28
_COLORS = {"block": "1;31", "warn": "33", "note": "36", "pass": "32"}
_SHOWN = 200  # findings in the table; the JSON has them all


def main(arguments: Sequence[str] | None = None) -> int:
    """Run with the command line's `arguments` and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m weights", description="Check a model checkpoint.")
    parser.add_argument("folder", metavar="DIR", type=Path, help="the checkpoint's folder")
    parser.add_argument("--json", metavar="FILE", help="write the full report to FILE (- for standard output)")
    parser.add_argument(
        "--compare",
        metavar="OTHER",
        type=Path,
        help="compare with a folder, a file of weights or one of fingerprints",
    )
    parser.add_argument("--fingerprints", metavar="FILE", type=Path, help="write what --compare needs later; secret")
    parser.add_argument("--threads", type=int, default=2, help="files read at once (default 2)")
    parser.add_argument("--quiet", action="store_true", help="no progress and no table")
    options = parser.parse_args(arguments)
    bar = None if options.quiet or not sys.stderr.isatty() else ProgressBar(sys.stderr)
    threads = max(1, options.threads)
    comparison = None
    wants_fingerprints = options.compare is not None or options.fingerprints is not None
    try:
        others = None if options.compare is None else read_other(options.compare, progress=bar, threads=threads)
        report = inspect_folder(options.folder, progress=bar, threads=threads, fingerprints=wants_fingerprints)
        if others is not None:
            comparison = compare_with(report, others)
        if bar is not None:
            bar.clear()
        content = report.dumps() if comparison is None else report.dumps(comparison=comparison.to_json())
        if options.fingerprints is not None:
            write_fingerprints(report, options.fingerprints)
        if options.json is not None and options.json != "-":
            Path(options.json).write_text(content, encoding="utf-8")
    except OSError as error:
        if bar is not None:
            bar.clear()
        print(f"Could not read or write: {error}", file=sys.stderr)
        return 2
    if options.json == "-":
        print(content, end="")
    elif not options.quiet:
        print(table(report, in_color=wants_color(sys.stdout)))
        if comparison is not None:
            print("\n" + comparison_table(comparison, str(options.compare)))
    return 1 if report.verdict is Verdict.BLOCK else 0


class ProgressBar:
    """One line on a terminal: share done, bytes, rate and the time left. Threads may call it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._started = time.monotonic()
        self._shown = 0.0
        self._lock = threading.Lock()

    def __call__(self, path: str, done: int, total: int, files: int) -> None:
        """Show where the work stands, ten times a second at most."""
        now = time.monotonic()
        if now - self._shown < 0.1 or not self._lock.acquire(blocking=False):
            return
        try:
            self._shown = now
            self._stream.write("\r" + progress_line(path, done, total, now - self._started) + "\x1b[K")
            self._stream.flush()
        finally:
            self._lock.release()

    def clear(self) -> None:
        """Leave an empty line behind."""
        self._stream.write("\r\x1b[K")
        self._stream.flush()


def progress_line(path: str, done: int, total: int, seconds: float) -> str:
    """`done` of `total` bytes after `seconds`, as one line of at most 100 characters."""
    share = done / total if total else 1.0
    rate = done / seconds if seconds > 0 else 0.0
    left = f"{(total - done) / rate:.0f} s left" if rate else "…"
    filled = "#" * int(_BAR * share)
    line = f"[{filled:<{_BAR}}] {share:4.0%} {size(done)} of {size(total)}, {size(rate)}/s, {left}"
    return f"{line}  {printable(path, max(8, 98 - len(line)))}"


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


def table(report: Report, *, in_color: bool = False) -> str:
    """The report for people: verdict, digest, counts, then findings from the worst on."""
    verdict = report.verdict.value
    lines = [
        f"verdict   {_colored(verdict.upper(), verdict) if in_color else verdict.upper()}",
        f"digest    {report.manifest_digest}",
        f"content   {report.files} files, {size(report.bytes)}, {report.tensors} tensors, "
        f"{report.parameters:,} parameters",
        f"time      {report.seconds:.2f} s, {size(report.bytes / max(report.seconds, 1e-9))}/s",
        f"rules     {report.ruleset}, {len(report.findings)} findings",
    ]
    if report.findings:
        lines.append("")
    width = max((len(finding.check) for finding in report.findings[:_SHOWN]), default=0)
    lines += [_row(finding, width, in_color=in_color) for finding in report.findings[:_SHOWN]]
    if len(report.findings) > _SHOWN:
        lines.append(f"… and {len(report.findings) - _SHOWN} more; --json has them all")
    return "\n".join(lines)


def _row(finding: Finding, width: int, *, in_color: bool) -> str:
    place = printable(finding.path, 200) or "(whole checkpoint)"
    where = f"{place}: {finding.tensor}" if finding.tensor else place
    severity = f"{finding.severity.value:<5}"
    if in_color:
        severity = _colored(severity, finding.severity.value)
    return f"{severity}  {finding.check:<{width}}  {where}\n{'':<{width + 9}}{finding.message}"


def _colored(text: str, word: str) -> str:
    return f"\x1b[{_COLORS[word]}m{text}\x1b[0m"


if __name__ == "__main__":  # pragma: no cover - runs in a process of its own
    gc.set_threshold(50_000)  # tens of thousands of records, none of them in a cycle, would be looked through often
    sys.exit(main())
