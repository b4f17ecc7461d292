"""Stored content is read again and compared, and what nothing needs goes: never what a commit is about to name."""

from __future__ import annotations

import json
import os
import threading
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.db.models import PROTECT
from django.utils import timezone

from audit.models import Event
from hub.services import upkeep
from registry.blobs import blob_store
from registry.models import Blob, BlobHolding, CheckpointFile
from registry.services import buckets, collecting, content
from registry.services.commits import Changes, Placed, commit
from rules import Refused
from tests.factories import make_organization, make_variant

pytestmark = pytest.mark.django_db(transaction=True)
LATER = timedelta(days=31)


@pytest.fixture(autouse=True)
def only_own_content():
    """The store outlives the database's rows between tests; what others left would be strays here."""
    for one in list(blob_store().listing()):
        blob_store().delete(one.sha256)


def kept(data: bytes, organization=None) -> str:
    return content.receive([data], organization=organization or make_organization()).sha256


def collect(**options):
    return collecting.collect(now=timezone.now() + LATER, **options)


def verify(*words: str) -> tuple[int, dict]:
    out = StringIO()
    try:
        call_command("verify_storage", "--json", *words, stdout=out)
    except SystemExit as end:
        return int(end.code), json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def damage(sha256: str, data: bytes) -> None:
    place = blob_store().path(sha256)
    place.chmod(0o640)
    place.write_bytes(data)


# --- collecting -----------------------------------------------------------------------------------


def test_only_content_that_nothing_needs_goes_and_only_after_its_grace():
    variant = make_variant()
    used, unused = kept(b"used", variant.organization), kept(b"unused", variant.organization)
    commit(variant=variant, changes=Changes(add={"a.txt": Placed(used)}), title="Use it", author=None)
    assert collecting.collect(now=timezone.now() + timedelta(days=29)).blobs == 0
    assert collect(is_dry=True).blobs == 1 and blob_store().exists(unused)
    found = collect()
    assert (found.blobs, found.blob_bytes, found.strays) == (1, 6, 0)
    assert blob_store().exists(used) and not blob_store().exists(unused)
    assert not BlobHolding.objects.filter(blob_id=unused).exists()
    event = Event.objects.get(kind="registry:storage:collected")
    assert (event.facts["blobs"], event.facts["size_bytes"]) == (1, 6)
    assert collect().blobs == 0


def test_bytes_without_a_row_go_after_the_grace():
    sha256 = kept(b"row is lost")
    BlobHolding.objects.all().delete()
    Blob.objects.all().delete()
    assert collecting.collect(now=timezone.now()).strays == 0
    found = collect()
    assert (found.strays, found.stray_bytes) == (1, 11) and not blob_store().exists(sha256)


def test_what_a_sender_was_promised_stays_for_a_whole_grace():
    organization = make_organization()
    sha256 = kept(b"promised", organization)
    Blob.objects.update(used_at=timezone.now() - LATER)
    assert set(content.promised(organization, [sha256])) == {sha256}
    assert collecting.collect(now=timezone.now()).blobs == 0


def test_what_somebody_keeps_just_now_is_left_alone():
    sha256 = kept(b"again")
    Blob.objects.update(used_at=timezone.now() - LATER)
    begun, go_on = threading.Event(), threading.Event()

    def keep_slowly() -> None:
        try:
            with transaction.atomic():
                buckets.hold([sha256])
                begun.set()
                go_on.wait(10)
        finally:
            connection.close()

    keeper = threading.Thread(target=keep_slowly)
    keeper.start()
    begun.wait(10)
    found = collecting.collect(now=timezone.now())
    go_on.set()
    keeper.join()
    assert (found.blobs, found.busy) == (0, 1) and blob_store().exists(sha256)


