"""Content in a bucket: a real server process that speaks S3, the real client, and copies on this machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.blobs import Expected, Extent
from registry.local_copies import LocalCopies, NoRoom
from registry.object_store import Bucket, S3BlobStore
from rules import Refused
from tests import object_storage
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
