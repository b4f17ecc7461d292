"""`python -m tests.corpus [NAME FOLDER]`: list the hostile cases, or make one of them."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from tests.corpus import hostile

if __name__ == "__main__":
    cases = {case.name: case for case in hostile()}
    if len(sys.argv) == 3:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cases[sys.argv[1]].make(Path(sys.argv[2]))
    else:
        for case in cases.values():
            print(f"{case.name}\t{case.severity}\t{' '.join(case.checks)}\t{case.what}")
