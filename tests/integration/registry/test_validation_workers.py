"""Validation by real workers: they share a checkpoint's files, one that is killed loses only the file at hand."""

from __future__ import annotations

import pytest

import jobs.services as jobs
from jobs.models import Job
from registry.models import Evidence, FileInspection
from tests.factories import make_commit, make_variant
from tests.integration.jobs.conftest import (  # noqa: F401 - fixtures
    ended,
    kill,
    queue,
    quick_leases,
    start_worker,
    until,
)
from tests.integration.registry.test_validation import shard

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = [f"model-{number}-of-4.safetensors" for number in range(1, 5)]


@pytest.fixture
def held(tmp_path):
    """A folder of names: files that workers do not begin yet."""
    folder = tmp_path / "held"
    folder.mkdir()
    return folder


@pytest.fixture
def validating(held, start_worker):  # noqa: F811
    """A checkpoint of four large files that is being validated, and what starts one more worker for it."""

    def worker(name):
        return start_worker(
            name,
            concurrency=1,
            queues="validate",
            include="tests.integration.registry.slowly",
            HELD_FILES=str(held),
        )

    def begin():
        files = {name: shard(number) for number, name in enumerate(NAMES)}
        checkpoint = make_commit(make_variant(), files | {"README.md": b"# Shared\n"}).checkpoint
        return checkpoint, Job.objects.get(kind="registry.validate")

    return worker, begin


def at_work(whole, stage):
    return Job.objects.filter(whole=whole, stage=stage, state="running").exists()


def test_workers_share_the_files_and_a_killed_one_loses_only_the_file_at_hand(validating, held):
    worker, begin = validating
    (held / NAMES[0]).touch()
    (held / NAMES[1]).touch()
    one = worker("one")
    checkpoint, whole = begin()
    assert until(lambda: at_work(whole, NAMES[0]), 20)
    worker("two")
    assert until(lambda: at_work(whole, NAMES[1]), 20)
    kill(one)
    (held / NAMES[1]).unlink()
    assert until(lambda: FileInspection.objects.count() == 4, 20), "the others go on"
    assert Job.objects.get(pk=whole.pk).state == "divided"
    first = dict(FileInspection.objects.values_list("path", "made_at"))
    (held / NAMES[0]).unlink()
    done = ended(whole, within=30)
    assert done.state == "succeeded"
    attempts = dict(done.parts.values_list("stage", "attempts"))
    assert attempts == {"README.md": 1} | dict.fromkeys(NAMES, 1) | {NAMES[0]: 2}
    again = dict(FileInspection.objects.values_list("path", "made_at"))
    assert {path: again[path] for path in first} == first, "what was finished was not read again"
    assert Evidence.objects.filter(checkpoint=checkpoint, kind="validation").count() == 1
    assert {part.worker for part in done.parts.filter(stage__in=NAMES[:2])} == {"two@test"}


def test_cancelling_the_validation_stops_the_worker_at_its_file(validating, held):
    worker, begin = validating
    for name in NAMES:
        (held / name).touch()
    worker("one")
    checkpoint, whole = begin()
    assert until(lambda: at_work(whole, NAMES[0]), 20)
    jobs.cancel(str(whole.pk))
    assert until(lambda: set(whole.parts.values_list("state", flat=True)) <= {"cancelled", "succeeded"}, 10)
    assert Job.objects.get(pk=whole.pk).state == "cancelled"
    assert whole.parts.filter(state="cancelled").count() == 4
    assert not Evidence.objects.filter(checkpoint=checkpoint, kind="validation").exists()
