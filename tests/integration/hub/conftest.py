"""A real web server on a loopback port, the real client against it, and people made through services.

The server is a process of its own on the test database, so that rows are committed as in life; every module marks its
tests `django_db(transaction=True)`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.integration.hub.running import Server, database_url, running

# Larger files are sent in parts by LFS.
PART_BYTES = 4 << 20


@pytest.fixture(scope="session")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The web server."""
    with running(database_url(), tmp_path_factory.mktemp("hub"), LFS_PART_BYTES=str(PART_BYTES)) as started:
        yield started


@pytest.fixture
def person(server: Server):
    """Makes people: `person(organization, Role.OWNER)`, or nobody's member."""
    from tests.integration.hub import people

    return partial(people.person, server.url)


@pytest.fixture
def governed(server: Server) -> SimpleNamespace:
    """A governed organization with its people."""
    from tests.integration.hub import people

    return people.namespace(server.url, is_direct_control=False)


@pytest.fixture
def direct(server: Server) -> SimpleNamespace:
    """An organization under direct control with its people."""
    from tests.integration.hub import people

    return people.namespace(server.url, is_direct_control=True)


@pytest.fixture
def hf(server: Server, tmp_path: Path):
    """Runs the `hf` command as a person: `hf(person, "upload", …)`; large files go by LFS."""
    return partial(_command, server, tmp_path, "1")


@pytest.fixture
def hf_by_xet(server: Server, tmp_path: Path):
    """The same, with large files by Xet, the client's default."""
    return partial(_command, server, tmp_path, "0")


def _command(server: Server, folder: Path, is_xet_off: str, who, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "HF_HOME": str(folder / "hf-home"),
        "HF_ENDPOINT": server.url,
        "HF_HUB_DISABLE_XET": is_xet_off,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    } | ({"HF_TOKEN": who.secret} if who else {})
    command = [str(Path(sys.executable).with_name("hf")), *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that one test downloaded answers another, and large files go by LFS."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
