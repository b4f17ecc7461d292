"""Fingerprints of very many checkpoints, packed small: which of them is a candidate like at all, and how like.

Owns the packed form (about 220 bytes for each tensor that can prove anything) and the search through it. It answers for
a thousand checkpoints at once what `comparison` answers closely for two. Pure arithmetic: who may see what, and which
checkpoints are meant, is the caller's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from weights.likeness import directions, light
from weights.lineup import Lineup
from weights.report import TensorRecord
from weights.row_matching import allowed
from weights.row_sketch import distances
from weights.value_sample import RUN_LENGTH, RUNS, SEGMENT

VERSION = 1
MATCHING = 0.75  # of 64 values; six standard deviations above chance
_SEGMENTS = 4
_ROWS = 4
_PROVING_ROWS = 3
_BATCH_BYTES = 32 << 20
_SMALL = 1 << 16

Array = np.ndarray[Any, Any]

ENTRY = np.dtype(
    [
        ("digest", "V16"),
        ("elements", "<u8"),
        ("row", "<u4"),
        ("values", "<f2", (_SEGMENTS * SEGMENT,)),
        ("rows", "<u8", (_ROWS, 2)),
    ]
)


@dataclass(slots=True)
class Likeness:
    """How a candidate resembles one checkpoint.

    `exact` and `alike` count the candidate's tensors with equal and with similar content there, of `tensors` that can
    prove anything; `rows` those whose rows are there in another arrangement. `similarity` is the middle one of those
    alike. `difference` is the cosine of both sides' differences from a common public parent: near 0 for two tunes of
    one parent, near 1 for a copy; None without such a parent, or where nothing differs from it. What the public
    parents have, too, is left out of `exact` and `rows`.
    """

    tensors: int
    exact: int = 0
    alike: int = 0
    rows: int = 0
    similarity: float = 0.0
    difference: float | None = None
    names: list[str] = field(default_factory=list)


def pack(records: Sequence[TensorRecord]) -> tuple[bytes, list[str]]:
    """The packed form of a file's tensors, and their names in the same order."""
    lineup = Lineup(records)
    chosen = np.flatnonzero(lineup.proves)
    entries = np.zeros(len(chosen), dtype=ENTRY)
    place_of = {int(place): number for number, place in enumerate(chosen)}
    for number, place in enumerate(chosen):
        record, found = lineup.records[place], lineup.prints[place]
        entries["digest"][number] = np.void(bytes.fromhex(record.digest or "")[:16].ljust(16, b"\0"))
        entries["elements"][number] = int(lineup.elements[place])
        if found is not None and found.signs is not None:
            rows = found.signs[found.signs.any(axis=1)][:_ROWS]
            entries["row"][number] = min(found.row, 0xFFFFFFFF)
            entries["rows"][number, : len(rows)] = rows
    for group in lineup.groups.values():
        members = [number for number, place in enumerate(group.members) if int(place) in place_of]
        values = group.values[members]
        if members and values.shape[1] >= _SEGMENTS * SEGMENT:
            if values.shape[1] == RUNS * RUN_LENGTH:
                values = light(values)
            # The first segment of each run; of a small tensor, its first segments.
            is_full = values.shape[1] == _SEGMENTS * RUN_LENGTH
            first = values.reshape(len(members), -1, RUN_LENGTH)[:, :, :SEGMENT] if is_full else values
            kept = first.reshape(len(members), -1)[:, : _SEGMENTS * SEGMENT]
            entries["values"][[place_of[int(group.members[m])] for m in members]] = directions(kept)
    return entries.tobytes(), [lineup.names[place] for place in chosen]


def search(
    candidate: Sequence[tuple[bytes, Sequence[str]]], held: Mapping[Any, Sequence[bytes]], public: Sequence[bytes] = ()
) -> dict[Any, Likeness]:
    """How the candidate's files resemble each held checkpoint, by its key; those it is nothing like are left out.

    All are packed forms. `public` are those of public models that candidate and held may descend from. Cost grows with
    the tensors of all held checkpoints together: about a second for a thousand with three hundred tensors each.
    """
    ours = _unpack([packed for packed, _ in candidate])
    names = [name for _, part in candidate for name in part]
    parents = _unpack(public)
    published = set(parents["digest"].tolist())
    nearest_parent, explained = _parents(ours, parents), _row_distances(ours, parents)
    found = {}
    for keys in _batches(held):
        entries = [_unpack(held[key]) for key in keys]
        for key, theirs, is_near in zip(keys, entries, _glance(ours, entries), strict=True):
            if is_near:
                likeness = _judge(ours, names, theirs, parents, nearest_parent, published, explained)
                if likeness.exact or likeness.alike or likeness.rows:
                    found[key] = likeness
    return found


