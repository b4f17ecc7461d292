"""A large file that is made while its xorbs arrive: the right guess is used, and a wrong one leaves nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.core.cache.backends.locmem import LocMemCache

from hub import xorb_store
from hub.services.xet import ahead
from hub.services.xet.ahead import GuessedWrong, Making, Upload
from hub.xet.shards import FileRecord, Term
from registry.blobs import Extent, blob_store
from rules import Refused

UPLOAD = Upload(organization_id=900_001, variant_id=2, token_id=3)
CHUNK = 5000
OPEN = ExitStack()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "FULL_BYTES", CHUNK)
    monkeypatch.setattr(ahead, "LEAST_BYTES", 2 * CHUNK)
    monkeypatch.setattr(ahead, "cache", LocMemCache("ahead", {}))


@pytest.fixture
def xorbs() -> Iterator[dict[bytes, bytes]]:
    """Three xorbs of this organization, on the disk: two that are full and one that is not."""
    made = {}
    for number, size in enumerate((CHUNK, CHUNK, 700)):
        digest, content = bytes([number + 1]) * 32, os.urandom(size)
        place = xorb_store.place_of(UPLOAD.organization_id, digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        made[digest] = content
    yield made
    OPEN.close()
    for digest in made:
        xorb_store.forget(UPLOAD.organization_id, digest)
    ahead.announce(UPLOAD, [1 << 40, 1 << 40])


def record_of(xorbs: dict[bytes, bytes], order: list[int], sha256: str = "") -> FileRecord:
    """The record of a file that is these xorbs, one after another."""
    wanted = [list(xorbs.items())[number] for number in order]
    terms = [Term(digest, len(content), 0, 1, b"") for digest, content in wanted]
    whole = b"".join(content for _, content in wanted)
    return FileRecord(b"", terms, sha256 or hashlib.sha256(whole).hexdigest())


def arrive(xorbs: dict[bytes, bytes], *numbers: int) -> Making | None:
    """Let xorbs arrive, all beginning before any of them is there; the last is there first."""
    digests = [list(xorbs)[number] for number in numbers]
    making = [ahead.begin(UPLOAD, digest) for digest in digests][-1]
    for digest in reversed(digests):
        if making:
            making.kept(digest, len(xorbs[digest]))
    return making


def rest_of(record: FileRecord, count: int) -> Iterator[Extent]:
    with ExitStack() as files:
        for term in record.terms[count:]:
            file = files.enter_context(xorb_store.read(UPLOAD.organization_id, term.xorb))
            yield Extent(file, 0, term.plain_bytes)
        OPEN.enter_context(files.pop_all())


def finish(record: FileRecord):
    return ahead.made(UPLOAD, record, lambda count: rest_of(record, count))


def drafts() -> int:
    return len(list(blob_store().incoming.glob("*")))


def test_a_file_is_made_of_full_xorbs_in_the_order_in_which_they_began(xorbs: dict[bytes, bytes]) -> None:
    ahead.announce(UPLOAD, [2 * CHUNK + 700, 12])
    making = arrive(xorbs, 0, 1, 2)
    assert making is not None and making.handed == 2, "one that is not full is left for the end"
    record = record_of(xorbs, [0, 1, 2])
    with finish(record) as arrival:
        assert (arrival.content.sha256, arrival.content.size_bytes) == (record.sha256, record.size_bytes)
    making._is_over.wait(5)
    assert ahead.begin(UPLOAD, b"9" * 32) is None, "the announcement was used"


@pytest.mark.parametrize("order", [[1, 0, 2], [0, 2, 1], [2, 0, 1], [0, 1]], ids=str)
def test_another_order_or_size_than_was_guessed_is_dropped(xorbs: dict[bytes, bytes], order: list[int]) -> None:
    ahead.announce(UPLOAD, [2 * CHUNK + 700])
    making, before = arrive(xorbs, 0, 1, 2), drafts()
    assert making is not None
    assert finish(record_of(xorbs, order)) is None
    assert making._is_over.wait(5) and drafts() <= before
    assert finish(record_of(xorbs, [0, 1, 2])) is None, "nothing is left of it"


def test_bytes_that_do_not_make_the_announced_hash_are_refused(xorbs: dict[bytes, bytes]) -> None:
    ahead.announce(UPLOAD, [2 * CHUNK + 700])
    arrive(xorbs, 0, 1, 2)
    lied = record_of(xorbs, [0, 1, 2], sha256="0" * 64)
    with pytest.raises(Refused, match="SHA-256"), finish(lied):
        pass
    assert not blob_store().exists("0" * 64)


def test_a_xorb_that_is_gone_is_no_fault_of_the_file(xorbs: dict[bytes, bytes]) -> None:
    ahead.announce(UPLOAD, [2 * CHUNK + 700])
    xorb_store.forget(UPLOAD.organization_id, next(iter(xorbs)))
    arrive(xorbs, 0, 1, 2)
    with pytest.raises(FileNotFoundError), finish(record_of(xorbs, [0, 1, 2])):
        pass


def test_a_broken_upload_is_given_up_in_time(xorbs: dict[bytes, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "PATIENCE_SECONDS", 0.1)
    ahead.announce(UPLOAD, [2 * CHUNK + 700])
    making = arrive(xorbs, 0)
    assert making is not None and making._is_over.wait(5)
    record = record_of(xorbs, [0, 1, 2])
    with pytest.raises(GuessedWrong):
        if (ready := ahead.made(UPLOAD, record, lambda count: rest_of(record, count))) is None:
            raise GuessedWrong
        with ready:
            pass


@pytest.mark.parametrize("sizes", [[CHUNK], [3 * CHUNK, 3 * CHUNK], []], ids=str)
def test_nothing_is_guessed_about_small_or_several_files(xorbs: dict[bytes, bytes], sizes: list[int]) -> None:
    ahead.announce(UPLOAD, sizes)
    assert arrive(xorbs, 0) is None
