"""The geometry of charts: inside the frame, true to the amounts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web import charts

AMOUNTS = st.floats(min_value=0, max_value=1e12, allow_subnormal=False)


@given(st.lists(AMOUNTS, max_size=40))
def test_bars_stay_inside_and_stand_on_the_ground(values):
    chart = charts.bars([(str(at), value) for at, value in enumerate(values)])
    for bar in chart.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= chart.width + 0.01
        assert 0 <= bar.height <= chart.height + 0.01
        assert bar.y + bar.height == pytest.approx(chart.height, abs=0.02)


def test_bars_are_in_proportion():
    chart = charts.bars([("a", 1000), ("b", 500), ("c", 0)])
    assert [bar.height for bar in chart.bars] == [chart.height, chart.height / 2, 0]
    assert chart.ticks == [(0, chart.height), (500, chart.height / 2), (1000, 0)]
    assert chart.bars[0].middle == pytest.approx(chart.bars[0].x + chart.bars[0].width / 2)


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (0.03, 0.04), (1, 1), (3, 4), (3480, 4000), (9, 10), (10, 10), (81, 100)]
)
def test_scales_end_at_round_amounts(value, top):
    assert charts.nice_ceiling(value) == pytest.approx(top)


@given(st.floats(min_value=1e-9, max_value=1e15))
def test_a_scale_is_never_below_its_value_nor_far_above(value):
    top = charts.nice_ceiling(value)
    assert value <= top * (1 + 1e-8)
    assert top <= value * 2.51


@given(st.lists(AMOUNTS, min_size=2, max_size=60))
def test_a_sparkline_stays_inside(values):
    chart = charts.sparkline(values)
    for spot in chart.points.split():
        x, y = map(float, spot.split(","))
        assert 0 <= x <= chart.width
        assert 0 <= y <= chart.height
    assert (chart.low, chart.high) == (min(values), max(values))


def test_a_sparkline_needs_two_values():
    assert charts.sparkline([]) is None
    assert charts.sparkline([3]) is None
    assert charts.sparkline([3, 3]).points


@given(st.lists(st.integers(min_value=0, max_value=10**9), max_size=12))
def test_shares_of_a_donut_add_up(values):
    chart = charts.donut([("part", value, "info") for value in values])
    assert sum(part.share for part in chart.slices) == (100 if sum(values) else 0)
    assert all(bool(part.path) == bool(part.value) for part in chart.slices)


def test_a_whole_circle_is_drawn_as_two_halves():
    assert charts.donut([("all", 5, "success")]).slices[0].path.count("M") == 2


@pytest.mark.parametrize("bad", [-1, float("nan"), float("inf")])
def test_charts_refuse_what_cannot_be_drawn(bad):
    with pytest.raises(ValueError, match="finite amounts"):
        charts.bars([("a", bad)])
    with pytest.raises(ValueError, match="finite amounts"):
        charts.sparkline([1, bad])
    with pytest.raises(ValueError, match="finite amounts"):
        charts.donut([("a", bad, "info")])


def test_a_part_names_a_known_tone():
    with pytest.raises(ValueError, match="chartreuse"):
        charts.donut([("a", 1, "chartreuse")])
