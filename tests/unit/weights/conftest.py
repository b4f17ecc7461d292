"""Fixtures of the tests of `weights`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.weights.makers import write_healthy
from weights import FileReport, inspect_file

Inspect = Callable[..., FileReport]


@pytest.fixture
def inspect(tmp_path: Path) -> Inspect:
    """Check bytes as the file `path`; they lie on disk under another name, as in a blob store."""

    def run(content: bytes, path: str = "model.safetensors", **options: Any) -> FileReport:
        place = tmp_path / "blob"
        place.write_bytes(content)
        return inspect_file(place, path, **options)

    return run


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A folder with a healthy release in two shards, to be spoiled."""
    return write_healthy(tmp_path / "release")
