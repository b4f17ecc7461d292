"""The instance that the story is told on: the one that runs, or one that is started for it with folders of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.launcher.ports import free_port
from tests.browser.story.people import Instance

ROOT = Path(__file__).resolve().parents[3]
TRAINED = Path("imports") / "demonstration"
# Training the demonstration's models is most of it, where none were kept.
START_SECONDS = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The story is long by nature."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.story)
            item.add_marker(pytest.mark.timeout(START_SECONDS + 600))


@pytest.fixture(scope="package")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Two running instances with their people; STORY_ON names the folder of ones that run already."""
    given = os.environ.get("STORY_ON")
    if given:
        yield Instance.read(Path(given).resolve())
        return
    var = tmp_path_factory.mktemp("instance") / "var"
    kept = ROOT / "var" / TRAINED
    if kept.is_dir():
        shutil.copytree(kept, var / TRAINED)
    process, log = start(var)
    try:
        wait_until_ready(var, process, log)
        yield Instance.read(var, launcher=process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        if not kept.is_dir() and (var / TRAINED).is_dir():
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(var / TRAINED, kept)


def start(var: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """Run the launcher as `make run` does, on free ports."""
    settings = {
        "IMPRIMATUR_VAR": str(var),
        "PORT": str(free_pair()),
        "JOB_LEASE_SECONDS": "6",
        "JOB_SWEEP_SECONDS": "2",
    }
    settings |= {"PUBLISH_RETRY_SECONDS": "1,2,3"}
    # The tests' own settings point at their own services; the launcher brings services of its own.
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
    var.mkdir(parents=True, exist_ok=True)
    log = var / "launcher.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.launcher"], cwd=ROOT, env=kept | settings, stdout=output, stderr=output
        )
    return process, log


def free_pair() -> int:
    """A port that is free together with the one after it."""
    while True:
        port = free_port()
        if port < 65_000 and _is_free(port + 1):
            return port


def wait_until_ready(var: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for `/readyz`, and say what the launcher said where it does not come."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            url = json.loads((var / "run" / "instance.json").read_text(encoding="utf-8"))["url"]
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):
                return
        except (OSError, ValueError, urllib.error.URLError):
            time.sleep(0.5)
    process.kill()
    raise RuntimeError(f"the instance did not become ready: {log.read_text(errors='replace')[-3000:]}")


def _is_free(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
