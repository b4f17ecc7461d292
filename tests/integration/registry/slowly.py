"""For real workers in tests: files count as large early, and one whose name stands in a folder is not begun until
it is taken out of there; so a test can lose a worker at a file of its choice."""

from __future__ import annotations

import os
import time
from pathlib import Path

from registry import tasks
from registry.validation import planning

planning.LARGE_BYTES = 4096
HELD = Path(os.environ["HELD_FILES"])
_inspect_confined = tasks.inspect_confined


def inspect_when_free(files, *, cancel, **options):
    """Read the files once none of them is held; stops waiting when the lease is gone, as reading would."""
    while any((HELD / file.path).exists() for file in files) and not cancel.is_set():
        time.sleep(0.05)
    _inspect_confined(files, cancel=cancel, **options)


tasks.inspect_confined = inspect_when_free
