"""Judge a license or openness case from a file or the standard input, and print the answer as JSON."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

from django.core.management.base import BaseCommand

from licensing.cases import LIMIT_BYTES, CaseRefused, read_document
from licensing.engine import Verdict, evaluate, read_case

REFUSED = 2
FAULT = 70  # as sysexits.h has it
EXIT = {Verdict.ALLOW: 0, Verdict.CONDITIONS: 0, Verdict.DENY: 1, Verdict.REVIEW: 3}


class Command(BaseCommand):
    help = (
        "Judge a case, given as JSON or YAML. Exits with 0 where it is allowed or lawful under conditions, "
        "1 where it is unlawful as proposed, 3 where a person must decide, and 2 where the case cannot be read. "
        "Needs no database. Facts from the license catalog, not legal advice."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("case", metavar="CASE", help="a file, or - for the standard input")
        parser.add_argument(
            "--openness", action="store_true", help="judge how open a release is, and not what licenses demand of it"
        )

    def handle(self, *args: object, case: str, openness: bool, **options: object) -> None:
        try:
            given = read_document(_read(case))
            answer, code = _openness(given) if openness else _license(given)
        except CaseRefused as refused:
            self.stderr.write(f"Refused: {refused}")
            raise SystemExit(REFUSED) from None
        except RecursionError:
            self.stderr.write("Refused: the case is nested too deeply.")
            raise SystemExit(REFUSED) from None
        except Exception as fault:  # Python would end with 1, which here means "unlawful"
            self.stderr.write(f"The case was not judged, by a fault of this program: {type(fault).__name__}: {fault}")
            raise SystemExit(FAULT) from None
        self.stdout.write(_printable(json.dumps(answer, ensure_ascii=False, indent=2), answer))
        if code:
            raise SystemExit(code)


def _printable(written: str, answer: object) -> str:
    """The answer as it is, or escaped where the terminal cannot show it."""
    try:
        written.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return json.dumps(answer, indent=2)
    return written


def _license(given: object) -> tuple[dict[str, object], int]:
    assessment = evaluate(read_case(given))
    return assessment.as_dict(), EXIT[assessment.verdict]


def _openness(given: object) -> tuple[dict[str, object], int]:
    if not isinstance(given, dict):
        raise CaseRefused("", "the case must be a mapping")
    # Not needed for license cases, which must stay quick.
    return importlib.import_module("licensing.openness.cases").check(given), 0


def _read(case: str) -> bytes:
    if case == "-":
        return sys.stdin.buffer.read(LIMIT_BYTES + 1)
    try:
        with Path(case).open("rb") as source:
            return source.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise CaseRefused("", f"{case} cannot be read: {error.strerror or error}") from None
