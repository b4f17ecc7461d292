"""Kinds of jobs for tests; a real worker loads this module by name. Their effects are events and lines in a file."""

from __future__ import annotations

import os
import time
from pathlib import Path

import audit.services as audit
from jobs import Divide, Part, Retry, handler
from jobs.running import Lease
from rules import Kind, Refused, Rule, verdict

KNOWN = dict(verdict._registered)
HOPELESS = Rule("test.hopeless", "This cannot work: {why}.", "Nobody", Kind.WHAT)
verdict._registered.clear()  # a rule of tests is none of the product's
verdict._registered.update(KNOWN)
GIVEN_UP: list[tuple[str, str, str]] = []


def given_up(subject: str, code: str, message: str) -> None:
    """What an app would do with a job that will not come."""
    GIVEN_UP.append((subject, code, message))


def effect(lease: Lease, kind: str) -> None:
    """Write a fact under the lease, as an app would."""
    from django.utils import timezone

    with lease.writing():
        audit.record(kind, subject=lease.job, actor=None, at=timezone.now(), fence=lease.job.fence)


def tell(lease: Lease, word: str) -> None:
    """Leave a line outside the database, where no fence is."""
    with Path(str(lease.payload["file"])).open("a") as file:
        file.write(f"{word} {lease.job.fence} {os.getpid()}\n")


@handler("test.quick", max_attempts=3, backoff=(0.2, 0.4), on_failure=given_up)
def quick(lease: Lease) -> None:
    effect(lease, "test:effect:written")


@handler("test.long", max_attempts=3, backoff=(0.2,), unit="steps", on_failure=given_up)
def long(lease: Lease) -> None:
    """Twenty steps of a tenth of a second; the first attempt never ends where the payload says so."""
    tell(lease, "begun")
    steps = 10_000 if lease.payload.get("hangs") and lease.job.fence == 1 else 20
    for step in range(steps):
        lease.report(step, 20, f"step {step}")
        time.sleep(0.1)
    effect(lease, "test:effect:written")
    tell(lease, "ended")


@handler("test.flaky", max_attempts=4, backoff=(0.2, 0.4), on_failure=given_up)
def flaky(lease: Lease) -> None:
    """Fails as often as the payload says."""
    if lease.job.fence <= int(str(lease.payload["failures"])):
        raise Retry("test.not_yet", "The other side is not there yet.")
    effect(lease, "test:effect:written")


@handler("test.broken", max_attempts=2, backoff=(0.1,), on_failure=given_up)
def broken(lease: Lease) -> None:
    raise ZeroDivisionError("secret detail")


@handler("test.hopeless", on_failure=given_up)
def hopeless(lease: Lease) -> None:
    raise Refused.because(HOPELESS, why="it was made so")


@handler("test.waiting", max_attempts=1, on_failure=given_up)
def waiting(lease: Lease) -> None:
    if lease.job.fence < 4:
        raise Retry("test.outside", "Something outside is awaited.", after_seconds=0, counts=False)


@handler("test.hanging", max_attempts=1, limit_seconds=1, on_failure=given_up)
def hanging(lease: Lease) -> None:
    time.sleep(60)


@handler("test.deadly", max_attempts=2, on_failure=given_up)
def deadly(lease: Lease) -> None:
    """Takes its process along, as one does that the kernel kills for its memory."""
    tell(lease, "begun")
    os.kill(os.getpid(), 9)


@handler("test.whole", max_attempts=3, backoff=(0.2,), unit="steps", on_failure=given_up)
def whole(lease: Lease) -> None:
    """Divides itself into as many parts as the payload says, and writes its effect once they are done."""
    parts = [
        Part("test.part", {**lease.payload, "number": n}, 20, f"part {n}") for n in range(int(lease.payload["parts"]))
    ]
    if not lease.job.parts.exists():
        raise Divide(parts, done=5, total=5 + 20 * len(parts))
    effect(lease, "test:whole:written")


@handler("test.part", max_attempts=2, backoff=(0.2,), unit="steps", on_failure=given_up)
def part(lease: Lease) -> None:
    """Some steps of a tenth of a second; the part that the payload names is hopeless."""
    if lease.payload["number"] == lease.payload.get("hopeless"):
        raise Refused.because(HOPELESS, why=f"part {lease.payload['number']} was made so")
    for step in range(int(lease.payload.get("steps", 0))):
        lease.report(step, 20)
        time.sleep(0.1)
    effect(lease, "test:part:written")
