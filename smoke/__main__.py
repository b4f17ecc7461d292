"""Command line: `python -m smoke plan DIR` and `python -m smoke run DIR`.

Exit status: 0 pass or warn, 1 fail, 2 it could not run because arguments or files cannot be used, 3 not run.
It is the verdict's alone: streams that are closed, full or read by nobody any more change nothing about it, and an
error of this program's own is 2, never 1.
SIGINT and SIGTERM cancel: every process that was started is ended, the report says so, and the status is 3.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from smoke import declaring, sandbox
from smoke.checkpoint import CheckpointError
from smoke.devices import KINDS
from smoke.engines import BACKENDS, NATIVE
from smoke.hearing import Progress
from smoke.identity import manifest_digest
from smoke.plan import QUANTIZATIONS, Plan, hardware_fit, make_plan, size
from smoke.probes import Probe
from smoke.report import Outcome, SmokeReport, dumps, not_run
from smoke.run import SEED, STARTS, run
from smoke.supervise import Limits
from smoke.terminal import Teller, printable, say, settle, table, wants_color

EXIT = {Outcome.PASS: 0, Outcome.WARN: 0, Outcome.FAIL: 1, Outcome.NOT_RUN: 3}
UNUSABLE, BROKEN = "unusable", "internal"
BAD_INPUT = frozenset((
    "no_config", "no_weights", "bad_json", "bad_header", "missing_shard", "bad_config", "too_large", "bad_path",
    "no_folder", "unreadable", "incomplete_adapter", "wrong_base", "not_an_adapter", "base_is_an_adapter",
    UNUSABLE, BROKEN,
))  # fmt: skip
"""Codes of a plan that say that the files cannot be used, whatever machine they are on.

An adapter without its base is none of them: its own files are as they should be, and it runs once the base is there.
"""

REFERENCE_LIMIT = 32 << 20


class Unusable(Exception):
    """An argument, or a file that it names, cannot be used; the message names it."""


class Canceled(BaseException):
    """A signal came while nothing was watching for it; no library may take it for an error of its own."""


class _Parser(argparse.ArgumentParser):
    """Arguments that cannot be read are told like every other thing that cannot be used."""

    def error(self, message: str) -> NoReturn:
        raise Unusable(f"{message}\n{self.format_usage().strip()}")


def main(argv: Sequence[str] | None = None) -> int:
    """Parses, runs, prints; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    given = _where_to_tell(arguments)
    try:
        given = _parser().parse_args(arguments)
        _check(given)
        return _plan(given) if given.command == "plan" else _run(given)
    except Unusable as error:
        told = "\n".join(printable(line) for line in str(error).splitlines())
        say(f"smoke: {told}", sys.stderr)
        _write_unusable(given, UNUSABLE, str(error).partition("\n")[0])
    except Canceled:
        say("smoke: canceled", sys.stderr)
        _write_unusable(given, "canceled", "Canceled before anything was run.")
        return EXIT[Outcome.NOT_RUN]
    except Exception as error:
        # without this an error of our own would end with 1, which says that the checkpoint failed
        say(traceback.format_exc(), sys.stderr)
        _write_unusable(given, BROKEN, f"The command itself broke: {type(error).__name__}: {error}"[:500])
    return 2


def _where_to_tell(arguments: list[str]) -> argparse.Namespace:
    """What is known even of arguments that cannot be read: the command, and where its result is to be written."""
    places = [one.removeprefix("--json=") for one in arguments if one.startswith("--json=")]
    places += [after for one, after in pairwise(arguments) if one == "--json" and not after.startswith("--")]
    return argparse.Namespace(command=arguments[0] if arguments else "", json=places[-1] if places else None)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m smoke", description="Quantized smoke inference of a checkpoint.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("plan", "say where and how it would run"), ("run", "run it in a sandbox and judge it")):
        command = commands.add_parser(name, help=text)
        command.add_argument("folder", metavar="DIR", type=Path)
        command.add_argument("--base", metavar="DIR", type=Path, help="the model that an adapter is put on")
        command.add_argument("--device", help="cpu, cuda:0, ...; without it the best attached one that fits")
        command.add_argument("--quantization", help=f"one of {', '.join(QUANTIZATIONS)}; without it one that fits")
        backends = f"the quantizer that holds the weights, one of {', '.join(BACKENDS)}"
        command.add_argument("--backend", default=NATIVE, help=backends)
        whole = "write the whole result to FILE; without FILE, or with -, to standard output"
        command.add_argument("--json", metavar="FILE", nargs="?", const="-", help=whole)
    parser_of_run = commands.choices["run"]
    add: Any = parser_of_run.add_argument
    add("--probe", metavar="FILE", type=Path, help="held-out text, plain or JSON with text and bits_per_byte")
    add("--declare", metavar="FILE", type=Path, help="write the probe with the losses measured here, for later runs")
    add("--reference", metavar="REPORT.json", type=Path, help="an earlier report on the same probe")
    add("--parent", action="store_true", help="the reference is of the model that this one was made from")
    add("--starts", metavar="N", type=int, default=STARTS, help=f"cold starts (default {STARTS})")
    add("--seed", type=int, default=SEED, help="seed of sampling")
    add("--digest", help="manifest digest, where it is known; without it every file is hashed")
    add("--seconds", type=float, default=1800.0, help="wall limit of the whole run")
    add("--blocks-seconds", type=float, default=60.0, help="time for turning blocks down; 0: none")
    add("--threads", type=int, default=0, help="threads of the engine; 0: every core")
    add("--without", action="append", default=[], choices=sandbox.REQUIRED, help="run without this layer, and warn")
    add("--quiet", action="store_true", help="no progress")
    return parser


