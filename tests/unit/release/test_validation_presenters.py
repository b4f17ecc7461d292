"""Validation as its pages show it: the drawing of the bytes, the number line, findings in groups, pages."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.models import Evidence, Tensor
from release.presenters import icicle, tensors, validation
from release.selectors.tensors import Cell, Inspected, Wanted
from release.templatetags.validation import measure, share, short

names = st.lists(st.sampled_from(["model", "layers", "0", "1", "mlp", "weight"]), min_size=1, max_size=4)
amounts = st.lists(
    st.builds(
        lambda path, dtype, size: Cell(tuple(path), dtype, ".".join(path), size, size // 2, 1),
        names,
        st.sampled_from(["F32", "BF16", "I8"]),
        st.integers(0, 10**12),
    ),
    max_size=60,
)


@settings(max_examples=60)
@given(amounts)
def test_each_row_of_boxes_keeps_its_frame_and_its_place_under_its_parent(given_amounts):
    root = icicle.tree(given_amounts)
    boxes = icicle.boxes(root, icicle.colors(["F32", "BF16", "I8"]))
    assert root.size_bytes == sum(one.size_bytes for one in given_amounts)
    by_row: dict[float, list[icicle.Box]] = {}
    for box in boxes:
        assert 0 <= box.x <= box.x + box.width <= icicle.WIDTH + 0.6
        assert 0 <= box.y < icicle.height(boxes) <= 4 * icicle.ROW
        by_row.setdefault(box.y, []).append(box)
    for row in by_row.values():
        ends = [(box.x, box.x + box.width) for box in sorted(row, key=lambda box: box.x)]
        assert all(end <= start + 1.6 for (_, end), (start, _) in pairwise(ends))
    first = by_row.get(0.0, [])
    if root.size_bytes:
        assert sum(box.share for box in first) == pytest.approx(1, abs=0.02)
    for box in boxes:
        parent = [
            one for one in boxes if one.path and box.path.startswith(f"{one.path}.") and one.y == box.y - icicle.ROW
        ]
        assert all(one.x - 0.1 <= box.x and box.x + box.width <= one.x + one.width + 2 for one in parent)


def test_layers_stand_in_the_order_of_their_numbers_and_narrow_ones_are_one_box():
    cells = [Cell(("layers", str(n)), "BF16", f"layers.{n:08}", 100, 50, 1) for n in (10, 2, 0)]
    boxes = icicle.boxes(icicle.tree(cells), {"BF16": 0})
    assert [box.label for box in boxes] == ["layers", "0", "2", "10"]
    many = [Cell((f"expert{n:04}",), "BF16", f"expert{n:08}", 1, 1, 1) for n in range(2000)]
    drawn = icicle.boxes(icicle.tree([Cell(("big",), "F32", "big", 2000, 1000, 1), *many]), {"F32": 0, "BF16": 1})
    assert [(box.label, box.path, box.color, box.tensors) for box in drawn] == [
        ("big", "big", 0, 1),
        ("2000 smaller", "", 1, 2000),
    ]


def tensor(**values: object) -> Tensor:
    return Tensor(**{"name": "a", "low": None, "high": None, "mean": None, "rms": None, **values})


@pytest.mark.parametrize(
    ("low", "high", "drawn"),
    [(None, None, False), (0.0, 0.0, False), (-1.0, 1.0, True), (2.0, 3.0, True), (-1e308, 1e308, False)],
)
def test_a_number_line_needs_a_range(low, high, drawn):
    line = tensors.number_line(tensor(low=low, high=high, mean=low, rms=high))
    assert (line is not None) == drawn
    if line:
        assert line["low"] <= line["high"] <= line["width"]
        assert line["zero"] >= 20


def test_the_number_line_shows_zero_also_where_all_values_are_on_one_side():
    line = tensors.number_line(tensor(low=2.0, high=4.0))
    assert (line["zero"], line["low"], line["high"]) == (20, 320, 620)
    assert "mean" not in line
    assert "rms_from" not in line


@pytest.mark.parametrize(
    ("given", "shown"),
    [(None, "–"), (0.0, "0"), (-0.0213456, "−0.02135"), (1.0, "1"), (123456.0, "1.235e+05")],
)
def test_values_are_shown_with_the_digits_that_count(given, shown):
    assert measure(given) == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [(None, "–"), (0, "0 %"), (0.00001, "< 0.1 %"), (0.5, "50 %"), (0.12345, "12.3 %"), (1, "100 %")],
)
def test_little_is_not_nothing(given, shown):
    assert share(given) == shown


@pytest.mark.parametrize(
    ("given", "shown"), [(None, "–"), (999, "999"), (8_030_261_248, "8.03 B"), (2 * 10**12, "2 T")]
)
def test_counts_are_said_as_people_say_them(given, shown):
    assert short(given) == shown


def finding(check: str, severity: str, path: str = "a", **more: object) -> dict[str, object]:
    return {"check": check, "severity": severity, "path": path, "message": "m", **more}


def evidence(*findings: object, **report: object) -> Evidence:
    return Evidence(report={"findings": list(findings), "verdict": "block", **report})


def test_findings_are_grouped_by_severity_then_by_check():
    found = validation.findings(
        evidence(
            finding("LO-PATH", "warn"),
            finding("WV-NAN", "block", tensor="t", offset=5),
            *(finding("WV-ZERO", "warn", f"f{n}") for n in range(10)),
            "odd",
            {"severity": "mood"},
        )
    )
    sections = validation.grouped(found, validation.Filters())
    assert [(one.severity, one.count, [check.check for check in one.checks]) for one in sections] == [
        ("block", 1, ["WV-NAN"]),
        ("warn", 11, ["LO-PATH", "WV-ZERO"]),
        ("note", 1, [""]),
    ]
    zero = sections[1].checks[1]
    assert (len(zero.places), zero.hidden, bool(zero.meaning)) == (6, 4, True)
    assert sections[2].checks[0].title == "A check of an earlier rule set"
    [only] = validation.grouped(found, validation.Filters(check="WV-ZERO", after=8))
    assert [one.path for one in only.checks[0].places] == ["f8", "f9"]
    assert validation.grouped(found, validation.Filters(path="nowhere")) == []


def test_the_verdict_counts_what_was_found_and_reads_odd_reports():
    report = evidence(finding("A", "warn"), finding("B", "warn"), files=3, tensors="many")
    head = validation.verdict(report, validation.findings(report))
    assert (head["status"].label, head["facts"]) == (
        "Blocked",
        {"files": 3, "tensors": None, "parameters": None, "bytes": None},
    )
    assert [(severity, count) for severity, _, count in head["counts"]] == [("warn", 2)]
    assert validation.verdict(Evidence(report={}), [])["status"].label == "Blocked", "not read is never pass"


def test_files_with_the_gravest_findings_come_first():
    manifest = [{"path": path, "size_bytes": 1, "sha256": "0"} for path in ("a", "b", "c")]
    report = evidence(finding("X", "block", "c"), finding("Y", "warn", "b"), manifest=manifest)
    seen = Inspected({1: "a"}, frozenset({"b"}), 0, {"a": 7})
    rows = validation.files(report, seen, validation.findings(report))
    assert [(row.path, row.tensors, row.is_complete) for row in rows] == [
        ("c", 0, True),
        ("b", 0, False),
        ("a", 7, True),
    ]


@pytest.mark.parametrize(
    ("total", "start", "shown"),
    [(0, 0, (0, 0, "", "")), (5, 0, (1, 5, "", "")), (250, 100, (101, 200, "?q=x&after=0", "?q=x&after=200"))],
)
def test_pages_have_their_neighbors(total, start, shown):
    page = validation.pages(total, start, 100, {"q": "x"})
    assert (page.start, page.end, page.newer, page.older) == shown


def test_a_column_is_turned_by_a_second_click():
    by_size = {one["label"]: one for one in validation.headers(Wanted(sort="bytes"), {"q": "x"})}
    assert by_size["Size"] == {
        "label": "Size",
        "is_number": True,
        "direction": "descending",
        "url": "?q=x&sort=bytes&reverse=1",
    }
    assert by_size["Shape"]["url"] == ""
    turned = {one["label"]: one for one in validation.headers(Wanted(sort="bytes", is_reversed=True), {})}
    assert (turned["Size"]["direction"], turned["Size"]["url"]) == ("ascending", "?sort=bytes")


def test_words_that_name_nothing_are_left_out_of_what_is_asked_for():
    seen = SimpleNamespace(counts={"a.safetensors": 1})
    asked = tensors.wanted({"sort": "; DROP", "path": "b", "q": "xy", "reverse": "yes"}, seen)
    assert asked == Wanted(search="xy")
    assert tensors.address(Wanted(sort="rms", path="a", is_reversed=True)) == {
        "path": "a",
        "sort": "rms",
        "reverse": "1",
    }


def test_the_same_part_in_layers_is_drawn_beside_its_siblings():
    rows = [tensor(pk=n, low=-float(n), high=0.5, rms=0.1) for n in range(1, 4)]
    drawn = tensors.across_layers(rows, rows[1])
    assert [(one["top"], one["is_here"]) for one in drawn["layers"]] == [(1.0, False), (2.0, True), (3.0, False)]
    assert drawn["layers"][2]["y"] == 0
    assert tensors.across_layers(rows[:1], rows[0]) == {"layers": []}
