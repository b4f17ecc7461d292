"""Rows as lines of a file that a person downloads: comma-separated, safe to open in a spreadsheet. Streams."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

# A spreadsheet takes a cell that begins like this for a formula, and runs it.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A heading and one line for each row; cells that a spreadsheet would run begin with an apostrophe."""
    writer = csv.DictWriter(_Echo(), columns)
    yield writer.writerow(dict(zip(columns, columns, strict=True)))
    for row in rows:
        yield writer.writerow({name: _harmless(row[name]) for name in columns})


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


class _Echo:
    """Takes what the writer writes and gives it back, so that a line can be sent as soon as it is made."""

    def write(self, text: str) -> str:
        return text
