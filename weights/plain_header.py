"""The fast way through a header that is written the way every library writes it.

Owns one form: ASCII without escapes, fields in the usual order, nothing besides. A header that departs from it in any
way, right or wrong, is left to the strict reader, which says why. Files have tens of thousands of tensors, and the
strict reader takes thirty microseconds for each.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

TENSORS_LIMIT = 200_000
HEADER_LIMIT_BYTES = 64 << 20
METADATA_LIMIT_CHARACTERS = 100_000
RANK_LIMIT = 64
NAME_LIMIT_CHARACTERS = 512

_NUMBER = r"(?:0|[1-9][0-9]{0,17})"
_NAME = r'"[!#-.0-\[\]-~]+"'  # printable, no quote, slash or backslash
_ENTRY = (
    rf'{_NAME}: ?\{{"dtype": ?"[A-Z0-9_]+", ?"shape": ?\[(?:{_NUMBER}(?:, ?{_NUMBER})*+)?\],'
    rf' ?"data_offsets": ?\[{_NUMBER}, ?{_NUMBER}\]\}}'
)
_TEXT = r'"[ !#-\[\]-~]*+"'
_METADATA = rf'"__metadata__": ?\{{(?P<metadata>(?:{_TEXT}: ?{_TEXT}(?:, ?{_TEXT}: ?{_TEXT})*+)?)\}}'
_HEADER = re.compile(rf"\{{(?:{_METADATA}, ?)?(?P<entries>{_ENTRY}(?:, ?{_ENTRY})*+)\}} {{0,64}}+")
_FIELDS = re.compile(
    r'"([^"]+)": ?\{"dtype": ?"([A-Z0-9_]+)", ?"shape": ?\[([0-9, ]*)\],'
    rf' ?"data_offsets": ?\[({_NUMBER}), ?({_NUMBER})\]'
)
_PAIRS = re.compile(r'"([^"]*)": ?"([^"]*)"')

STEP_CHARACTERS = 1 << 20  # the words of 150 000 entries at once would take more memory than all else here


class Entries(NamedTuple):
    """Tensors in the order of the header, one column for each field; `starts` and `ends` are offsets in the file."""

    names: list[str]
    dtypes: list[str]
    shapes: list[tuple[int, ...]]
    starts: list[int]
    ends: list[int]


def read_plain(
    content: bytes | bytearray, widths: Mapping[str, int], data_start: int
) -> tuple[dict[str, str], Entries] | None:
    """Metadata and tensors of a header in the usual form, or None: then the strict reader has to look.

    `widths` are the bits of each type. What is returned needs no further check but that the tensors tile the file.
    """
    if len(content) > HEADER_LIMIT_BYTES or content.count(b"{") > TENSORS_LIMIT or not content.isascii():
        return None
    text = content.decode("ascii")
    found = _HEADER.fullmatch(text)
    if found is None:
        return None
    if len(found["metadata"] or "") > METADATA_LIMIT_CHARACTERS:
        return None
    pairs = _PAIRS.findall(found["metadata"] or "")
    place = found.start("entries")
    if len(dict(pairs)) != len(pairs) or text.find("..", place) >= 0:
        return None
    read = Entries([], [], [], [], [])
    kinds: dict[tuple[str, str], _Kind | None] = {}
    while place < len(text):
        # A step ends with an entry: no name holds a quote, and behind this word comes no brace but the entry's last.
        end = text.find('"data_offsets"', place + STEP_CHARACTERS)
        end = len(text) if end < 0 else text.index("}", end) + 1
        if not _take(_FIELDS.findall(text, place, end), read, kinds, widths, data_start):
            return None
        place = end
    names = set(read.names)
    if len(names) != len(read.names) or "__metadata__" in names:
        return None
    return dict(pairs), read


class _Kind(NamedTuple):
    """What tensors of one type and shape have in common."""

    dtype: str
    shape: tuple[int, ...]
    size_bytes: int
    width: int  # bytes that an offset must be a multiple of


def _kind_of(dtype: str, sizes: str, widths: Mapping[str, int]) -> _Kind | None:
    bits = widths.get(dtype)
    shape = tuple(map(int, sizes.split(","))) if sizes else ()
    if bits is None or len(shape) > RANK_LIMIT or math.prod(shape) * bits % 8:
        return None
    size = math.prod(shape) * bits // 8
    return _Kind(sys.intern(dtype), shape, size, bits // 8 or 1) if size < 1 << 62 else None


def _take(
    rows: list[tuple[str, str, str, str, str]],
    read: Entries,
    kinds: dict[tuple[str, str], _Kind | None],
    widths: Mapping[str, int],
    data_start: int,
) -> bool:
    """Add the entries `rows` to `read`; False if one of them is left to the strict reader."""
    if not rows:  # what closes the header
        return True
    names, dtypes, sizes, firsts, lasts = zip(*rows, strict=True)
    each = list(zip(dtypes, sizes, strict=True))
    for dtype, size in set(each) - kinds.keys():
        kinds[dtype, size] = _kind_of(dtype, size, widths)
    if None in kinds.values() or max(map(len, names)) > NAME_LIMIT_CHARACTERS:
        return False
    kept, shapes, lengths, multiples = zip(*map(kinds.__getitem__, each), strict=True)
    starts = np.fromiter(map(int, firsts), np.int64, len(firsts)) + data_start
    ends = np.fromiter(map(int, lasts), np.int64, len(lasts)) + data_start
    if (ends - starts != np.array(lengths)).any() or (starts % np.array(multiples)).any():
        return False
    read.names.extend(names)
    read.dtypes.extend(kept)
    read.shapes.extend(shapes)
    read.starts.extend(starts.tolist())
    read.ends.extend(ends.tolist())
    return True
