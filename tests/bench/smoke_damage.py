"""Kinds of damage that are done to a checkpoint, whatever its layout calls its tensors.

Each kind is a function of a checkpoint and a random generator; it answers False where the layout has nothing that it
could be done to. Every kind is what some accident does: a converter, a merge script, a bad disk, a wrong file.
"""

from __future__ import annotations

import copy
import random
from pathlib import Path

# Importing them enters their kinds.
from tests.bench import damage_to_models, damage_to_weights  # noqa: F401
from tests.bench.smoke_copies import KINDS, opened


def damaged(folder: Path, kind: str, seed: int, out: Path, other: Path | None = None) -> Path | None:
    """A damaged copy, or None where this kind cannot be done to this layout."""
    c = opened(folder, other)
    c.config = copy.deepcopy(c.config)
    if KINDS[kind](c, random.Random(f"{kind}{seed}")) is False:
        return None
    return c.write(out)
