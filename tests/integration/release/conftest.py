"""What the tests of releases share: a lab with its people, and browsers that are signed in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from tests.factories import Lab, make_lab


@pytest.fixture
def lab(db: None) -> Lab:
    """A governed organization with a person for each role."""
    return make_lab("acme")


@pytest.fixture
def browser_of() -> Callable[[User], Client]:
    """A signed-in browser of somebody."""

    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in
