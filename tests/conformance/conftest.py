"""What the conformance suite stands on: one instance as in production, the client in both of its modes, a summary.

The client is `huggingface_hub` as it is installed. Tests use it as a person would and see of the instance only what it
answers. Each test is one check: what the client's documentation says of a call, and that it comes true here.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2 as httpx
import pytest
from huggingface_hub import HfApi, constants

from config.launcher.databases import ensure_database
from tests.conformance.world import DIRECT, GOVERNED
from tests.integration.hub.running import running
from tests.services import Services

MODES = ("xet", "plain")
ROOT = Path(__file__).resolve().parents[2]
# In the whole suite the plain mode is asked for what moves content; `make conformance` asks both modes everything.
IS_WHOLE = os.environ.get("CONFORMANCE") == "whole"
# Names that a run of its own gives stay apart from those of another run on the same instance.
newcomers = itertools.count(1)
numbers = (f"{os.getpid():x}-{number}" for number in itertools.count(1))


@dataclass(frozen=True)
class Person:
    """Somebody with a token, or nobody; `api` is the client that they use."""

    name: str
    token: str
    url: str

    @property
    def api(self) -> HfApi:
        """The unmodified client."""
        return HfApi(endpoint=self.url, token=self.token or False)

    @property
    def http(self) -> httpx.Client:
        """Bare HTTP, for what the client has no call for."""
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)


@dataclass
class World:
    """The running instance and everybody in it."""

    url: str
    people: dict[str, dict[str, str]]
    text_sha256: str

    def person(self, name: str) -> Person:
        """Somebody by name."""
        return Person(self.people[name]["name"], self.people[name]["token"], self.url)


@pytest.fixture(scope="session")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An instance with a database and a store of its own, or the one that CONFORMANCE_ON describes."""
    if description := os.environ.get("CONFORMANCE_ON"):
        yield World(**json.loads(Path(description).read_text(encoding="utf-8")))
        return
    with instance(request.getfixturevalue("running_services"), tmp_path_factory.mktemp("conformance")) as made:
        yield made


@contextmanager
def instance(services: Services, folder: Path) -> Iterator[World]:
    """Make a world and serve it."""
    database = f"conformance_{os.getpid()}"
    ensure_database(services.postgres.url("postgres"), database)
    settings = {
        "DATABASE_URL": services.postgres.url(database),
        "REDIS_URL": services.redis.url(7),
        "STORAGE_ROOT": str(folder / "storage"),
        "LFS_PART_BYTES": str(4 << 20),
        "REQUESTS_PER_TOKEN": "0",
        "REQUESTS_PER_ADDRESS": "0",
        "PYTHONPATH": str(ROOT),
    }
    made = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "conformance" / "world.py")],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr[-4000:]
    with running(settings.pop("DATABASE_URL"), folder, **settings) as server:
        yield World(url=server.url, **json.loads(made.stdout))


@pytest.fixture
def mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """How large files go: by Xet, the client's default, or plain; with a cache of the test's own."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", request.param == "plain")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return request.param


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Leave the plain mode out where it changes nothing, unless everything is asked for."""
    if "mode" in metafunc.fixturenames:
        both = IS_WHOLE or metafunc.definition.get_closest_marker("transfers")
        metafunc.parametrize("mode", MODES if both else MODES[:1], indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave what starts a process for each of its many steps to `make conformance`."""
    if not IS_WHOLE:
        left = [item for item in items if item.get_closest_marker("whole")]
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=left)


@pytest.fixture(autouse=True)
def each_in_its_mode(mode: str) -> None:
    """Every check runs in a mode."""


@pytest.fixture
def owner(world: World) -> Person:
    """An owner of the namespace under direct control."""
    return world.person(f"{DIRECT}-owner")


@pytest.fixture
def writer(world: World) -> Person:
    """The governed namespace's pipeline."""
    return world.person(f"{GOVERNED}-writer")


@pytest.fixture
def stranger(world: World) -> Person:
    """Somebody signed in who belongs to no organization and never asked for anything."""
    return world.person("person-00")


@pytest.fixture
def newcomer(world: World) -> Person:
    """The same, whom no other check has met."""
    return world.person(f"person-{next(newcomers):02}")


@pytest.fixture
def nobody(world: World) -> Person:
    """A caller without a token."""
    return Person("", "", world.url)


@pytest.fixture
def new_id() -> Callable[[str], str]:
    """Names of repositories that nobody used yet: `new_id()` under direct control, `new_id(GOVERNED)` governed."""
    return lambda namespace=DIRECT: f"{namespace}/m{next(numbers)}"


@pytest.fixture
def repo(owner: Person, new_id: Callable[[str], str]) -> str:
    """A fresh public repository under direct control."""
    return owner.api.create_repo(new_id(), private=False).repo_id


@pytest.fixture
def governed(writer: Person, new_id: Callable[[str], str]) -> str:
    """A fresh repository of the governed namespace."""
    return writer.api.create_repo(new_id(GOVERNED)).repo_id


@pytest.fixture
def environment(world: World, mode: str, tmp_path: Path) -> Callable[[Person], dict[str, str]]:
    """The environment of a program that uses the client as a person."""

    def made(who: Person) -> dict[str, str]:
        said = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "HF_HOME": str(tmp_path / "hf-home"),
            "HF_ENDPOINT": world.url,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "NO_COLOR": "1",
        }
        return (
            said
            | ({"HF_TOKEN": who.token} if who.token else {})
            | ({"HF_HUB_DISABLE_XET": "1"} if mode == "plain" else {})
        )

    return made


@pytest.fixture
def hf(environment, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The `hf` command as a person: `hf(person, "upload", …)`; with `fails=True` it must refuse."""

    def run(who: Person, *words: object, fails: bool = False) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("hf")), *map(str, words)]
        done = subprocess.run(
            command, env=environment(who), cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.returncode != 0) == fails, f"{done.stdout}\n{done.stderr}"
        return done

    return run


# --- the summary ---------------------------------------------------------------------------------------------------


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many checks of each area hold, in each mode."""
    if not IS_WHOLE:
        return
    held: Counter[tuple[str, str]] = Counter()
    asked: Counter[tuple[str, str]] = Counter()
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.getreports(outcome):
            if "tests/conformance/" in report.nodeid and (report.when == "call" or outcome != "passed"):
                name = Path(report.nodeid.partition("::")[0]).stem.removeprefix("test_").replace("_", " ")
                used = next(mode for mode in MODES if mode in report.nodeid.partition("::")[2].partition("[")[2])
                for area in (name, "all"):
                    asked[area, used] += 1
                    held[area, used] += outcome == "passed"
    terminalreporter.write_sep("=", "the client's calls that do here what its documentation says")
    terminalreporter.write_line(f"{'area':<20}" + "".join(f"{mode:>16}" for mode in MODES))
    for area in [*sorted({area for area, _ in asked} - {"all"}), "all"]:
        told = "".join(f"{held[area, mode]:>9} of {asked[area, mode]:>3}" for mode in MODES)
        terminalreporter.write_line(f"{area:<20}{told}")
