"""Fixtures of the tests of `weights`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.weights.makers import write_healthy
from weights import FileReport, checkpoint, inspect_file

Inspect = Callable[..., FileReport]


@pytest.fixture(scope="session", autouse=True)
def _faults_are_failures() -> Iterator[None]:
    """Here a check that fails itself fails the test, instead of becoming a finding."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "FAULTS", ())
        yield


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
