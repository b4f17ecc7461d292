"""Columns over all tensors say of each what its record says."""

from __future__ import annotations

from weights.report import FileReport, TensorRecord
from weights.tensor_groups import groups_of, joined


def record(name: str, digest: str, low: float | None, high: float | None, **more: float | None) -> TensorRecord:
    made = TensorRecord(name, "F32", (2, 2), 4, 16, digest, low, high)
    return made._replace(**more)


FILES = [
    FileReport("none.json", 2, "", "json"),
    FileReport(
        "a.safetensors",
        1,
        "",
        "safetensors",
        tensors=[record("h.0.w", "x", -3.0, 2.0, rms=1.5), record("h.1.v", "y", 0.0, 0.0), record("h.2.w", "z", 1, 4)],
    ),
    FileReport("b.safetensors", 1, "", "safetensors", tensors=[record("h.9.w", "x", None, None, zeros=2)]),
]


def test_tensors_are_grouped_by_their_form_type_and_shape() -> None:
    groups = groups_of(FILES)
    assert list(groups) == [("h.0.w", "F32", (2, 2)), ("h.0.v", "F32", (2, 2))]
    first, second = groups.values()
    assert [(number, path, one.name) for number, path, one in first.members()] == [
        (0, "a.safetensors", "h.0.w"),
        (2, "a.safetensors", "h.2.w"),
        (3, "b.safetensors", "h.9.w"),
    ]
    assert first.largest.tolist() == [3, 4, 0]
    assert first.typical.tolist() == [1.5, 0, 0]
    assert [one.name for one in first.sparse] == ["h.9.w"]
    assert [one.name for one in second.sparse] == ["h.1.v"]
    assert [one.name for _, _, one in first.repeated] == ["h.0.w", "h.9.w"]
    assert [one.name for _, _, one in joined([second, first]).members()] == ["h.0.w", "h.1.v", "h.2.w", "h.9.w"]


def test_no_tensors_are_no_groups() -> None:
    assert groups_of(FILES[:1]) == {}
