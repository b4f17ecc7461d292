"""Content in a bucket: a real server process that speaks S3, the real client, and copies on this machine."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from hub.models import PartedUpload
from hub.services import parts
from registry.blobs import Expected, Extent, blob_store
from registry.local_copies import LocalCopies, NoRoom
from registry.models import Blob
from registry.object_store import Bucket, S3BlobStore
from registry.services import buckets, collecting, content, verifying
from registry.services.commits import Changes, Placed, commit
from rules import Refused
from tests import object_storage
from tests.factories import make_draft, make_lab, make_organization, make_variant
from tests.object_storage import BUCKET, KEY_ID, SECRET, ObjectStorage

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
LARGE = os.urandom(11 << 20)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStorage]:
    with object_storage.running(tmp_path_factory.mktemp("s3")) as started:
        yield started


@pytest.fixture
def store(storage: ObjectStorage, tmp_path: Path) -> S3BlobStore:
    """A store of its own: another prefix, an empty folder."""
    bucket = Bucket(
        name=BUCKET,
        prefix=f"{tmp_path.name}/",
        endpoint_url=storage.direct_url,
        public_url=storage.url,
        region="us-east-1",
        key_id=KEY_ID,
        secret=SECRET,
        part_bytes=5 << 20,
        address_seconds=60,
    )
    return S3BlobStore(tmp_path, bucket, copies_bytes=100 << 20)


def put(store: S3BlobStore, data: bytes) -> str:
    with store.arriving([data]) as arrival:
        arrival.keep()
    return arrival.content.sha256


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "fetching"]


@pytest.mark.parametrize("data", [b"", b"small", LARGE], ids=["empty", "small", "parts"])
def test_what_goes_in_comes_out(store: S3BlobStore, storage: ObjectStorage, data: bytes):
    sha256 = put(store, data)
    assert sha256 == sha(data) and store.exists(sha256) and store.size(sha256) == len(data)
    store.copies.forget(sha256)
    with store.open(sha256) as source:
        assert source.read() == data
    with store.stream(sha256) as source:
        assert source.read() == data
    found = storage.client.get_object(Bucket=BUCKET, Key=store.key(sha256))
    assert found["Body"].read() == data
    assert [(one.sha256, one.size_bytes) for one in store.listing(sha256[:2])] == [(sha256, len(data))]


def test_extents_are_joined(store: S3BlobStore, tmp_path: Path):
    (tmp_path / "a").write_bytes(LARGE)
    with (tmp_path / "a").open("rb") as file:
        extents = [Extent(file, 1 << 20, 8 << 20), Extent(file, 0, 10)]
        with store.assembling(extents) as arrival:
            arrival.keep()
    wanted = LARGE[1 << 20 : 9 << 20] + LARGE[:10]
    store.copies.forget(sha(wanted))
    with store.open(sha(wanted)) as source:
        assert source.read() == wanted


def test_nothing_is_visible_before_it_is_kept(store: S3BlobStore, storage: ObjectStorage):
    with store.arriving([LARGE]):
        assert not store.exists(sha(LARGE))
    with pytest.raises(Refused), store.arriving([LARGE], expected=Expected(sha256=sha(b"other"))):
        pass
    assert list(store.listing()) == []
    uploads = storage.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    assert [one for one in uploads if one["Key"].startswith(store.bucket.prefix)] == []
    assert files_below(store.incoming) == []


def test_the_same_content_twice_is_sent_once(store: S3BlobStore, storage: ObjectStorage):
    first = put(store, LARGE)
    written = storage.client.head_object(Bucket=BUCKET, Key=store.key(first))["LastModified"]
    assert put(store, LARGE) == first
    assert storage.client.head_object(Bucket=BUCKET, Key=store.key(first))["LastModified"] == written


def test_missing_content_is_said_to_be_missing(store: S3BlobStore):
    missing = sha(b"missing")
    assert not store.exists(missing)
    for read in (store.size, store.open, store.stream):
        with pytest.raises(FileNotFoundError):
            read(missing)
    store.delete(missing)


def test_what_somebody_changed_in_the_bucket_is_never_read(store: S3BlobStore, storage: ObjectStorage):
    sha256 = put(store, b"what was signed")
    store.copies.forget(sha256)
    storage.client.put_object(Bucket=BUCKET, Key=store.key(sha256), Body=b"something else!")
    with pytest.raises(Refused) as refused:
        store.open(sha256)
    assert refused.value.verdict.codes == {"registry.bytes_differ"}
    assert files_below(store.root) == []


def test_copies_stay_within_their_bound_and_while_they_are_read(tmp_path: Path):
    copies = LocalCopies(tmp_path / "copies", 100)
    draft = tmp_path / "draft"

    def fetch(name: str):
        def make() -> None:
            copies.make_room(40)
            draft.unlink(missing_ok=True)
            draft.write_bytes(bytes(40))
            copies.link(draft, name)

        return make

    with copies.pinned("aa-first", fetch("aa-first")) as first:
        for name in ("bb-second", "cc-third", "dd-fourth"):
            with copies.pinned(name, fetch(name)) as place:
                assert place.read_bytes() == bytes(40)
        assert first.exists()
        assert sorted(path.name for path in files_below(tmp_path / "copies")) == ["aa-first", "dd-fourth"]
        fifth = copies.pinned("ee-fifth", fetch("ee-fifth"))
        with copies.pinned("dd-fourth", fetch("dd-fourth")), pytest.raises(NoRoom), fifth:
            pass
    with pytest.raises(NoRoom):
        copies.make_room(101)


# --- what the commands make of a bucket ------------------------------------------------------------


@pytest.fixture
def instance(storage: ObjectStorage, settings, tmp_path: Path) -> S3BlobStore:
    """The instance's own store, in a bucket, below a prefix that nothing else uses."""
    settings.STORAGE, settings.STORAGE_ROOT = "s3", tmp_path
    settings.S3_BUCKET, settings.S3_PREFIX = BUCKET, f"{tmp_path.name}/"
    settings.S3_ENDPOINT_URL, settings.S3_PUBLIC_URL, settings.S3_REGION = storage.direct_url, storage.url, "us-east-1"
    settings.S3_ACCESS_KEY_ID, settings.S3_SECRET_ACCESS_KEY = KEY_ID, SECRET
    settings.S3_PART_BYTES, settings.S3_ADDRESS_SECONDS = 5 << 20, 60
    settings.STORAGE_COPIES_BYTES = 100 << 20
    store = blob_store()
    assert isinstance(store, S3BlobStore)
    return store


