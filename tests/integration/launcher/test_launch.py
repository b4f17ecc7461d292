"""The whole course of `make run`, as real processes: ready, alone, killed, recovered, stopped."""

import json
import signal
import socket
import stat
import subprocess
import sys
import time

import psutil
import psycopg
import pytest

from config.launcher.instance import ROOT
from config.launcher.postgres import wait_until
from tests.launched import Launched

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def launched(tmp_path_factory):
    made = Launched(tmp_path_factory.mktemp("launched") / "var", DEMO="0", SMOKE="0").start()
    yield made
    if made.process.poll() is None:
        made.stop()
    assert made.everyone() == []


def manage(launched: Launched, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *words]
    environment = launched.environment | variables
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def database_url(launched: Launched, which: str) -> str:
    return json.loads((launched.var / "run" / "environment.json").read_text())[which]["DATABASE_URL"]


def test_course_of_a_run(launched):
    """One story, since each start costs seconds."""
    launched.wait_until_ready()
    description = launched.description()
    assert (description["url"], description["hub_url"]) == (launched.url, launched.hub_url)
    for name in ("instance.json", "environment.json", "processes.json"):
        assert stat.S_IMODE((launched.var / "run" / name).stat().st_mode) == 0o600
    assert {"postgres", "redis", "web", "web-hub", "worker-default", "beat"} <= set(launched.pids())

    # A second run says that one runs, and where, and disturbs nothing.
    second = subprocess.run(
        [sys.executable, "-m", "config.launcher"], cwd=ROOT, env=launched.environment, capture_output=True, text=True
    )
    assert second.returncode == 3
    assert f"runs already at {launched.url}" in second.stdout

    # A second terminal needs no variables.
    shown = manage(launched, "shell", "-v0", "-c", "from django.conf import settings; print(settings.INSTANCE_ROLE)")
    assert shown.stdout.split() == ["governing"], shown.stderr
    code = "from django.conf import settings; print(settings.INSTANCE_ROLE, settings.DATABASES['default']['NAME'])"
    shown = manage(launched, "shell", "-v0", "-c", code, IMPRIMATUR_INSTANCE="hub")
    assert shown.stdout.split() == ["public-hub", "imprimatur_hub"], shown.stderr

    # What was written survives the end of every process at once.
    with psycopg.connect(database_url(launched, "governing"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    launched.kill_everything()
    assert manage(launched, "showmigrations").returncode == 2
    launched.start().wait_until_ready()
    with psycopg.connect(database_url(launched, "governing"), autocommit=True) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)

    # A killed server comes back under the same address.
    before = launched.pids()["redis"]
    psutil.Process(before).kill()
    assert wait_until(lambda: launched.pids().get("redis") not in (None, before), 20)
    launched.wait_until_ready(30)

    # Everything ends within ten seconds.
    everyone = launched.everyone()
    assert len(everyone) > 10
    began = time.monotonic()
    assert launched.stop(signal.SIGINT) == 0
    assert time.monotonic() - began < 10
    assert launched.everyone() == []
    assert not (launched.var / "run" / "instance.json").exists()


def test_port_that_is_taken_is_named(tmp_path):
    launched = Launched(tmp_path / "var", DEMO="0")
    with socket.socket() as other:
        other.bind(("127.0.0.1", launched.port + 1))
        other.listen()
        launched.start()
        assert launched.process.wait(30) == 1
    assert f"Port {launched.port + 1} is taken" in launched.output.read_text()


def test_wrong_port_is_refused_in_one_sentence(tmp_path):
    launched = Launched(tmp_path / "var", PORT="many").start()
    assert launched.process.wait(30) == 1
    assert launched.output.read_text() == "PORT='many' is not a whole number.\n"
