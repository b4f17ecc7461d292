"""What is costly to make and only read afterwards: made once for a run, by whichever of its processes comes first."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return the run's folder of this name; the first process to ask fills it by `make(folder)`, others wait."""
    own = factory.getbasetemp()
    above = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    whole, draft = above / name, above / f"{name}.draft"
    with (above / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            shutil.rmtree(draft, ignore_errors=True)  # of one that failed
            draft.mkdir()
            make(draft)
            draft.rename(whole)
    return whole
