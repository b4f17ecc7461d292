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

Entries = list[tuple[str, str, tuple[int, ...], int, int]]  # name, type, shape, first byte and end in the data


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
    if len(dict(pairs)) != len(pairs) or text.find("..", found.start("entries")) >= 0:
        return None
    names: set[str] = set()
    shapes: dict[str, tuple[tuple[int, ...], int]] = {}
    read: Entries = []
    # One after the other: the words of 150 000 entries at once would take more memory than all else here.
    for entry in _FIELDS.finditer(text, found.start("entries")):
        name, dtype, sizes, first, last = entry.groups()
        known = shapes.get(sizes)
        if known is None:
            shape = tuple(map(int, sizes.split(","))) if sizes else ()
            known = shapes[sizes] = shape, math.prod(shape)
        bits, start, end = widths.get(dtype), int(first), int(last)
        if (
            bits is None
            or len(name) > NAME_LIMIT_CHARACTERS
            or len(known[0]) > RANK_LIMIT
            or known[1] * bits != 8 * (end - start)
            or (data_start + start) % (bits // 8 or 1)
        ):
            return None
        names.add(name)
        read.append((name, sys.intern(dtype), known[0], start, end))
    if len(names) != len(read) or "__metadata__" in names:
        return None
    return dict(pairs), read
