"""Smoke inference by real workers: they register devices, one is killed in the middle, the other takes over."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from audit.models import Event
from jobs import device_register
from jobs.models import Device, Job
from jobs.services import database_now
from registry.models import Evidence
from registry.services.evidence import start_evidence, stop_evidence
from registry.states import EvidenceKind
from smoke.devices import is_installed
from tests.factories import make_commit, make_user, make_variant
from tests.integration.jobs.conftest import (  # noqa: F401 - fixtures
    LEASE_SECONDS,
    describe,
    ended,
    kill,
    queue,
    quick_leases,
    start_worker,
    until,
)
from tests.integration.registry.smoke_makers import files

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not is_installed(), reason="needs the smoke requirements"),
]

GONE_SECONDS = 3


@pytest.fixture
def worker(start_worker, settings):  # noqa: F811
    """Start a worker that takes smoke runs and plans them, on this machine's processor."""
    settings.DEVICE_GONE_SECONDS = GONE_SECONDS

    def begin(name):
        return start_worker(
            name,
            concurrency=1,
            queues="default,smoke.cpu",
            include="tests.integration.registry.quick_devices",
            DEVICE_GONE_SECONDS=str(GONE_SECONDS),
        )

    return begin


def live():
    return sorted(device_register.live("smoke.").values_list("worker", flat=True))


def confined(workers):
    """The processes in which these workers run a checkpoint now, by id; others on this machine may run some, too."""
    parents, runs = {}, set()
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes().split(b"\0")
            status = (place / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(place.name)] = int(status[1])
        if any(word.endswith(b"smoke/sandbox.py") for word in words) and status[0] != "Z":
            runs.add(int(place.name))
    ours = {worker.pid for worker in workers.values()}
    return {run for run in runs if ours & set(ancestors(run, parents))}


def frozen(workers, job):
    """Wait for the one process of a run and stop it where it is, so that it is as long as it takes; returns its id."""
    assert until(lambda: confined(workers), 30), describe(job)
    (child,) = confined(workers)
    # stopped before it has confined itself it would not have asked yet to die with its parent
    assert until(lambda: "\nSeccomp:\t2" in Path(f"/proc/{child}/status").read_text(), 30), describe(job)
    os.kill(child, signal.SIGSTOP)
    return child


def is_there(process):
    """Whether it still runs a checkpoint."""
    try:
        return b"smoke/sandbox.py" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def ancestors(process, parents):
    """The parents of a process, the nearest first."""
    while process := parents.get(process, 0):
        yield process


def test_a_run_outlives_its_worker_and_is_done_by_one_at_a_time(worker):
    """One story, since each start of the engine costs seconds: two workers, a long run, a loss, a cancel."""
    workers = {f"{name}@test": worker(name) for name in ("one", "two")}
    assert until(lambda: live() == sorted(workers), 15)
    broken = files(leave_out="model.layers.1.mlp.up_proj.weight")
    checkpoint = make_commit(make_variant(), broken).checkpoint
    job = Job.objects.get(kind="registry.smoke")
    child = frozen(workers, job)

    time.sleep(2.5 * LEASE_SECONDS)
    found = Job.objects.get(pk=job.pk)
    assert confined(workers) == {child}, "both workers sweep each second, and the run outlasts its lease twice"
    assert (found.state, found.attempts, found.fence, found.queue) == ("running", 1, 2, "smoke.cpu")

    lost, taker = found.worker, (set(workers) - {found.worker}).pop()
    kill(workers[lost])
    assert until(lambda: not is_there(child), 5), "what a killed worker ran dies with it"
    assert until(lambda: live() == [taker], 10)
    done = ended(job, within=120)
    assert (done.state, done.attempts, done.worker) == ("succeeded", 2, taker)
    made = Evidence.objects.get(kind="smoke")
    assert made.outcome == "fail", made.summary
    assert made.report["record"] | {"hardware": None, "routed": None} == made.report["record"] | {
        "worker": taker, "queue": "smoke.cpu", "attempt": 2, "hardware": None, "routed": None
    }  # fmt: skip
    gone = Device.objects.get(worker=lost)
    assert until(lambda: not Device.objects.get(worker=lost).is_live, 10), "the other worker saw it go"
    assert not device_register.is_live(gone, database_now())

    (again,) = start_evidence(checkpoint=checkpoint, kinds={EvidenceKind.SMOKE}, again=True)
    frozen(workers, again)
    assert stop_evidence(checkpoint=checkpoint, kind=EvidenceKind.SMOKE, by=make_user())
    assert until(lambda: not confined(workers), 10), "a cancel ends the process that runs"
    assert ended(again).state == "cancelled"
    assert Evidence.objects.filter(kind="smoke").count() == 1
    assert Event.objects.filter(kind="registry:evidence:stopped").count() == 1
