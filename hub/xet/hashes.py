"""The hashes of the Xet protocol: of chunks, of the trees over them, and of the parts of a file. Pure.

A hash is 32 bytes; in text its four groups of eight bytes stand reversed.
Source: Xet protocol specification, "Hashing" and "Merkle hashes"; checked against hf-xet 1.8.0.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable

from blake3 import blake3

HASH_BYTES = 32
CHUNK_KEY = bytes.fromhex("6697f5775b9550de3135cbaca597181c9de421109beb2b58b4d0b04b93adf229")
NODE_KEY = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")
TERM_KEY = bytes.fromhex("7f1857d6ce56ed66127ff913e7a5c3f3a4cd26d5b5db49e64124987f28fb94c3")
FILE_KEY = bytes(HASH_BYTES)
EMPTY_FILE = bytes(HASH_BYTES)
# A group of nodes has at least two further members before a hash may end it, and at most nine in all.
LEAST_BEFORE_CUT, MOST_MEMBERS, CUT_MASK = 3, 9, 3
TEXT = re.compile(r"[0-9a-f]{64}")
GROUPS, REVERSED = struct.Struct("<4Q"), struct.Struct(">4Q")


def to_text(digest: bytes) -> str:
    """A hash as addresses and listings write it."""
    return REVERSED.pack(*GROUPS.unpack(digest)).hex()


def of_text(text: str) -> bytes:
    """The hash that a text writes; ValueError where it writes none."""
    if not TEXT.fullmatch(text):
        raise ValueError("no hash of 64 lower-case hexadecimal digits")
    return GROUPS.pack(*(int(text[at : at + 16], 16) for at in range(0, 64, 16)))


def chunk_hash(plain: bytes | memoryview) -> bytes:
    """The hash of a chunk's plain bytes."""
    return blake3(plain, key=CHUNK_KEY).digest()


def term_check(chunk_hashes: bytes) -> bytes:
    """What shows that its sender knows the chunks of a term: a hash over their hashes, one after another."""
    return blake3(chunk_hashes, key=TERM_KEY).digest()


class Tree:
    """The tree over chunks that arrive one by one, in memory that grows with its height alone."""

    def __init__(self) -> None:
        self._levels: list[list[tuple[bytes, int]]] = []
        self._has_passed_on: list[bool] = []

    def add(self, digest: bytes, length: int) -> None:
        """Add the next leaf: a chunk's hash and its length in bytes."""
        self._add(0, digest, length)

    def root(self) -> bytes:
        """The hash at the top; of no chunk at all, 32 zero bytes. Nothing can be added afterwards."""
        level = 0
        while level < len(self._levels):
            members = self._levels[level]
            if not self._has_passed_on[level] and len(members) == 1:
                return members[0][0]
            if members:
                self._pass_on(level)
            level += 1
        return EMPTY_FILE

    def _add(self, level: int, digest: bytes, length: int) -> None:
        if level == len(self._levels):
            self._levels.append([])
            self._has_passed_on.append(False)
        members = self._levels[level]
        members.append((digest, length))
        count = len(members)
        if count >= LEAST_BEFORE_CUT and (not digest[24] & CUT_MASK or count == MOST_MEMBERS):
            self._pass_on(level)

    def _pass_on(self, level: int) -> None:
        members = self._levels[level]
        lines = "".join(f"{to_text(digest)} : {length}\n" for digest, length in members)
        total = sum(length for _, length in members)
        self._levels[level] = []
        self._has_passed_on[level] = True
        self._add(level + 1, blake3(lines.encode(), key=NODE_KEY).digest(), total)


def xorb_hash(chunks: Iterable[tuple[bytes, int]]) -> bytes:
    """The hash of a xorb from the (hash, length) of its chunks."""
    tree = Tree()
    for digest, length in chunks:
        tree.add(digest, length)
    return tree.root()


def file_hash(root: bytes) -> bytes:
    """The hash of a file from the top of the tree over its chunks."""
    return root if root == EMPTY_FILE else blake3(root, key=FILE_KEY).digest()
