"""What all tests share: settings that point at services of their own, started only when a test needs them."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from pathlib import Path

import django
import hypothesis
import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

from config.launcher.instance import is_setting
from tests.services import Services

# A run compiles each module once, and not in each of the hundreds of processes that tests start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

services = Services()
for name in [*os.environ]:
    # A developer's shell may point at a real instance, or hold a real token; no test may ever reach it.
    if is_setting(name) or name.startswith(("HF_", "IMPRIMATUR_")):
        del os.environ[name]
os.environ |= services.environment()
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = os.environ["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1"
os.environ["HF_HOME"] = str(services.folder / "hf")
# Now, because the folders' own conftests import models as soon as one of them is named on the command line.
django.setup()

# How long an example takes says how busy the machine is, and nothing of what is tested.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


def pytest_configure(config: pytest.Config) -> None:
    """Trade what is slow by intention, password hashes and collected static files, for what is quick."""
    from django.conf import settings

    from tests.emptying import empty_quickly

    if config.getoption("numprocesses", None):
        # Each process that runs tests has services of its own, and must not read settings before they have addresses.
        os.environ.pop("DJANGO_SETTINGS_MODULE", None)

    empty_quickly()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


def pytest_unconfigure() -> None:
    """End what was started for this run."""
    services.stop()


@pytest.fixture(scope="session")
def running_services() -> Services:
    """PostgreSQL and Redis, running; every test with a database has them already."""
    services.run()
    return services


@pytest.fixture(scope="session")
def django_db_modify_db_settings(running_services: Services) -> None:
    """Start PostgreSQL before pytest-django makes the test database."""


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The whole server goes at the end; its database need not go first."""
    return True


CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_CHROME = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"


def find_chromium() -> str | None:
    """Return the browser to drive: $CHROMIUM, or the first one found on this machine."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, (*CHROMIUMS, MAC_CHROME))), None)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; tests that ask for it are marked `browser` and left out where there is none."""
    path = find_chromium()
    assert path is not None
    return path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Keep a file's tests in one process, and those of folders whose files share an instance that starts slowly."""
    return ByInstance(config, log)


class ByInstance(LoadScopeScheduling):
    """Groups by path alone: marks reach the scheduler only through names of tests, which pytest keeps to itself."""

    def _split_scope(self, nodeid: str) -> str:
        path = Path(nodeid.partition("::")[0])
        return str(path.parent if path.parent.name in ONE_INSTANCE else path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave browser tests out where no browser is, and begin with what takes longest."""
    # The longest first, or one process would be waited for at the end; `make test` keeps xdist from another order.
    items.sort(key=lambda item: next((n for n, name in enumerate(LONG) if name in item.path.parts), len(LONG)))
    browser = [item for item in items if item.get_closest_marker("browser")]
    if browser and find_chromium() is None:
        for item in browser:
            item.add_marker(pytest.mark.skip(reason=NO_BROWSER))


def pytest_collection_finish() -> None:
    """Spare the collector what lives as long as the run: modules and thousands of tests, walked again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


# Folders and files, by how long one process has to do with one of their files. The story keeps both cores busy alone:
# neither beside the conformance suite, with its clocks, nor at the end.
LONG = (
    *("conformance", "test_release_machine.py", "test_every_way_out.py", "test_smoke_workers.py", "smoke"),
    *("launcher", "story", "jobs", "browser", "property", "publishing", "hub"),
)
ONE_INSTANCE = {"story", "conformance"}
NO_BROWSER = "no Chromium on this machine"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that the browser tests did not run."""
    if count := sum(NO_BROWSER in str(report.longrepr) for report in terminalreporter.getreports("skipped")):
        terminalreporter.write_sep(
            "!",
            f"{count} BROWSER TESTS DID NOT RUN: no Chromium found; install one or set CHROMIUM",
            red=True,
            bold=True,
        )