def _batches(held: Mapping[Any, Sequence[bytes]]) -> Iterator[list[Any]]:
    """Keys in portions that fit into memory at once."""
    batch: list[Any] = []
    size = 0
    for key, parts in held.items():
        batch.append(key)
        size += sum(len(part) for part in parts)
        if size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _glance(ours: Array, entries: Sequence[Array]) -> Array:
    """Which checkpoints have anything at all that is equal, similar or arranged from equal rows; may say yes too often.

    One look at all of them together, so that each of very many strangers costs next to nothing.
    """
    every = np.concatenate(entries) if entries else _unpack([])
    owner = np.repeat(np.arange(len(entries)), [len(part) for part in entries])
    found = np.zeros(len(entries), dtype=bool)
    digests = set(ours["digest"].tolist()) - {bytes(16)}
    is_equal = np.fromiter((digest in digests for digest in every["digest"].tolist()), dtype=bool, count=len(every))
    found[owner[is_equal]] = True
    theirs = _by_elements(every)
    for elements, places in _by_elements(ours).items():
        if elements in theirs:
            table = ours["values"][places].astype(np.float32) @ every["values"][theirs[elements]].astype(np.float32).T
            found[owner[theirs[elements]][table.max(axis=0) >= MATCHING]] = True
    # Rows of the same length with a quarter of their signs in the same place equal: three are no chance.
    near = np.zeros((len(every), _ROWS), dtype=bool)
    for length in set(ours["row"].tolist()) - {0}:
        mine, yours = ours["rows"][ours["row"] == length], np.flatnonzero(every["row"] == length)
        pieces = [np.ascontiguousarray(rows).view("<u4").reshape(-1, 4) for rows in (mine, every["rows"][yours])]
        for band in range(4 if len(yours) else 0):
            keys = np.sort(pieces[0][:, band])
            wanted = pieces[1][:, band]
            place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            near[yours] |= ((keys[place] == wanted) & (wanted != 0)).reshape(-1, _ROWS)
    hits = np.bincount(owner, weights=near.sum(axis=1), minlength=len(entries))
    return found | (hits >= _PROVING_ROWS)


def _unpack(parts: Sequence[bytes]) -> Array:
    return np.frombuffer(b"".join(parts), dtype=ENTRY)


def _by_elements(entries: Array) -> dict[int, Array]:
    places: dict[int, list[int]] = {}
    for place, elements in enumerate(entries["elements"].tolist()):
        places.setdefault(elements, []).append(place)
    return {elements: np.array(found) for elements, found in places.items()}


def _nearest(ours: Array, theirs: Array) -> tuple[Array, Array]:
    """For each of our tensors the most similar of theirs of that size, -1 if there is none, and how similar it is."""
    best = np.full(len(ours), -1)
    products = np.zeros(len(ours), dtype=np.float32)
    mine, yours = _by_elements(ours), _by_elements(theirs)
    for elements in mine.keys() & yours.keys():
        a, b = mine[elements], yours[elements]
        left, right = ours["values"][a].astype(np.float32), theirs["values"][b].astype(np.float32)
        # Small products, very often: the threads of a matrix library would wait for each other.
        table = np.einsum("ik,jk->ij", left, right) if len(a) * len(b) < _SMALL else left @ right.T
        chosen = table.argmax(axis=1)
        best[a], products[a] = b[chosen], table[np.arange(len(a)), chosen]
    return best, products


def _parents(ours: Array, parents: Array) -> Array:
    best, products = _nearest(ours, parents)
    return np.where(products >= MATCHING, best, -1)


def _judge(
    ours: Array,
    names: Sequence[str],
    theirs: Array,
    parents: Array,
    nearest_parent: Array,
    published: set[bytes],
    explained: Array,
) -> Likeness:
    held = {digest for digest in theirs["digest"].tolist() if digest != bytes(16)} - published
    is_exact = np.array([digest in held for digest in ours["digest"].tolist()], dtype=bool)
    best, products = _nearest(ours, theirs)
    is_alike = products >= MATCHING
    rows = _row_distances(ours[~is_alike], theirs)
    # A row that a public parent has at least as exactly comes from there.
    is_theirs = (rows < 200) & (rows < explained[~is_alike])
    spread = is_theirs.sum(axis=1) >= 1
    has_rows = spread & (is_theirs.sum() >= _PROVING_ROWS)
    matched = np.flatnonzero(is_alike)
    result = Likeness(len(ours), int(is_exact.sum()), len(matched), int(has_rows.sum()))
    if len(matched):
        result.similarity = float(np.sort(products[matched])[len(matched) // 2])
        result.difference = _difference(ours, theirs, parents, matched, best, nearest_parent)
    shown = np.flatnonzero(is_exact)[:5] if is_exact.any() else matched[:5] if len(matched) else None
    if shown is None:
        shown = np.flatnonzero(~is_alike)[np.flatnonzero(has_rows)][:5]
    result.names = [names[place] for place in shown]
    return result


def _difference(
    ours: Array, theirs: Array, parents: Array, matched: Array, best: Array, nearest_parent: Array
) -> float | None:
    places = matched[nearest_parent[matched] >= 0]
    if not len(places):
        return None
    parent = parents["values"][nearest_parent[places]].astype(np.float32)
    a = ours["values"][places].astype(np.float32) - parent
    b = theirs["values"][best[places]].astype(np.float32) - parent
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum()) / lengths if lengths > 0 else 0.0


def _row_distances(ours: Array, theirs: Array) -> Array:
    """For each kept row of ours the fewest signs in which a row of theirs of that length differs; 255 for none near."""
    found = np.full((len(ours), _ROWS), 255, dtype=np.int16)
    lengths = set(theirs["row"].tolist()) - {0}
    for length in set(ours["row"].tolist()) & lengths:
        a, b = np.flatnonzero(ours["row"] == length), np.flatnonzero(theirs["row"] == length)
        limit = allowed(min(length, 128))
        rows = theirs["rows"][b].reshape(-1, 2)
        rows = rows[rows.any(axis=1)]
        mine = ours["rows"][a].reshape(-1, 2)
        step = max(1, 4_000_000 // max(len(rows), 1))
        near = np.full(len(mine), 255, dtype=np.int16)
        for start in range(0, len(mine) if len(rows) else 0, step):
            part = mine[start : start + step]
            near[start : start + step] = distances(part[:, None], rows[None]).min(axis=1)
        near[(near > limit) | ~mine.any(axis=1)] = 255
        found[a] = near.reshape(-1, _ROWS)
    return found
