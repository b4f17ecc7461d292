"""Content that arrives is what was announced, or nothing of it stays."""

from __future__ import annotations

import hashlib

import pytest

from registry.blobs import blob_store
from registry.models import Blob, BlobHolding
from registry.services import content
from rules import Refused
from tests.factories import make_organization

pytestmark = pytest.mark.django_db


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def incoming() -> list[str]:
    folder = blob_store().incoming
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_content_is_kept_under_its_hash():
    organization = make_organization()
    kept = content.receive([b"he", b"llo"], organization=organization, expected_size=5, expected_sha256=sha(b"hello"))
    assert kept.sha256 == sha(b"hello")
    with blob_store().open(kept.sha256) as source:
        assert source.read() == b"hello"
    assert Blob.objects.get(pk=kept.sha256).git_sha1 == "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0"


@pytest.mark.parametrize(
    ("announced", "code"),
    [
        ({"expected_size": 4}, "registry.size_differs"),
        ({"expected_size": 6}, "registry.size_differs"),
        ({"expected_sha256": sha(b"other")}, "registry.hash_differs"),
    ],
)
def test_content_that_differs_from_what_was_announced_leaves_nothing(announced, code):
    organization = make_organization()
    data = b"differs from what was announced"[:5] if "expected_size" in announced else b"unlike"
    with pytest.raises(Refused) as refused:
        content.receive([data], organization=organization, **announced)
    assert refused.value.verdict.codes == {code}
    assert not blob_store().exists(sha(data))
    assert not BlobHolding.objects.filter(organization=organization).exists()
    assert incoming() == []


def test_an_interrupted_upload_leaves_nothing():
    def breaking():
        yield b"first block"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        content.receive(breaking(), organization=make_organization())
    assert not blob_store().exists(sha(b"first block"))
    assert incoming() == []


def test_content_of_one_organization_is_unknown_to_another():
    ours, theirs = make_organization(), make_organization()
    kept = content.receive([b"secret"], organization=ours)
    assert set(content.held(ours, [kept.sha256])) == {kept.sha256}
    assert content.held(theirs, [kept.sha256]) == {}


def test_the_same_content_twice_is_stored_once():
    organization = make_organization()
    first = content.receive([b"twice"], organization=organization)
    before = blob_store().path(first.sha256).stat().st_ino
    assert content.receive([b"twi", b"ce"], organization=organization) == first
    assert Blob.objects.filter(pk=first.sha256).count() == 1
    # A confined reader's leave is for one file on disk, not for its name.
    assert blob_store().path(first.sha256).stat().st_ino == before
    assert incoming() == []
