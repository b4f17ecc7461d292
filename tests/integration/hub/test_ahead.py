"""A large file that is made while its xorbs arrive: the right guess is used, and a wrong one loses nothing."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.core.cache.backends.locmem import LocMemCache

from hub import xorb_store
from hub.services.xet import ahead, making
from hub.services.xet.ahead import Place, Upload
from hub.services.xet.making import GuessedWrong, Making
from hub.xet.shards import FileRecord, Term
from registry.blobs import Extent, blob_store
from rules import Refused

UPLOAD = Upload(organization_id=900_001, variant_id=2, token_id=3)
CHUNK = 5000
OPEN = ExitStack()
HELD = pytest.mark.parametrize("is_held", [False, True], ids=["from files", "from memory"])


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(making, "FULL_BYTES", CHUNK)
    monkeypatch.setattr(making, "TURN_SECONDS", 0.05)
    monkeypatch.setattr(making, "QUEUE_SECONDS", 0.1)
    monkeypatch.setattr(ahead, "LEAST_BYTES", 2 * CHUNK)
    monkeypatch.setattr(ahead, "cache", LocMemCache("ahead", {}))
    yield
    for thread in threading.enumerate():
        if thread.name == "making ahead":
            thread.join(10)


@pytest.fixture
def xorbs() -> Iterator[dict[bytes, bytes]]:
    """Three xorbs of this organization: two that are full and one that is not."""
    made = {bytes([number + 1]) * 32: os.urandom(size) for number, size in enumerate((CHUNK, CHUNK, 700))}
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


def put(xorbs: dict[bytes, bytes], digest: bytes) -> None:
    """Keep a xorb in a file of its own."""
    place = xorb_store.place_of(UPLOAD.organization_id, digest)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(xorbs[digest])


def receive(xorbs: dict[bytes, bytes], place: Place, is_held: bool) -> None:
    """Let one xorb arrive whole, as its request does."""
    content, digest = xorbs[place.part.digest], place.part.digest
    if is_held and place.making.hold(place.part, len(content)):
        for at in range(0, len(content), 999):
            place.part.add(content[at : at + 999])
        if place.making.written(place.part, len(content)):
            return
        assert b"".join(place.part.taken_back()) == content
    put(xorbs, digest)
    place.making.stands_alone(place.part, len(content))


def arrive(xorbs: dict[bytes, bytes], *numbers: int, is_held: bool = False) -> Making | None:
    """Let xorbs arrive at once, all beginning before any of them is there."""
    places = [ahead.begin(UPLOAD, list(xorbs)[number]) for number in numbers]
    known = [place for place in places if place is not None]
    threads = [threading.Thread(target=receive, args=[xorbs, place, is_held]) for place in reversed(known)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return known[0].making if known else None


def bytes_of(xorbs: dict[bytes, bytes], digest: bytes) -> bytes:
    """A xorb as it is kept now."""
    standing = xorb_store.find(UPLOAD.organization_id, digest, len(xorbs[digest]))
    assert standing is not None
    with xorb_store.read(standing) as file:
        file.seek(standing.offset_bytes)
        return file.read(len(xorbs[digest]))


def rest_of(record: FileRecord, count: int) -> Iterator[Extent]:
    with ExitStack() as files:
        for term in record.terms[count:]:
            standing = xorb_store.find(UPLOAD.organization_id, term.xorb, term.plain_bytes)
            assert standing is not None
            file = files.enter_context(xorb_store.read(standing))
            yield Extent(file, standing.offset_bytes, term.plain_bytes)
        OPEN.enter_context(files.pop_all())


def finish(record: FileRecord):
    return ahead.made(UPLOAD, record, lambda count: rest_of(record, count))


def drafts() -> int:
    return len(list(blob_store().incoming.glob("*")))


@HELD
def test_a_file_is_made_of_full_xorbs_in_the_order_in_which_they_began(
    xorbs: dict[bytes, bytes], is_held: bool
) -> None:
    ahead.announce(UPLOAD, [2 * CHUNK + 700, 12])
    found = arrive(xorbs, 0, 1, 2, is_held=is_held)
    record = record_of(xorbs, [0, 1, 2])
    assert found is not None and found.fits(record) == 2, "one that is not full is left for the end"
    with finish(record) as arrival:
        assert (arrival.content.sha256, arrival.content.size_bytes) == (record.sha256, record.size_bytes)
    assert found.is_over.wait(5)
    assert ahead.begin(UPLOAD, b"9" * 32) is None, "the announcement was used"


@HELD
@pytest.mark.parametrize("order", [[1, 0, 2], [0, 2, 1], [2, 0, 1], [0, 1]], ids=str)
def test_another_order_or_size_than_was_guessed_is_dropped(
    xorbs: dict[bytes, bytes], order: list[int], is_held: bool
) -> None:
    ahead.announce(UPLOAD, [2 * CHUNK + 700])
    before = drafts()
    found = arrive(xorbs, 0, 1, 2, is_held=is_held)
    assert found is not None
    assert finish(record_of(xorbs, order)) is None
    assert found.is_over.wait(5) and drafts() <= before
    assert finish(record_of(xorbs, [0, 1, 2])) is None, "nothing is left of it"
    assert all(bytes_of(xorbs, digest) == content for digest, content in xorbs.items()), "the xorbs are"


@HELD
def test_bytes_that_do_not_make_the_announced_hash_are_refused(xorbs: dict[bytes, bytes], is_held: bool) -> None:
    ahead.announce(UPLOAD, [2 * CHUNK + 700])
    arrive(xorbs, 0, 1, 2, is_held=is_held)
    lied = record_of(xorbs, [0, 1, 2], sha256="0" * 64)
    with pytest.raises(Refused, match="SHA-256"), finish(lied):
        pass
    assert not blob_store().exists("0" * 64)
    assert all(bytes_of(xorbs, digest) == content for digest, content in xorbs.items())


def test_a_xorb_that_is_gone_is_no_fault_of_the_file(xorbs: dict[bytes, bytes]) -> None:
    ahead.announce(UPLOAD, [2 * CHUNK + 700])
    places = [ahead.begin(UPLOAD, digest) for digest in xorbs]
    for place in places:
        place.making.stands_alone(place.part, len(xorbs[place.part.digest]))
    assert places[0].making.is_over.wait(5)
    assert finish(record_of(xorbs, [0, 1, 2])) is None, "it is made as any other"


def test_a_broken_upload_is_given_up_in_time(xorbs: dict[bytes, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(making, "IDLE_SECONDS", 0.05)
    ahead.announce(UPLOAD, [2 * CHUNK + 700])
    found = arrive(xorbs, 0)
    assert found is not None and found.is_over.wait(5)
    assert finish(record_of(xorbs, [0, 1, 2])) is None


def test_an_upload_that_breaks_off_while_its_shard_is_read_is_made_again(
    xorbs: dict[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "PATIENCE_SECONDS", 0.3)
    ahead.announce(UPLOAD, [2 * CHUNK + 700])
    arrive(xorbs, 0, 1, 2, is_held=True)

    def slowly(count: int) -> Iterator[Extent]:
        time.sleep(1)
        yield from rest_of(record, count)

    record = record_of(xorbs, [0, 1, 2])
    ready = ahead.made(UPLOAD, record, slowly)
    with pytest.raises(GuessedWrong), ready or pytest.fail("it fits"):
        pass


def test_a_xorb_that_breaks_off_takes_the_guess_along_and_nothing_else(xorbs: dict[bytes, bytes]) -> None:
    ahead.announce(UPLOAD, [2 * CHUNK + 700])
    first, second, third = (ahead.begin(UPLOAD, digest) for digest in xorbs)
    receive(xorbs, first, True)
    assert second.making.hold(second.part, CHUNK)
    second.part.add(b"some of it")
    second.part.hand_over()
    second.making.drop(second.part)
    receive(xorbs, third, True)
    assert first.making.is_over.wait(5)
    kept = list(xorbs)
    assert bytes_of(xorbs, kept[0]) == xorbs[kept[0]] and bytes_of(xorbs, kept[2]) == xorbs[kept[2]]
    assert xorb_store.find(UPLOAD.organization_id, kept[1], CHUNK) is None
    assert finish(record_of(xorbs, [0, 1, 2])) is None


def test_what_waits_for_too_long_goes_through_a_file(xorbs: dict[bytes, bytes]) -> None:
    """The first xorb stalls, so that the second cannot be written after it."""
    ahead.announce(UPLOAD, [2 * CHUNK + 700])
    first, second, third = (ahead.begin(UPLOAD, digest) for digest in xorbs)
    receive(xorbs, second, True)
    receive(xorbs, third, True)
    assert xorb_store.place_of(UPLOAD.organization_id, second.part.digest).exists()
    receive(xorbs, first, True)
    record = record_of(xorbs, [0, 1, 2])
    with finish(record) as arrival:
        assert arrival.content.sha256 == record.sha256


def test_no_more_xorbs_than_a_few_are_in_memory(xorbs: dict[bytes, bytes]) -> None:
    ahead.announce(UPLOAD, [2 * CHUNK + 700])
    places = [ahead.begin(UPLOAD, digest) for digest in (b"0" * 32, *xorbs)]  # the first of them never comes
    held = [place.making.hold(place.part, CHUNK) for place in places[1:]]
    assert held == [True, True, False]
    for place in places:
        place.making.drop(place.part)
    assert places[0].making.is_over.wait(5)
    assert all(making._turns.acquire(blocking=False) for _ in range(making.MOST_HELD)), "all turns were given back"
    for _ in range(making.MOST_HELD):
        making._turns.release()


def test_another_process_can_read_what_one_has_written(
    xorbs: dict[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "IDLE_SECONDS", 0.05)
    ahead.announce(UPLOAD, [2 * CHUNK + 700])
    found = arrive(xorbs, 0, 1, is_held=True)
    for digest in list(xorbs)[:2]:
        assert not xorb_store.place_of(UPLOAD.organization_id, digest).exists()
        assert bytes_of(xorbs, digest) == xorbs[digest], "read while the draft is open"
    assert found is not None and not found.is_over.is_set()
    found.drop()
    assert found.is_over.wait(5)


@pytest.mark.parametrize("sizes", [[CHUNK], [3 * CHUNK, 3 * CHUNK], []], ids=str)
def test_nothing_is_guessed_about_small_or_several_files(xorbs: dict[bytes, bytes], sizes: list[int]) -> None:
    ahead.announce(UPLOAD, sizes)
    assert arrive(xorbs, 0) is None
