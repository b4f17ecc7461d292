"""What becomes of a check that fails itself: a finding that blocks, in place of no report at all.

Owns which exceptions are a check's own fault. Those of whoever opens, bounds or watches the file are never among them:
a disk that fails, a limit on memory and a job that is canceled are theirs to report.
"""

from __future__ import annotations

import struct
import traceback
from pathlib import PurePath

from weights.catalog.files import FM_FAILED
from weights.findings import Finding

FAULTS = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    struct.error,
    RecursionError,
)


def failed(error: Exception, path: str) -> Finding:
    """The finding for a check that raised one of `FAULTS` over the file `path`, or over the whole (empty)."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in line {frames[-1].lineno} of {PurePath(frames[-1].filename).name}" if frames else ""
    return FM_FAILED.at(path, f"The check ended with {type(error).__name__}{place}.", evidence=str(error))
