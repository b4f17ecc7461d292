"""What attempts are counted by: nobody who is given many addresses may try that many times."""

from __future__ import annotations

import pytest

from accounts.signing_in import network_of


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb:cccc:dddd:eeee", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", ""),
        ("no address" * 20, ("no address" * 20)[:64]),
    ],
)
def test_attempts_are_counted_by_network(address: str, counted: str) -> None:
    assert network_of(address) == counted
