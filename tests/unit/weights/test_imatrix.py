"""Importance matrices: read to the last byte, or not taken for one."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from tests.unit.weights.conftest import Inspect

NAMES = ("blk.0.attn_q.weight", "blk.0.ffn_up.weight")


def imatrix(*, ending: bytes = b"", last: float = 1.0, names: tuple[str, ...] = NAMES) -> bytes:
    values = np.append(np.linspace(0, 1, 31), last).astype("<f4").tobytes()
    entries = [struct.pack("<i", len(n)) + n.encode() + struct.pack("<ii", 125, 32) + values for n in names]
    return struct.pack("<i", len(names)) + b"".join(entries) + ending


NEWER = struct.pack("<ii", 125, 9) + b"wiki.test"


@pytest.mark.parametrize("ending", [b"", NEWER])
def test_both_endings_are_read(ending: bytes, inspect: Inspect) -> None:
    report = inspect(imatrix(ending=ending), "imatrix.dat")
    assert (report.kind, report.findings) == ("imatrix", [])


@pytest.mark.parametrize(("last", "check"), [(np.nan, "WV-NAN"), (np.inf, "WV-INF")])
def test_values_that_are_not_finite(last: float, check: str, inspect: Inspect) -> None:
    report = inspect(imatrix(last=last), "model.imatrix")
    assert [(finding.check, finding.tensor) for finding in report.findings] == [(check, name) for name in NAMES]


WHOLE = imatrix(ending=NEWER)


@pytest.mark.parametrize(
    "content",
    [
        WHOLE[:-1],
        WHOLE + b"\0",
        imatrix(ending=b"\0\0\0\0"),
        imatrix(ending=NEWER[:-1] + b"\xff"),
        imatrix(names=("../../etc/passwd", "x")),
        imatrix(names=("a",)).replace(b"\1\0\0\0a", b"\0\0\0\0", 1),
        b"\xff\xff\xff\x7f" + WHOLE[4:],
        b"\xff\xff\xff\xff" + WHOLE[4:],
        WHOLE.replace(struct.pack("<ii", 125, 32), struct.pack("<ii", 125, 1 << 30), 1),
        WHOLE.replace(struct.pack("<ii", 125, 32), struct.pack("<ii", 125, -1), 1),
        WHOLE.replace(struct.pack("<ii", 125, 32), struct.pack("<ii", -2, 32), 1),
    ],
    ids=["cut", "longer", "half-an-ending", "ending", "name", "no-name", "many", "minus", "wide", "no-width", "calls"],
)
def test_anything_else_is_in_no_known_format(content: bytes, inspect: Inspect) -> None:
    assert [finding.check for finding in inspect(content, "imatrix.dat").findings] == ["FM-UNKNOWN"]
