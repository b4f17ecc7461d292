"""Read stored content again and say what is missing, damaged or stray."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from registry.services.verifying import Report, Wanted, verify
from web.formatting import duration, size

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
TELL_EVERY_SECONDS = 1.0
MOST_LINES = 50


class Command(BaseCommand):
    help = (
        "Read every blob again and compare size and SHA-256. Exit 0: all is sound. 1: something is missing, damaged, "
        "of another size, or without a row. 2: it could not be done. Nothing is deleted; what is damaged is marked."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sample", default="", metavar="N|P%", help="Only so many at random, or such a share.")
        parser.add_argument("--since", default="", metavar="DATE", help="Only what was stored since, as 2026-01-31.")
        parser.add_argument("--limit-rate", default="", metavar="BYTES", help="Per second, as 50M.")
        parser.add_argument("--json", action="store_true", help="The report as JSON.")

    def handle(self, *args: object, **options: object) -> None:
        try:
            wanted = _wanted(str(options["sample"]), str(options["since"]), str(options["limit_rate"]))
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from error
        shown = _Progress() if sys.stderr.isatty() or not options["json"] else None
        try:
            report = verify(wanted, tell=shown.tell if shown else lambda done, total: None)
        except (OSError, DatabaseError, BotoCoreError, ClientError) as error:
            raise CommandError(f"The storage could not be read: {error}", returncode=2) from error
        self.stdout.write(json.dumps(report.as_dict(), indent=2) if options["json"] else _said(report))
        if not report.is_sound:
            raise SystemExit(1)


class _Progress:
    """One line on the error stream, now and then: bytes, share, and the time that is left."""

    def __init__(self) -> None:
        self._began = self._told = time.monotonic()

    def tell(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._told < TELL_EVERY_SECONDS or not done:
            return
        self._told = now
        left = (now - self._began) * (total - done) / done
        sys.stderr.write(f"{size(done)} of {size(total)} ({done * 100 // total} %), {duration(left)} left\n")
        sys.stderr.flush()


def _wanted(sample: str, since: str, limit_rate: str) -> Wanted:
    count = share = None
    if sample.endswith("%"):
        share = float(sample[:-1]) / 100
    elif sample:
        count = int(sample)
    if (count is not None and count < 1) or (share is not None and not 0 < share <= 1):
        raise ValueError("--sample takes a number above 0, or a share above 0 % up to 100 %.")
    moment = datetime.fromisoformat(since) if since else None
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    rate = 0
    if limit_rate:
        unit = limit_rate[-1].lower() if limit_rate[-1].isalpha() else ""
        if unit not in UNITS:
            raise ValueError("--limit-rate takes bytes per second, with k, M or G where they are many.")
        rate = int(float(limit_rate.removesuffix(limit_rate[-1]) if unit else limit_rate) * UNITS[unit])
        if rate < 1:
            raise ValueError("--limit-rate must be above 0.")
    return Wanted(since=moment, sample=count, sample_share=share, bytes_per_second=rate)


def _said(report: Report) -> str:
    lines = [f"{report.checked} blobs, {size(report.bytes_read)} read in {duration(report.seconds)}."]
    for word, problems in (
        ("missing", report.missing),
        ("damaged", report.damaged),
        ("other size", report.size_mismatch),
        ("stray", report.stray),
    ):
        for problem in problems[:MOST_LINES]:
            files = f" ({', '.join(problem['files'])})" if problem.get("files") else ""
            lines.append(f"{word.upper():11} {problem['sha256']}{files}")
        if len(problems) > MOST_LINES:
            lines.append(f"{word.upper():11} and {len(problems) - MOST_LINES} more")
    lines += [f"MENDED      {sha256}" for sha256 in report.mended]
    lines.append("All sound." if report.is_sound else "Something is wrong; see above.")
    return "\n".join(lines)