def _check(given: argparse.Namespace) -> None:
    """Refuses what can be seen to be unusable before anything is started."""
    for folder in filter(None, (given.folder, given.base)):
        if not folder.is_dir():
            raise Unusable(f"not a folder: {folder}")
    kinds = "|".join(KINDS)
    if given.device is not None and not re.fullmatch(rf"(?:{kinds})(?::\d{{1,4}})?", given.device):
        raise Unusable(f"--device: there is no device {given.device!r}; it is one of {', '.join(KINDS)}, as in cuda:0")
    for name, known in (("quantization", QUANTIZATIONS), ("backend", BACKENDS)):
        if (word := getattr(given, name)) is not None and word not in known:
            raise Unusable(f"--{name}: there is no {word!r}; it is one of {', '.join(known)}")
    if given.json not in (None, "-"):
        _check_place("--json", Path(given.json))
    if given.command == "plan":
        return
    for name, least, most in (("starts", 1, 10), ("seconds", 1, 10**6), ("blocks_seconds", 0, 10**6),
                              ("threads", 0, 4096), ("seed", 0, 2**63 - 1)):  # fmt: skip
        number = getattr(given, name)
        if not least <= number <= most:
            raise Unusable(f"--{name.replace('_', '-')}: {number} is not between {least} and {most}")
    if given.declare is not None and given.probe is None:
        raise Unusable("--declare: it declares what was measured on --probe, and none was given")
    if given.declare is not None:
        _check_place("--declare", given.declare)
    if given.parent and given.reference is None:
        raise Unusable("--parent: it says whose report --reference is, and none was given")
    if given.digest is not None and not re.fullmatch(r"sha256:[0-9a-f]{64}", given.digest):
        raise Unusable("--digest: not sha256: and 64 hex digits")


def _check_place(option: str, place: Path) -> None:
    """Refuses before the run what could not be written after it."""
    place = place.absolute()
    if not place.parent.is_dir():
        raise Unusable(f"{option}: there is no folder for {place}")
    if place.is_dir():
        raise Unusable(f"{option}: {place} is a folder")
    if not os.access(place if place.exists() else place.parent, os.W_OK):
        raise Unusable(f"{option}: {place} cannot be written")


def _run(given: argparse.Namespace) -> int:
    probe = _probe(given.probe) if given.probe else None
    reference = _reference(given.reference) if given.reference else None
    teller = None if given.quiet else Teller(sys.stderr)
    with _cancelable() as cancel:
        report = _report(given, probe, reference, teller, cancel)
    if teller is not None:
        teller.clear()
    if given.json != "-":
        say(table(report, in_color=wants_color(sys.stdout)))
    _write(given.json, dumps(report) + "\n")
    if probe is not None and given.declare is not None and report.outcome in (Outcome.PASS, Outcome.WARN):
        _declare(given.declare, probe, report)
    return exit_of(report.outcome, report.code)


def _declare(place: Path, probe: Probe, report: SmokeReport) -> None:
    try:
        place.write_text(declaring.written(declaring.declaration(probe, report)), encoding="utf-8")
    except ValueError as error:
        raise Unusable(f"--declare: {error}") from error
    except OSError as error:
        raise Unusable(f"--declare: {place}: {error.strerror or error}") from error


