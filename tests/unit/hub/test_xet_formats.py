"""Xorbs and shards are read within bounds, whatever stands in them."""

from __future__ import annotations

import io
import os
from contextlib import suppress

import lz4.frame
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.xet import hashes, xorbs
from hub.xet.shards import BadShard, read_shard
from hub.xet.xorbs import BadXorb, read_xorb, ungrouped
from tests import xet_parts
from tests.xet_parts import chunk, grouped, packed, whole, xorb

PLAIN = b"weights " * 1000


def blocks(body: bytes, size: int = 1000) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


def read(body: bytes, size: int = 1000) -> list[bytes]:
    return [bytes(found.plain) for found in read_xorb(blocks(body, size))]


# --- hashes ----------------------------------------------------------------------------------------


def by_the_book(nodes: list[tuple[bytes, int]]) -> bytes:
    """The tree's top, level after level, as the specification tells it."""
    while len(nodes) > 1:
        above, at = [], 0
        while at < len(nodes):
            count = min(2, len(nodes) - at)
            while count < min(9, len(nodes) - at):
                count += 1
                if int.from_bytes(nodes[at + count - 1][0][24:], "little") % 4 == 0:
                    break
            members = nodes[at : at + count]
            text = "".join(f"{hashes.to_text(digest)} : {length}\n" for digest, length in members)
            above.append((blake3(text.encode(), key=hashes.NODE_KEY).digest(), sum(length for _, length in members)))
            at += count
        nodes = above
    return nodes[0][0] if nodes else bytes(32)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.binary(min_size=32, max_size=32), st.integers(1, 131072)), max_size=200))
def test_the_tree_over_arriving_chunks_is_that_over_all(nodes: list[tuple[bytes, int]]) -> None:
    assert hashes.xorb_hash(nodes) == by_the_book(nodes)


def test_a_hash_and_its_text() -> None:
    digest = bytes(range(32))
    text = "07060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918"
    assert hashes.to_text(digest) == text and hashes.of_text(text) == digest
    for bad in ("", text[:-1], text.upper(), text[:-1] + "g", "../" + text[3:]):
        with pytest.raises(ValueError, match="no hash"):
            hashes.of_text(bad)


