"""What integration tests of several apps share."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest


@pytest.fixture
def nobody_counts(settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Redis is away for whatever is counted."""
    from accounts import counting

    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(counting, "_change", cache(counting._change.__wrapped__))
    monkeypatch.setattr(counting, "_quiet_until", 0.0)
    yield
    assert counting._quiet_until > 0, "nobody noticed that Redis was away"
