"""Whether a hidden repository can be told from a missing one by the time that an answer takes.

Both are asked for by turns, by a stranger and by nobody, and the middle times are compared: a difference that many
requests could tell apart on a quiet line would show here first. Bounds are generous, since the machine has other work.
"""

from __future__ import annotations

import statistics
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conformance.conftest import instance
from tests.conformance.world import GOVERNED
from tests.services import Services

pytestmark = pytest.mark.timeout(600)
ROUNDS, WARMING = 400, 40
# Of the middle times, in either direction.
FACTOR = 1.15
ADDRESSES = ("/api/models/{}", "/api/models/{}/tree/main", "/{}/resolve/main/config.json", "/{}/resolve/main/README.md")


def test_time_does_not_tell_hidden_from_missing(running_services: Services, tmp_path: Path) -> None:
    with instance(running_services, tmp_path) as world:
        for who in ("stranger", "nobody"):
            headers = {"Authorization": f"Bearer {world.person('person-00').token}"} if who == "stranger" else {}
            for address in ADDRESSES:
                hidden, missing = _times(world.url, address, headers)
                ratio = statistics.median(hidden) / statistics.median(missing)
                print(
                    f"{who:<9}{address:<36} hidden {statistics.median(hidden) * 1e3:6.2f} ms   "
                    f"missing {statistics.median(missing) * 1e3:6.2f} ms   ratio {ratio:.3f}"
                )
                assert 1 / FACTOR < ratio < FACTOR, (who, address)


def _times(url: str, address: str, headers: dict[str, str]) -> tuple[list[float], list[float]]:
    """Seconds of each request, hidden and missing by turns over one connection."""
    place = urlsplit(url)
    connection = HTTPConnection(place.hostname, place.port, timeout=60)
    told: dict[str, list[float]] = {"hidden": [], "absent": []}
    for number in range(WARMING + ROUNDS):
        for name in sorted(told, reverse=bool(number % 2)):
            begun = time.perf_counter()
            connection.request("GET", address.format(f"{GOVERNED}/{name}"), headers=headers)
            connection.getresponse().read()
            if number >= WARMING:
                told[name].append(time.perf_counter() - begun)
    connection.close()
    return told["hidden"], told["absent"]