# --- xorbs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", [0, 1, 2])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 1023, 65536, 131072])
@pytest.mark.parametrize("block", [1, 7, 100_000])
def test_every_way_of_packing_gives_the_plain_bytes(scheme: int, size: int, block: int) -> None:
    if size > 2000 and block < 100:
        block = 4096
    plain = os.urandom(size // 2) + bytes(size - size // 2)
    assert read(packed(plain, scheme) + packed(PLAIN, scheme), block) == [plain, PLAIN]


@given(st.binary(max_size=50))
def test_regrouping_is_undone(plain: bytes) -> None:
    assert bytes(ungrouped(grouped(plain))) == plain


def test_a_footer_is_passed_over() -> None:
    assert read(packed(PLAIN) + b"XETBLOB\0" + b"what is said here counts for nothing") == [PLAIN]


BOMB = lz4.frame.compress(bytes(64 << 20))
BAD_XORBS = {
    "empty": b"",
    "half a header": packed(PLAIN)[:5],
    "half a chunk": packed(PLAIN)[:-1],
    "unknown version": chunk(PLAIN, len(PLAIN), version=1),
    "unknown scheme": chunk(PLAIN, len(PLAIN), scheme=3),
    "no bytes": chunk(b"", 0),
    "no packed bytes": chunk(b"", 10),
    "plain too long": chunk(PLAIN, 131073),
    "packed too long": chunk(bytes(140_000), 100_000, scheme=1),
    "plain of another length": chunk(PLAIN, len(PLAIN) - 1),
    "frame of fewer bytes": chunk(lz4.frame.compress(PLAIN), len(PLAIN) + 1, scheme=1),
    "frame of more bytes": chunk(lz4.frame.compress(PLAIN), len(PLAIN) - 1, scheme=1),
    "frame that is none": chunk(PLAIN, len(PLAIN), scheme=1),
    "frame cut short": chunk(lz4.frame.compress(PLAIN)[:-6], len(PLAIN), scheme=1),
    "frame with more behind": chunk(lz4.frame.compress(PLAIN) + b"x", len(PLAIN), scheme=1),
    "two frames": chunk(lz4.frame.compress(PLAIN) * 2, len(PLAIN), scheme=1),
    "bomb": chunk(BOMB[:131_000], 131072, scheme=1),
    "grouped bomb": chunk(BOMB[:131_000], 131072, scheme=2),
    "endless footer": packed(PLAIN) + b"XETBLOB" + bytes(3 << 20),
}


@pytest.mark.parametrize("name", BAD_XORBS)
def test_a_xorb_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(BadXorb) as refused:
        read(BAD_XORBS[name], 50_000)
    assert str(refused.value).endswith(".")


def test_a_xorb_has_bounds_in_chunks_and_bytes() -> None:
    with pytest.raises(BadXorb, match="more than 8192 chunks"):
        read(packed(b"x") * (xorbs.MOST_CHUNKS + 1), 100_000)
    large = packed(bytes(xorbs.CHUNK_BYTES), scheme=1)
    with pytest.raises(BadXorb, match="more than 67108864 bytes"):
        for _ in read_xorb(blocks(large * 513, 100_000)):
            pass


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_change_of_a_xorb_does_more_than_refuse_it(data: st.DataObject) -> None:
    body = bytearray(packed(PLAIN, 1) + packed(PLAIN[:50], 0) + packed(PLAIN, 2))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    try:
        found = read(bytes(body[:cut]), 333)
    except BadXorb:
        return
    assert sum(map(len, found)) <= 3 * xorbs.CHUNK_BYTES


# --- shards ----------------------------------------------------------------------------------------


def records(body: bytes) -> list:
    return list(read_shard(io.BytesIO(body), len(body)))


def test_what_a_shard_says_of_its_files() -> None:
    one, two = xorb(b"a" * 10, b"b" * 20), xorb(b"c" * 30)
    files = [whole(one), xet_parts.MadeFile([(two, 0, 1), (one, 1, 2)]), whole(two, flags=1 << 31)]
    found = records(xet_parts.shard(*files))
    assert [record.size_bytes for record in found] == [30, 50, 30]
    assert [(term.xorb, term.first, term.end) for term in found[1].terms] == [(two.digest, 0, 1), (one.digest, 1, 2)]
    assert found[0].digest == hashes.file_hash(one.digest) and found[2].sha256 == ""
    assert len(found[0].sha256) == 64


GOOD = xet_parts.shard(whole(xorb(b"a" * 10)))
BAD_SHARDS = {
    "empty": b"",
    "other tag": b"x" + GOOD[1:],
    "other version": GOOD[:32] + b"\3" + GOOD[33:],
    "footer of everything": GOOD[:40] + b"\xff" * 8 + GOOD[48:],
    "without an end": GOOD[:-96],
    "without xorbs' end": GOOD[:-48],
    "cut in a record": GOOD[:-10],
    "file of four billion parts": GOOD[:84] + b"\xff" * 4 + GOOD[88:],
    "part without chunks": GOOD[:136] + GOOD[140:144] * 2 + GOOD[144:],
    "without checks": xet_parts.shard(whole(xorb(b"a"), flags=1 << 30)),
    "file of too many parts": GOOD[:84] + (100_001).to_bytes(4, "little") + GOOD[88:96] + bytes(48 * 200_002),
    "xorb of four billion chunks": GOOD[:-48] + bytes(36) + b"\xff" * 12 + GOOD[-48:],
}


@pytest.mark.parametrize("name", BAD_SHARDS)
def test_a_shard_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(BadShard) as refused:
        records(BAD_SHARDS[name])
    assert str(refused.value).endswith(".")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_change_of_a_shard_does_more_than_refuse_it(data: st.DataObject) -> None:
    body = bytearray(xet_parts.shard(whole(xorb(b"a" * 10)), whole(xorb(b"b", b"c"))))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with suppress(BadShard):
        records(bytes(body[: data.draw(st.integers(0, len(body)))]))
