"""Lines for spreadsheets."""

from __future__ import annotations

import csv

from web.exports import csv_lines


def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless() -> None:
    cells = ["=1", "+1", "-1", "@a", "\tx", 5, "plain", 'with "quotes", and\nlines']
    heading, *rows = csv.reader(csv_lines(["cell"], ({"cell": cell} for cell in cells)))
    assert heading == ["cell"]
    assert [row[0] for row in rows] == ["'=1", "'+1", "'-1", "'@a", "'\tx", "5", "plain", cells[-1]]


def test_lines_come_as_rows_do() -> None:
    asked = []
    lines = csv_lines(["n"], ({"n": asked.append(n) or n} for n in range(3)))
    assert [next(lines), next(lines)] == ["n\r\n", "0\r\n"]
    assert len(asked) == 1
