"""Which files of a checkpoint are read together."""

from dataclasses import dataclass

import pytest

from registry.validation import planning
from registry.validation.planning import BUNDLE_BYTES, LARGE_BYTES, groups

LARGE, HALF = LARGE_BYTES, LARGE_BYTES // 2


@dataclass(frozen=True)
class File:
    size_bytes: int


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([0, 5], [[0, 5]]),
        ([LARGE], [[LARGE]]),
        ([LARGE, 7, 3 * LARGE, 0, 2 * LARGE], [[7, 0], [3 * LARGE], [2 * LARGE], [LARGE]]),
        ([LARGE - 1, LARGE], [[LARGE - 1], [LARGE]]),
    ],
)
def test_small_files_go_together_and_first_then_the_largest(sizes, expected):
    found = [[file.size_bytes for file in group] for group in groups([File(size) for size in sizes])]
    assert found == expected


def test_a_bundle_has_its_bounds(monkeypatch):
    each = BUNDLE_BYTES // HALF
    assert [len(group) for group in groups([File(HALF)] * (2 * each + 1))] == [each, each, 1]
    monkeypatch.setattr(planning, "BUNDLE_FILES", 3)
    assert [len(group) for group in groups([File(1)] * 7)] == [3, 3, 1]


def test_time_grows_with_the_bytes():
    assert planning.cpu_seconds(0) == planning.BASE_CPU_SECONDS
    assert planning.cpu_seconds(4 << 30) == planning.BASE_CPU_SECONDS + 512
    assert planning.wall_seconds(4 << 30) > 3600
