"""The short list: which of many held checkpoints a candidate is like, from packed fingerprints alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.unit.weights import families as make
from tests.unit.weights.families import Model, llama, records
from weights import shortlist
from weights.shortlist import ENTRY, pack, search

HELD = llama(1)
STRANGERS = {number: [pack(records(llama(number)))[0]] for number in range(10, 30)}
PACKED = STRANGERS | {1: [pack(records(HELD))[0]]}


def found(model: Model, public: Model | None = None) -> dict[Any, shortlist.Likeness]:
    return search([pack(records(model))], PACKED, [pack(records(public))[0]] if public else ())


def test_only_the_kin_is_on_the_list() -> None:
    assert set(found(HELD)) == {1}
    assert found(HELD)[1].exact == found(HELD)[1].tensors
    assert found(llama(5)) == {}


@pytest.mark.parametrize(
    "change", [make.each(make.bf16), make.int8_rows, make.noisy(0.1)], ids=["cast", "int8", "tuned"]
)
def test_copies_are_alike(change: Any) -> None:
    (likeness,) = found(make.renamed(change(HELD))).values()
    assert (likeness.exact, likeness.alike, likeness.difference) == (0, likeness.tensors, None)
    assert likeness.similarity > 0.9
    assert likeness.names


def test_rows_in_another_arrangement_are_found() -> None:
    for model in (make.cut(HELD), make.fused(HELD)):
        likeness = found(make.each(make.bf16)(model))[1]
        assert likeness.rows > 0


def test_a_public_parent_explains_what_it_has() -> None:
    assert found(HELD, HELD)[1].exact == 0
    assert found(HELD, HELD)[1].difference == 0
    assert found(make.each(make.bf16)(make.cut(HELD)), make.cut(HELD)) == {}


def test_only_what_proves_something_is_packed() -> None:
    packed, names = pack(records(HELD | {"ones": np.ones((64, 64), dtype="<f4")}))
    assert len(packed) == ENTRY.itemsize * len(names)
    assert not {"ones", "model.norm.weight"} & set(names)
    assert pack([]) == (b"", [])


def test_very_many_are_searched_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = found(make.each(make.bf16)(HELD))
    monkeypatch.setattr(shortlist, "_BATCH_BYTES", 1)
    assert found(make.each(make.bf16)(HELD)) == whole
    assert search([pack(records(HELD))], {}) == {}
    assert search([], PACKED) == {}
