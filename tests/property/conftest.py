"""Fixtures of the property tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from weights import checkpoint


@pytest.fixture(scope="session", autouse=True)
def _faults_are_failures() -> Iterator[None]:
    """Here a check of weights that fails itself fails the test, instead of becoming a finding."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "FAULTS", ())
        yield