def _report(
    given: argparse.Namespace,
    probe: Probe | None,
    reference: SmokeReport | None,
    teller: Teller | None,
    cancel: _Cancel,
) -> SmokeReport:
    began = time.monotonic()
    try:
        if teller is not None:
            teller(Progress("plan", 0, 0))
        plan = _make_plan(given)
        planned = time.monotonic()
        cancel.is_watched = True
        digest = given.digest or manifest_digest(given.folder, _hashing(teller), cancel)
    except Canceled:
        return not_run("canceled", "Canceled at stage plan.")
    except (OSError, CheckpointError) as error:
        return not_run("unreadable", f"A file could not be read: {error}")
    if cancel.is_set():
        return not_run("canceled", "Canceled while the files were hashed.", plan=plan.to_json())
    hashed = time.monotonic()
    report = run(
        given.folder,
        base=given.base,
        plan=plan,
        probe=probe,
        reference=reference,
        is_parent=given.parent,
        progress=teller,
        limits=Limits(wall_seconds=given.seconds, threads=given.threads, blocks_seconds=given.blocks_seconds),
        cancel=cancel,
        required=tuple(name for name in sandbox.REQUIRED if name not in given.without),
        starts=given.starts,
        seed=given.seed,
        manifest_digest=digest,
    )
    before = [{"start": 0, "stage": stage, "seconds": round(seconds, 3), "cpu_seconds": None}
              for stage, seconds in (("plan", planned - began), ("digest", hashed - planned))]  # fmt: skip
    return replace(report, seconds=report.seconds + hashed - began, breakdown=(*before, *report.breakdown))


def _hashing(teller: Teller | None) -> Any:
    if teller is None:
        return None
    return lambda done, total: teller(Progress("digest", done, total, f"{size(done)} of {size(total)}"))


def exit_of(outcome: Outcome, code: str) -> int:
    """The exit status; files that cannot be used are told apart from a machine that cannot run them."""
    return 2 if outcome is Outcome.NOT_RUN and code in BAD_INPUT else EXIT[outcome]


class _Cancel(threading.Event):
    """Set by the first signal. Until somebody watches it, the signal also interrupts whatever is under way."""

    is_watched = False


@contextmanager
def _cancelable() -> Iterator[_Cancel]:
    """SIGINT and SIGTERM cancel once, and end this process at once when they come again."""
    cancel = _Cancel()

    def asked(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        cancel.set()
        if not cancel.is_watched:
            raise Canceled

    if threading.current_thread() is not threading.main_thread():
        yield cancel
        return
    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield cancel
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _probe(path: Path) -> Probe:
    try:
        return Probe.read(path)
    except OSError as error:
        raise Unusable(f"--probe: {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise Unusable(f"--probe: {path.name}: {error}") from error


def _reference(path: Path) -> SmokeReport:
    try:
        if path.stat().st_size > REFERENCE_LIMIT:
            raise Unusable(f"--reference: {path.name} is larger than {size(REFERENCE_LIMIT)}")
        return SmokeReport.from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise Unusable(f"--reference: {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise Unusable(f"--reference: {path.name} is not a report of smoke inference: {error}") from error


def _write(place: str | None, content: str) -> None:
    if place == "-":
        if not say(content.removesuffix("\n")):
            raise Unusable("--json: standard output takes nothing")
    elif place is not None:
        try:
            Path(place).write_text(content, encoding="utf-8")
        except OSError as error:
            raise Unusable(f"--json: {place}: {error.strerror or error}") from error


def _write_unusable(given: argparse.Namespace, code: str, reason: str) -> None:
    """What could not be run has a result as well, for who reads nothing else; unless its own place is what is wrong."""
    result: Plan | SmokeReport = Plan(False, code, reason)
    if given.command != "plan":
        result = not_run(code, reason)
    with suppress(Unusable):
        _write(given.json, json.dumps(result.to_json(), allow_nan=False, indent=2) + "\n")


def _plan(given: argparse.Namespace) -> int:
    plan = _make_plan(given)
    _write(given.json, json.dumps({**plan.to_json(), "hardware": hardware_fit(plan)}, indent=2) + "\n")
    if given.json != "-":
        _print_plan(plan)
    return 0 if plan.runnable else exit_of(Outcome.NOT_RUN, plan.code)


def _print_plan(plan: Plan) -> None:
    lines = [printable(plan.reason, 2000)]
    if plan.parameters:
        weights = ", ".join(f"{q} {size(n)}" for q, n in plan.weights_bytes.items())
        lines.append(f"{plan.parameters:,} parameters, {plan.kind}; weights: {weights}")
    for o in plan.options:
        lines.append(f"  {'fits    ' if o.fits else 'does not'}  {o.device:8} {o.quantization:5} {o.why}")
    rows = hardware_fit(plan)
    if rows:
        precisions = list(rows[0]["needs"])
        lines.append("On common machines, free memory that a run needs there; ! where there is less:")
        lines.append(f"  {'':22}" + "".join(f"{q:>12}" for q in precisions) + "  best")
        for row in rows:
            cells = (f"{size(row['needs'][q])}{' ' if row['fits'][q] else '!'}" for q in precisions)
            lines.append(
                f"  {row['machine']:22}" + "".join(f"{cell:>12}" for cell in cells) + f"  {row['quantization'] or '-'}"
            )
    say("\n".join(lines))


def _make_plan(given: argparse.Namespace) -> Plan:
    return make_plan(
        given.folder,
        base=given.base,
        device=given.device,
        quantization=given.quantization,
        backend=given.backend,
    )


if __name__ == "__main__":
    settle()
    sys.exit(main())
