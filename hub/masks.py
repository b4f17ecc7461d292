"""Numbers of rows as people outside see them: counted on, they would tell how much there is that nobody may know of.

A mask is always the same for a number, and tells nothing about another one. Pure, but for the key of this instance.
"""

from __future__ import annotations

import re
from functools import lru_cache

from django.utils.crypto import salted_hmac

HALF_BITS, ROUNDS = 48, 4
HALF = (1 << HALF_BITS) - 1
MASK = re.compile(r"[0-9a-f]{24}")


@lru_cache(maxsize=8192)
def masked(number: int) -> str:
    """24 hexadecimal digits that stand for a number."""
    left, right = number >> HALF_BITS, number & HALF
    for turn in range(ROUNDS):
        left, right = right, left ^ _mixed(turn, right)
    return f"{left << HALF_BITS | right:024x}"


def unmasked(mask: str) -> int:
    """The number that a mask stands for; ValueError where it is none. Any other mask gives some number, too."""
    if not MASK.fullmatch(mask):
        raise ValueError("a mask has 24 hexadecimal digits")
    left, right = int(mask, 16) >> HALF_BITS, int(mask, 16) & HALF
    for turn in reversed(range(ROUNDS)):
        left, right = right ^ _mixed(turn, left), left
    return left << HALF_BITS | right


def _mixed(turn: int, half: int) -> int:
    """A keyed hash of half a number. Source: Luby and Rackoff 1988; four rounds of these make a permutation."""
    return int.from_bytes(salted_hmac(f"hub.masks.{turn}", str(half), algorithm="sha256").digest()[: HALF_BITS // 8])
