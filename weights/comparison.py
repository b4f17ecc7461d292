"""How one checkpoint relates to another, by the fingerprints of their tensors.

Owns the question and the answer: which tensor is which, what became of it, and what that makes of the whole. Names do
not count, save between equals. Reads no file: all it needs was taken in the one pass over each.

The rule for the whole. Only matrices whose content no other model has by nature can prove anything (see `lineup`).

- `unrelated`: not one of them has a counterpart.
- `partial`: more than a tenth of either side has none, by elements or by number; or all that has one is unchanged and
  still whole matrices are missing or added.
- else the worst of what became of the counterparts: `same` < `cast` < `quantized` < `fine-tuned`. A matrix with rows
  added or taken away (a larger vocabulary) counts as fine-tuned, and so does a model of which only vectors differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from weights.fingerprints import Fingerprint
from weights.likeness import classify, directions, threshold
from weights.lineup import CODES, Group, Lineup, aligned
from weights.nearest import nearest
from weights.relations import Comparison, Relation, TensorMatch
from weights.report import TensorRecord
from weights.row_matching import RowFound, match_rows, match_turned, without_numbers
from weights.tensor_values import FLOATS
from weights.value_sample import SEGMENT

MISSING_LIMIT = 0.1
CAST_TURNED = 0.002  # share of signs: a cast turns none, a tune of one percent turns three in a thousand
NARROW_SIMILARITY = 0.9  # for quantized rows too short to look at rounding
UNEVEN_SIMILARITY = 0.98  # for those that are no whole number of segments
WHOLE_ELEMENTS = 256  # smaller matrices leave no trace when they are cut, so their absence is no proof
ALL_ROWS = 0.8  # of the rows that could be seen, from which on all are taken to be there

Array = np.ndarray[Any, Any]


_Found = dict[int, RowFound]
_Prints = Sequence[Fingerprint | None]
_Search = Callable[[_Prints, _Prints, tuple[Array, Array]], tuple[_Found, _Found]]

_WORSE = (Relation.SAME, Relation.CAST, Relation.QUANTIZED, Relation.FINE_TUNED)


class _Side:
    """A lineup and what was found of each of its tensors so far; `other` is -1 where nothing was."""

    def __init__(self, lineup: Lineup) -> None:
        count = lineup.size
        self.lineup = lineup
        self.other = np.full(count, -1)
        self.code = np.full(count, len(_WORSE), dtype=np.int8)
        self.similarity = np.full(count, np.nan)
        self.share = np.zeros(count)
        self.partners: dict[int, tuple[int, ...]] = {}

    def open(self) -> Array:
        """Tensors that say something and have no counterpart yet."""
        found: Array = (self.other < 0) & ~self.lineup.is_trivial & ~self.lineup.is_aside
        return found

    def take(self, place: int, other: int, code: int, similarity: float, share: float = 1.0) -> None:
        """Note what was found of the tensor at `place`."""
        self.other[place], self.code[place] = other, code
        self.similarity[place], self.share[place] = similarity, share


def compare(candidate: Sequence[TensorRecord], other: Sequence[TensorRecord]) -> Comparison:
    """How `candidate` relates to `other`."""
    return compare_lineups(Lineup(candidate), Lineup(other))


def compare_lineups(candidate: Lineup, other: Lineup) -> Comparison:
    """The same for sides that were made ready before."""
    ours, theirs = _Side(candidate), _Side(other)
    _match_digests(ours, theirs)
    for elements in candidate.groups.keys() & other.groups.keys():
        _match_values(ours, theirs, *aligned(candidate.groups[elements], other.groups[elements]))
    _match_rows(ours, theirs, match_rows)
    _match_rows(ours, theirs, match_turned)
    is_related = bool((ours.lineup.proves & (ours.other >= 0)).any())
    if is_related:
        _match_company(ours, theirs)
        _match_company(theirs, ours)
    else:
        ours, theirs = _Side(candidate), _Side(other)
    return _answer(ours, theirs, is_related=is_related)


def _places(mask: Array) -> list[int]:
    return [int(place) for place in np.flatnonzero(mask)]


def _match_digests(ours: _Side, theirs: _Side) -> None:
    """Match equal bytes of one type, whatever their names and shapes; tied copies share a counterpart."""
    for mine, yours in ((ours, theirs), (theirs, ours)):
        places: dict[str, list[int]] = {}
        for place, record in enumerate(yours.lineup.records):
            if record.digest is not None and not yours.lineup.is_trivial[place]:
                places.setdefault(record.digest, []).append(place)
        for place in _places(mine.open()):
            record = mine.lineup.records[place]
            found = places.get(record.digest or "")
            if found:
                named = [other for other in found if yours.lineup.names[other] == record.name]
                mine.take(place, (named or found)[0], 0, 1.0)


def _match_values(ours: _Side, theirs: _Side, a: Group, b: Group) -> None:
    """Match the tensors of one number of elements by their samples."""
    least = threshold(a.values.shape[1])
    usable = [
        ~side.lineup.is_trivial[group.members] & ~side.lineup.is_aside[group.members]
        for side, group in ((ours, a), (theirs, b))
    ]
    for is_turned in (False, True):
        mine, yours, near, far = (theirs, ours, b, a) if is_turned else (ours, theirs, a, b)
        rows = np.flatnonzero(mine.open()[near.members])
        columns = np.flatnonzero(usable[0 if is_turned else 1])
        if rows.size and columns.size:
            names = [mine.lineup.names[place] for place in near.members[rows]]
            others = [yours.lineup.names[place] for place in far.members[columns]]
            best, similarity = nearest(
                directions(near.values[rows]), directions(far.values[columns]), names, others, least
            )
            hit = similarity >= least
            if not is_turned and not hit.any() and rows.size == usable[0].sum():
                return  # whoever is near to one of ours has one of ours near to it
            first, second = rows[hit], columns[best[hit]]
            _record(
                ours, theirs, a, b, (second, first, similarity[hit]) if is_turned else (first, second, similarity[hit])
            )


def _record(ours: _Side, theirs: _Side, a: Group, b: Group, pair: tuple[Array, Array, Array]) -> None:
    """Say of each pair what changed, and note it for whichever side has nothing yet."""
    first, second, similarity = pair
    if not first.size:
        return
    places = a.members[first], b.members[second]
    dtypes = [ours.lineup.dtypes[i] for i in places[0]], [theirs.lineup.dtypes[i] for i in places[1]]
    codes = classify(
        a.values[first],
        b.values[second],
        (dtypes[0], dtypes[1]),
        (a.steps[first], b.steps[second]),
        ours.lineup.is_vector[places[0]],
    )
    for mine, yours, code, value in zip(*places, codes, similarity, strict=True):
        if ours.lineup.records[mine].digest == theirs.lineup.records[yours].digest:
            code, value = 0, 1.0
        elif code == 3 and value >= _least_for_codes(ours, theirs, int(mine), int(yours)):
            code = 2
        for side, place, other in ((ours, mine, yours), (theirs, yours, mine)):
            if side.other[place] < 0:
                side.take(int(place), int(other), int(code), float(value))


def _least_for_codes(ours: _Side, theirs: _Side, mine: int, yours: int) -> float:
    """The similarity from which a pair with codes counts as quantized where several scales fall into one segment."""
    least = 2.0
    for lineup, place in ((ours.lineup, mine), (theirs.lineup, yours)):
        found, shape = lineup.prints[place], lineup.records[place].shape
        if found is not None and found.steps is not None and shape and shape[-1] % SEGMENT:
            least = NARROW_SIMILARITY if shape[-1] < SEGMENT else UNEVEN_SIMILARITY
    return least


def _match_rows(ours: _Side, theirs: _Side, search: _Search) -> None:
    """Find what was permuted, cut, fused, stacked or extended, by single rows; then by columns, too."""
    wanted = np.flatnonzero(ours.open()), np.flatnonzero(theirs.open())
    if not (wanted[0].size or wanted[1].size):
        return
    found = search(ours.lineup.prints, theirs.lineup.prints, wanted)
    _complete(ours, found[0], found[1])
    _complete(theirs, found[1], found[0])
    rows = _rows_by_component(ours, theirs, found)
    for mine, yours, results, balance in ((ours, theirs, found[0], rows[0]), (theirs, ours, found[1], rows[1])):
        for place, result in results.items():
            share = min(1.0, balance[place]) if result.share >= ALL_ROWS else result.share
            code = _code_of_rows(mine, yours, place, result, is_whole=share > 0.9999)
            mine.take(place, result.partners[0], code, float(np.cos(np.pi * min(result.turned, 0.5))), share)
            mine.partners[place] = result.partners


def _rows_by_component(
    ours: _Side, theirs: _Side, found: tuple[dict[int, RowFound], dict[int, RowFound]]
) -> tuple[dict[int, float], dict[int, float]]:
    """For each tensor that shares rows: rows of the other side in its cluster by those of its own side.

    Equal content counts once on either side.
    """
    links: dict[tuple[int, int], set[tuple[int, int]]] = {}
    for side in (0, 1):
        for place, result in found[side].items():
            for partner in result.partners:
                links.setdefault((side, place), set()).add((1 - side, partner))
                links.setdefault((1 - side, partner), set()).add((side, place))
    ratios: tuple[dict[int, float], dict[int, float]] = ({}, {})
    seen: set[tuple[int, int]] = set()
    for start in links:
        if start in seen:
            continue
        cluster, waiting = {start}, [start]
        while waiting:
            for node in links[waiting.pop()] - cluster:
                cluster.add(node)
                waiting.append(node)
        seen |= cluster
        totals = []
        for side, lineup in ((0, ours.lineup), (1, theirs.lineup)):
            sizes = {lineup.records[place].digest: lineup.elements[place] for at, place in cluster if at == side}
            totals.append(max(sum(sizes.values()), 1.0))
        for side, place in cluster:
            ratios[side][place] = totals[1 - side] / totals[side]
    return ratios


def _code_of_rows(mine: _Side, yours: _Side, place: int, result: RowFound, *, is_whole: bool) -> int:
    """What became of a tensor that was found by its rows; a part of a larger one is what it is itself."""
    is_part = result.share >= ALL_ROWS
    if not is_whole and not is_part:
        return 3
    if not is_whole:
        return 3
    dtypes = {mine.lineup.dtypes[place], *(yours.lineup.dtypes[partner] for partner in result.partners)}
    prints = [mine.lineup.prints[place], *(yours.lineup.prints[partner] for partner in result.partners)]
    if result.is_exact and len(dtypes) == 1:
        return 0
    has_codes = any(found is not None and found.steps is not None for found in prints)
    if has_codes or any(dtype.startswith("F8") for dtype in dtypes):
        return 2 if result.turned <= 0.15 else 3
    return 1 if len(dtypes) > 1 and result.turned <= CAST_TURNED else 3


def _complete(mine: _Side, found: dict[int, RowFound], theirs: dict[int, RowFound]) -> None:
    """Add to `found` the parts of a stack that are too small for their rows to be seen in it.

    They are those of which any row was seen, then those called alike and of the same size, as far as the stack has
    room for them.
    """
    names = [without_numbers(name) for name in mine.lineup.names]
    alike: dict[tuple[str, float], list[int]] = {}
    for place in _places(mine.open()):
        alike.setdefault((names[place], mine.lineup.elements[place]), []).append(place)
    for stack, seen in list(theirs.items()):
        if seen.share < ALL_ROWS:
            continue
        parts = list(seen.partners)
        for part in seen.partners:
            parts += alike.get((names[part], mine.lineup.elements[part]), [])
        parts = list(dict.fromkeys(parts))
        room = mine.lineup.elements[parts].sum() <= 1.001 * seen.elements
        for part in parts if room else ():
            found.setdefault(part, RowFound(1.0, (stack,), seen.turned, seen.is_exact, mine.lineup.elements[part]))
        if room:
            theirs[stack] = replace(seen, partners=tuple(parts))


def _match_company(mine: _Side, yours: _Side) -> None:
    """Relations of what proves nothing by itself, by name and content, now that the whole is known to be related."""
    by_name = {name: place for place, name in enumerate(yours.lineup.names)}
    by_digest: dict[str, int] = {}
    for place, record in enumerate(yours.lineup.records):
        if record.digest is not None:
            by_digest.setdefault(record.digest, place)
    for place in _places((mine.other < 0) & ~mine.lineup.proves):
        record = mine.lineup.records[place]
        named = by_name.get(record.name)
        if named is not None and yours.lineup.records[named].digest == record.digest:
            mine.take(place, named, 0, 1.0)
        elif record.digest in by_digest and record.digest is not None:
            mine.take(place, by_digest[record.digest], 0, 1.0)
        elif named is not None and yours.lineup.records[named].elements == record.elements:
            theirs = yours.lineup.records[named]
            if theirs.dtype != record.dtype and _same_range(record, theirs):
                mine.take(place, named, 1, 1.0)
            elif not (mine.lineup.is_aside[place] or yours.lineup.is_aside[named]):
                has_codes = (theirs.dtype in CODES) != (record.dtype in CODES)
                mine.take(place, named, 2 if has_codes else 3, np.nan)
        else:
            _match_range(mine, yours, place)


def _match_range(mine: _Side, yours: _Side, place: int) -> None:
    """A constant of another name and type, if the other side has one of that size and value."""
    record = mine.lineup.records[place]
    if not mine.lineup.is_constant[place]:
        return
    for other, theirs in enumerate(yours.lineup.records):
        if yours.lineup.is_constant[other] and theirs.elements == record.elements and _same_range(record, theirs):
            mine.take(place, other, 1, 1.0)
            return


def _same_range(left: TensorRecord, right: TensorRecord) -> bool:
    if left.low is None or right.low is None or left.high is None or right.high is None:
        return False
    # Half of the distance between two neighbors of the coarser type, and at least what formats lose besides.
    bits = min([6] + [FLOATS[side.dtype].mantissa for side in (left, right) if side.dtype in FLOATS])
    slack = max(abs(left.low), abs(left.high)) * 2.0 ** -(bits + 1)
    return abs(left.low - right.low) <= slack and abs(left.high - right.high) <= slack


def _answer(ours: _Side, theirs: _Side, *, is_related: bool) -> Comparison:
    tensors = [_tensor_match(ours, theirs, place) for place in range(ours.lineup.size)]
    shares = [_covered(side) for side in (ours, theirs)]
    relation = _whole(ours, theirs) if is_related else Relation.UNRELATED
    absent = theirs.lineup.proves & (theirs.other < 0)
    return Comparison(
        relation=relation,
        shared=int((ours.other >= 0).sum()),
        shared_share=shares[0][0],
        other_share=shares[1][0],
        tensors=tensors,
        missing=[theirs.lineup.names[place] for place in np.flatnonzero(absent)],
    )


def _tensor_match(ours: _Side, theirs: _Side, place: int) -> TensorMatch:
    lineup = ours.lineup
    match = TensorMatch(lineup.names[place], proves=bool(lineup.proves[place]))
    if ours.other[place] >= 0:
        match.other = theirs.lineup.names[ours.other[place]]
        match.relation = _WORSE[ours.code[place]]
        match.share = float(ours.share[place])
        match.similarity = None if np.isnan(ours.similarity[place]) else float(ours.similarity[place])
        match.others = [theirs.lineup.names[other] for other in ours.partners.get(place, ())[:64]]
    return match


def _covered(side: _Side) -> tuple[float, float]:
    """The part of a side that has a counterpart, by elements and by number."""
    proves = side.lineup.proves
    if not proves.any():
        return 0.0, 0.0
    sizes, shares = side.lineup.elements[proves], side.share[proves]
    counted = shares[sizes >= WHOLE_ELEMENTS]
    return float((sizes * shares).sum() / sizes.sum()), float((counted if len(counted) else shares).mean())


def _whole(ours: _Side, theirs: _Side) -> Relation:
    missing = max(1 - part for side in (ours, theirs) for part in _covered(side))
    if missing > MISSING_LIMIT:
        return Relation.PARTIAL
    sides = (ours, theirs)
    worst = max(int(side.code[side.other >= 0].max()) for side in sides)
    is_absent = any(
        bool((side.lineup.proves & (side.other < 0) & (side.lineup.elements >= WHOLE_ELEMENTS)).any()) for side in sides
    )
    if worst < 3 and is_absent:
        return Relation.PARTIAL
    # A vector that says something and has no counterpart was trained.
    is_odd = any(bool((side.open() & side.lineup.is_vector & ~side.lineup.proves).any()) for side in sides)
    return Relation.FINE_TUNED if is_odd else _WORSE[worst]
