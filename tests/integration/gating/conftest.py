"""The fixture that every test of gating starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.gating.world import Gate


@pytest.fixture
def gate(db: None) -> Gate:
    """A gated model with its people."""
    from tests.integration.gating.world import make_gate

    return make_gate()
