"""`python -m weights DIR`: check a checkpoint from a shell.

Exit status: 0 no blocking finding, 1 at least one, 2 the folder could not be read, or the check itself failed. That a
table is not read to its end changes nothing about it.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from weights.checkpoint import inspect_folder
from weights.compare_command import compare_with, comparison_table, read_other, write_fingerprints
from weights.findings import Verdict
from weights.relations import Comparison
from weights.report import Report
from weights.terminal import ProgressBar, columns, table, wants_color

UNREADABLE = 2
STOPPED = 130  # what a shell says of a command that was stopped by hand


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
    try:
        _refuse_early(options)
        report, comparison = _read(options, bar)
    except OSError as error:
        print(f"Could not read or write: {error}", file=sys.stderr)
        return UNREADABLE
    except KeyboardInterrupt:
        print("Stopped; nothing was written.", file=sys.stderr)
        return STOPPED
    if options.json == "-":
        if not _say(_content(report, comparison), end=""):
            return UNREADABLE
    elif not options.quiet:
        width = columns(sys.stdout)
        _say(table(report, width=width, in_color=wants_color(sys.stdout)))
        if comparison is not None:
            _say("\n" + comparison_table(comparison, str(options.compare), width))
    return 1 if report.verdict is Verdict.BLOCK else 0


def _refuse_early(options: argparse.Namespace) -> None:
    """OSError for what would fail in the end anyway, before hours of reading."""
    if not options.folder.is_dir():
        reason = "is a file; name the folder that it lies in" if options.folder.exists() else "is not there"
        raise NotADirectoryError(f"{options.folder} {reason}.")
    for written in (options.json, options.fingerprints):
        if written not in (None, "-") and not Path(written).absolute().parent.is_dir():
            raise NotADirectoryError(f"{written} cannot be written: its folder is not there.")


def _read(options: argparse.Namespace, bar: ProgressBar | None) -> tuple[Report, Comparison | None]:
    """Check, compare, and write the files that were asked for."""
    threads = max(1, options.threads)
    wants_fingerprints = options.compare is not None or options.fingerprints is not None
    try:
        others = None if options.compare is None else read_other(options.compare, progress=bar, threads=threads)
        if bar is not None:
            bar.clear()
        report = inspect_folder(options.folder, progress=bar, threads=threads, fingerprints=wants_fingerprints)
        comparison = None if others is None else compare_with(report, others)
    finally:
        if bar is not None:
            bar.clear()
    if options.fingerprints is not None:
        write_fingerprints(report, options.fingerprints)
    if options.json is not None and options.json != "-":
        Path(options.json).write_text(_content(report, comparison), encoding="utf-8")
    return report, comparison


def _content(report: Report, comparison: Comparison | None) -> str:
    return report.dumps() if comparison is None else report.dumps(comparison=comparison.to_json())


def _say(text: str, end: str = "\n") -> bool:
    """Print, whatever the terminal can show; whether it was taken, as `head` and full disks do not to the end."""
    try:
        try:
            sys.stdout.write(text + end)
        except UnicodeEncodeError:
            sys.stdout.write("".join(c if c.isascii() else json.dumps(c)[1:-1] for c in text) + end)  # JSON stays JSON
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more
        return False
    return True


def settle() -> None:
    """Lead streams that were closed nowhere, before a file that is opened takes their numbers."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("r+"))  # noqa: SIM115 - for as long as the process lives


def guarded() -> int:
    """The command's exit status; an error of its own is 2, since 1 says that the checkpoint is blocked."""
    try:
        return main()
    except Exception:
        print("The check itself failed, and says nothing about the checkpoint.", file=sys.stderr)
        traceback.print_exc()
        return UNREADABLE


if __name__ == "__main__":  # pragma: no cover - runs in a process of its own
    gc.set_threshold(50_000)  # tens of thousands of records, none of them in a cycle, would be looked through often
    settle()
    sys.exit(guarded())
