"""Command line: `python -m smoke plan DIR` and `python -m smoke run DIR`.

Exit status: 0 pass or warn, 1 fail, 2 the arguments or files cannot be used, 3 not run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from smoke import sandbox
from smoke.checkpoint import open_checkpoint
from smoke.plan import QUANTIZATIONS, Plan, elsewhere, make_plan, size
from smoke.probes import Probe
from smoke.report import Outcome, SmokeReport, dumps
from smoke.run import Progress, run
from smoke.supervise import Limits

EXIT = {Outcome.PASS: 0, Outcome.WARN: 0, Outcome.FAIL: 1, Outcome.NOT_RUN: 3}


def main(argv: Sequence[str] | None = None) -> int:
    """Parses, runs, prints; returns the exit status."""
    given = _parser().parse_args(argv)
    if not given.folder.is_dir():
        print(f"smoke: not a folder: {given.folder}", file=sys.stderr)
        return 2
    if given.command == "plan":
        return _plan(given)
    try:
        probe = Probe.read(given.probe) if given.probe else None
        reference = SmokeReport.from_json(json.loads(given.reference.read_text())) if given.reference else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"smoke: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    report = run(
        given.folder,
        device=given.device,
        quantization=given.quantization,
        probe=probe,
        reference=reference,
        progress=None if given.quiet else _show,
        limits=Limits(wall_seconds=given.seconds, threads=given.threads, blocks_seconds=given.blocks_seconds),
        required=tuple(name for name in sandbox.REQUIRED if name not in given.without),
    )
    if given.json:
        given.json.write_text(dumps(report) + "\n")
    _print(report)
    return EXIT[report.outcome]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m smoke", description="Quantized smoke inference of a checkpoint.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("plan", "say where and how it would run"), ("run", "run it in a sandbox and judge it")):
        command = commands.add_parser(name, help=text)
        command.add_argument("folder", type=Path)
        command.add_argument("--device", help="cpu, cuda:0, ...; without it the best attached one that fits")
        command.add_argument("--quantization", choices=QUANTIZATIONS)
        command.add_argument("--json", type=Path, help="write the whole result here")
        if name == "plan":
            command.add_argument("--elsewhere", action="store_true", help="also say what fits on common machines")
        if name == "run":
            command.add_argument("--probe", type=Path, help="held-out text, plain or JSON with text and bits_per_byte")
            command.add_argument("--reference", type=Path, help="an earlier report on the same probe")
            command.add_argument("--seconds", type=float, default=1800.0, help="wall limit")
            command.add_argument(
                "--blocks-seconds", type=float, default=60.0, help="time for turning blocks down; 0: none"
            )
            command.add_argument("--threads", type=int, default=0, help="threads of the engine; 0: every core")
            command.add_argument(
                "--without",
                action="append",
                default=[],
                choices=sandbox.REQUIRED,
                help="run without this layer, and warn",
            )
            command.add_argument("--quiet", action="store_true", help="no progress")
    return parser


def _plan(given: argparse.Namespace) -> int:
    plan = make_plan(given.folder, device=given.device, quantization=given.quantization)
    if given.json:
        given.json.write_text(json.dumps(plan.to_json(), indent=2) + "\n")
    _print_plan(plan)
    if given.elsewhere and plan.parameters:
        print("On other machines, the highest precision that fits:")
        for o in elsewhere(open_checkpoint(given.folder)):
            print(f"  {o.device:20} {o.quantization if o.fits else 'nothing':8} {o.why}")
    if plan.runnable:
        return 0
    return 2 if plan.code in ("no_config", "no_weights", "bad_json", "bad_header", "missing_shard") else 3


def _print_plan(plan: Plan) -> None:
    print(plan.reason)
    if plan.parameters:
        weights = ", ".join(f"{q} {size(n)}" for q, n in plan.weights_bytes.items())
        print(f"{plan.parameters:,} parameters, {plan.kind}; weights: {weights}")
    for o in plan.options:
        print(f"  {'fits    ' if o.fits else 'does not'}  {o.device:8} {o.quantization:5} {o.why}")


def _show(progress: Progress) -> None:
    share = f" {progress.done * 100 // progress.total}%" if progress.total else ""
    print(f"\r\033[K{progress.stage}{share}", end="", file=sys.stderr, flush=True)


def _print(report: SmokeReport) -> None:
    print("\r\033[K" if sys.stderr.isatty() else "", end="", file=sys.stderr)
    print(f"{report.outcome.value.upper()}  {report.reason}")
    if report.device:
        print(f"{report.quantization} on {report.device}, {report.seconds:.1f} s")
    for m in report.metrics:
        mark = "ok  " if m.ok else m.severity.value
        number = "" if m.value is None else f"{m.value:.4g} {m.unit}".strip()
        print(f"  {mark}  {m.name:36} {number:20} ({m.threshold})  {m.reason}")
    for sample in report.samples:
        print(f"  > {sample.prompt!r}\n    {sample.text!r}")


if __name__ == "__main__":
    sys.exit(main())