def test_a_commit_that_begins_to_need_content_wins_or_is_refused():
    """Committers and the collector race for the same contents; whoever lost, no commit names bytes that are gone."""
    variants = [make_variant() for _ in range(3)]
    data = [os.urandom(40) for _ in range(12)]
    hashes = [kept(one, variants[0].organization) for one in data]
    for variant in variants[1:]:
        assert [kept(one, variant.organization) for one in data] == hashes
    Blob.objects.update(used_at=timezone.now() - LATER)
    start, made, refused = threading.Barrier(5), [], []

    def commit_all(variant) -> None:
        try:
            start.wait()
            for number, sha256 in enumerate(hashes):
                try:
                    changes = Changes(add={f"{number}.txt": Placed(sha256)})
                    commit(variant=variant, changes=changes, title="Race", author=None)
                    made.append(sha256)
                except Refused as error:
                    refused.append(error.verdict.codes)
        finally:
            connection.close()

    def collect_all() -> None:
        try:
            start.wait()
            for _ in range(4):
                collecting.collect(now=timezone.now(), among={sha256[:2] for sha256 in hashes})
        finally:
            connection.close()

    def send_again() -> None:
        try:
            start.wait()
            for one in data:
                content.receive([one], organization=variants[0].organization)
        finally:
            connection.close()

    threads = [threading.Thread(target=commit_all, args=[variant]) for variant in variants[:3]]
    threads += [threading.Thread(target=collect_all), threading.Thread(target=send_again)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(codes == {"registry.content_unknown"} for codes in refused)
    assert len(made) + len(refused) == 3 * len(hashes)
    for sha256 in set(CheckpointFile.objects.values_list("blob_id", flat=True)):
        assert blob_store().exists(sha256)
    for sha256 in BlobHolding.objects.values_list("blob_id", flat=True):
        assert blob_store().exists(sha256)


def test_whatever_protects_a_blob_keeps_it():
    from registry.models import FileInspection

    protecting = {
        relation.related_model
        for relation in Blob._meta.get_fields(include_hidden=True)
        if getattr(relation, "on_delete", None) is PROTECT
    }
    assert protecting == {BlobHolding, CheckpointFile, FileInspection}
    assert {relation.related_model for relation in collecting.keepers()} == {CheckpointFile, FileInspection}


def test_the_command_counts_and_the_schedule_takes_turns():
    kept(b"unused")
    Blob.objects.update(used_at=timezone.now() - LATER)
    out = StringIO()
    call_command("collect_blobs", "--dry-run", "--json", stdout=out)
    assert json.loads(out.getvalue())["blobs"] == 1
    now = timezone.now().replace(minute=0)
    removed = [upkeep.collect_hourly(now=now + timedelta(hours=hour)).blobs.blobs for hour in range(24)]
    assert sum(removed) == 1
    call_command("collect_blobs", stdout=out)


# --- verifying -------------------------------------------------------------------------------------


def test_sound_storage_is_said_to_be_sound():
    kept(b"one"), kept(b"two")
    code, report = verify()
    assert (code, report["ok"], report["checked"], report["bytes"], report["complete"]) == (0, True, 2, 6, True)
    assert Event.objects.get(kind="registry:storage:verified").facts["checked"] == 2


def test_each_kind_of_damage_is_found_named_and_marked():
    variant = make_variant()
    gone, changed, short, sound = (kept(data, variant.organization) for data in (b"gone", b"changed", b"short", b"ok"))
    commit(variant=variant, changes=Changes(add={"m/a.bin": Placed(changed)}), title="Files", author=None)
    blob_store().delete(gone)
    damage(changed, b"CHANGED")
    damage(short, b"sho")
    stray = "ab" * 32
    place = blob_store().path(stray)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"stray")
    os.utime(place, (1, 1))
    code, report = verify()
    assert (code, report["ok"]) == (1, False)
    found = {name: [one["sha256"] for one in report[name]] for name in ("missing", "damaged", "size_mismatch", "stray")}
    assert found == {"missing": [gone], "damaged": [changed], "size_mismatch": [short], "stray": [stray]}
    assert report["damaged"][0]["files"] == [f"{variant.repo_id}/m/a.bin"]
    assert set(Blob.objects.exclude(damaged_at=None).values_list("pk", flat=True)) == {gone, changed, short}
    assert place.exists() and Blob.objects.get(pk=sound).damaged_at is None


def test_what_was_damaged_is_mended_by_sending_it_again_and_by_putting_it_back():
    organization = make_organization()
    first, second = kept(b"first", organization), kept(b"second", organization)
    damage(first, b"FIRST")
    damage(second, b"SECOND")
    assert verify()[0] == 1
    assert content.promised(organization, [first, second]) == {}  # so that a client sends them
    assert kept(b"first", organization) == first
    damage(second, b"second")
    code, report = verify()
    assert (code, report["mended"]) == (0, [second])
    with blob_store().open(first) as source:
        assert source.read() == b"first"


def test_a_part_of_the_storage_can_be_read():
    for number in range(10):
        kept(b"%d" % number)
    Blob.objects.filter(pk__lt="8").update(created_at=timezone.now() - LATER)
    recent = Blob.objects.filter(pk__gte="8").count()
    since = (timezone.now() - timedelta(days=1)).date().isoformat()
    assert verify("--sample", "3")[1]["checked"] == 3
    assert verify("--sample", "50%")[1]["checked"] == 5
    report = verify("--since", since)[1]
    assert (report["ok"], report["complete"], report["checked"]) == (True, False, recent)


def test_a_rate_is_kept():
    kept(bytes(200_000))
    assert verify("--limit-rate", "1M")[1]["seconds"] >= 0.2


@pytest.mark.parametrize("words", [["--sample", "0"], ["--sample", "x"], ["--since", "soon"], ["--limit-rate", "5q"]])
def test_what_cannot_be_done_ends_with_two(words: list[str]):
    with pytest.raises(CommandError) as error:
        call_command("verify_storage", *words)
    assert error.value.returncode == 2


def test_storage_that_cannot_be_read_ends_with_two(monkeypatch: pytest.MonkeyPatch):
    kept(b"there")
    monkeypatch.setattr(Path, "glob", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    with pytest.raises(CommandError) as error:
        call_command("verify_storage", stdout=StringIO())
    assert error.value.returncode == 2