def command(name: str) -> tuple[int, dict]:
    out = StringIO()
    try:
        call_command(name, "--json", stdout=out)
    except SystemExit as end:
        return int(end.code), json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def look_only_where(hashes: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the many lists that are empty: each is a request."""
    used = tuple(sorted({sha256[:2] for sha256 in hashes}))
    monkeypatch.setattr(buckets, "BUCKETS", used)
    monkeypatch.setitem(collecting.collect.__kwdefaults__, "among", used)


def days_go_by(days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    later = timezone.now() + timedelta(days=days)
    monkeypatch.setattr(timezone, "now", lambda: later)


@pytest.mark.django_db(transaction=True)
def test_each_kind_of_damage_in_a_bucket_is_found_and_mended(instance, storage, monkeypatch: pytest.MonkeyPatch):
    organization = make_organization()
    gone, changed, short, sound = (
        content.receive([data], organization=organization).sha256 for data in (b"gone", b"changed", b"short", LARGE)
    )
    for copied in (gone, changed, short, sound):
        instance.copies.forget(copied)
    storage.client.delete_object(Bucket=BUCKET, Key=instance.key(gone))
    storage.client.put_object(Bucket=BUCKET, Key=instance.key(changed), Body=b"CHANGED")
    storage.client.put_object(Bucket=BUCKET, Key=instance.key(short), Body=b"sho")
    storage.client.put_object(Bucket=BUCKET, Key=instance.key("ab" * 32), Body=b"stray")
    monkeypatch.setattr(verifying, "SETTLED_SECONDS", -60)
    look_only_where([gone, changed, short, sound, "ab" * 32], monkeypatch)
    code, report = command("verify_storage")
    assert (code, report["checked"], report["bytes"]) == (1, 4, len(LARGE) + len(b"CHANGED") + len(b"sho"))
    found = {name: [one["sha256"] for one in report[name]] for name in ("missing", "damaged", "size_mismatch", "stray")}
    assert found == {"missing": [gone], "damaged": [changed], "size_mismatch": [short], "stray": ["ab" * 32]}
    assert set(Blob.objects.exclude(damaged_at=None).values_list("pk", flat=True)) == {gone, changed, short}
    assert instance.exists("ab" * 32), "verifying deletes nothing"

    storage.client.delete_object(Bucket=BUCKET, Key=instance.key("ab" * 32))
    storage.client.put_object(Bucket=BUCKET, Key=instance.key(gone), Body=b"gone")
    for data in (b"changed", b"short"):
        content.receive([data], organization=organization)  # sent again, as its client is then asked to
    code, report = command("verify_storage")
    assert (code, report["ok"], report["mended"]) == (0, True, [gone])


@pytest.mark.django_db(transaction=True)
def test_only_what_nothing_needs_leaves_a_bucket_and_only_after_its_grace(
    instance, storage, monkeypatch: pytest.MonkeyPatch
):
    lab = make_lab()
    variant = make_variant(lab.organization)

    def kept(data: bytes) -> str:
        return content.receive([data], organization=lab.organization).sha256

    released, former, unused, sending = kept(b"released"), kept(b"former"), kept(b"unused"), kept(b"sending")
    look_only_where([released, former, unused, sending, "cd" * 32], monkeypatch)
    for sha256 in (former, released):
        made = commit(
            variant=variant,
            changes=Changes(add={"model.bin": Placed(sha256)}, replace_all=True),
            title="Weights",
            author=None,
        )
    make_draft(lab, variant=variant, commit=made)
    storage.client.put_object(Bucket=BUCKET, Key=instance.key("cd" * 32), Body=b"stray")
    upload = PartedUpload.objects.create(
        organization=lab.organization, sha256="ef" * 32, size_bytes=9, part_bytes=5, used_at=timezone.now()
    )
    place = parts.place_of(upload, 1)
    place.parent.mkdir(parents=True)
    place.write_bytes(b"parts")

    days_go_by(29, monkeypatch)
    Blob.objects.filter(pk=sending).update(used_at=timezone.now())  # an upload that runs was promised it just now
    PartedUpload.objects.update(used_at=timezone.now())
    assert {name: command("collect_blobs")[1][name] for name in ("blobs", "strays", "uploads")} == {
        "blobs": 0, "strays": 0, "uploads": 0,
    }  # fmt: skip
    days_go_by(2, monkeypatch)
    found = command("collect_blobs")[1]
    assert (found["blobs"], found["blob_bytes"], found["strays"], found["uploads"]) == (1, len(b"unused"), 1, 0)
    left = {one.sha256 for one in instance.listing()}
    assert {released, former, sending} <= left and left.isdisjoint({unused, "cd" * 32})
    assert place.exists() and set(Blob.objects.values_list("pk", flat=True)) == left
    days_go_by(29, monkeypatch)
    assert command("collect_blobs")[1]["uploads"] == 1 and not place.exists()
    assert {released, former} <= {one.sha256 for one in instance.listing()} and not instance.exists(sending)
    assert command("verify_storage")[0] == 0
