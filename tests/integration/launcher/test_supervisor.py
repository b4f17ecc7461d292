"""Real child processes under a real supervisor: restart, stop in time, nothing left."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from config.launcher.postgres import wait_until
from config.launcher.supervisor import SERVERS, Program, Supervisor, end_leftovers, marked

SLEEP = "import time\nwhile True: time.sleep(60)"
STUBBORN = """
import signal, subprocess, sys, time
for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("stubborn", flush=True)
while True:
    time.sleep(60)
"""
TELLS_ITS_END = """
import pathlib, signal, sys, time
def end(*_):
    with open("order", "a") as order:
        order.write(sys.argv[1] + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
while True:
    time.sleep(60)
"""


@pytest.fixture
def supervisor(tmp_path: Path):
    said: list[str] = []
    made = Supervisor(tmp_path / "run", tmp_path / "log", said.append)
    made.said = said
    yield made
    made.stop(seconds=1)


def program(tmp_path: Path, name: str, code: str, **options) -> Program:
    return Program(name, [sys.executable, "-c", code, name], {"PATH": "/usr/bin:/bin"}, tmp_path, **options)


def pid(supervisor: Supervisor, name: str) -> int | None:
    return json.loads((supervisor.run_folder / "processes.json").read_text()).get(name)


def prints(supervisor: Supervisor, name: str, word: str) -> bool:
    return wait_until(lambda: word in supervisor.log(name).read_text(), 10)


def test_killed_child_is_started_again(supervisor, tmp_path):
    supervisor.start(program(tmp_path, "sleeper", SLEEP))
    first = pid(supervisor, "sleeper")
    psutil.Process(first).kill()
    assert supervisor.wait_until(lambda: pid(supervisor, "sleeper") not in (None, first), 10)
    assert psutil.pid_exists(pid(supervisor, "sleeper"))
    assert "sleeper ended (SIGKILL)" in supervisor.said[0]


def test_child_that_keeps_failing_is_started_less_and_less_often(supervisor, tmp_path):
    supervisor.start(Program("broken", ["false"], {"PATH": "/usr/bin:/bin"}, tmp_path))
    supervisor.wait_until(lambda: False, 2.5)
    assert 2 <= supervisor.children["broken"].failures <= 4  # at once, then after 0.25, 0.5 and 1 s
    assert "exit 1" in supervisor.said[0]


def test_what_a_killed_child_had_started_ends_before_it_starts_again(supervisor, tmp_path):
    supervisor.start(program(tmp_path, "stubborn", STUBBORN))
    assert prints(supervisor, "stubborn", "stubborn")
    (grandchild,) = psutil.Process(pid(supervisor, "stubborn")).children()
    psutil.Process(pid(supervisor, "stubborn")).kill()
    supervisor.wait_until(lambda: supervisor.children["stubborn"].failures == 1, 5)
    assert wait_until(lambda: not is_alive(grandchild), 5)


def test_stop_ends_even_those_who_refuse_within_the_time(supervisor, tmp_path):
    supervisor.start(program(tmp_path, "server", STUBBORN, tier=SERVERS))
    supervisor.start(program(tmp_path, "worker", STUBBORN))
    assert prints(supervisor, "server", "stubborn")
    assert prints(supervisor, "worker", "stubborn")
    everyone = marked(supervisor.run_folder)
    assert len(everyone) == 4
    began = time.monotonic()
    supervisor.stop(seconds=2)
    assert time.monotonic() - began < 3.5
    assert not any(is_alive(process) for process in everyone)


def test_stop_ends_the_servers_last(supervisor, tmp_path):
    for name, tier in (("postgres", SERVERS), ("web", 1)):
        supervisor.start(program(tmp_path, name, TELLS_ITS_END, tier=tier))
        assert prints(supervisor, name, "ready")
    supervisor.stop(seconds=5)
    assert (tmp_path / "order").read_text().split() == ["web", "postgres"]


def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path):
    """The kernel tells the children, and the next run ends whatever still has our mark."""
    code = f"""
import sys
from pathlib import Path
from config.launcher.supervisor import Program, Supervisor
made = Supervisor(Path({str(tmp_path / "run")!r}), Path({str(tmp_path / "log")!r}), print)
made.start(Program("stubborn", [sys.executable, "-c", {STUBBORN!r}], {{}}, Path({str(tmp_path)!r})))
made.watch()
"""
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
    log = tmp_path / "log" / "stubborn.log"
    assert wait_until(lambda: log.exists() and "stubborn" in log.read_text(), 10)
    child, grandchild = sorted(marked(tmp_path / "run"), key=lambda process: process.create_time())
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    if sys.platform == "linux":
        assert wait_until(lambda: not is_alive(child), 5)
    assert is_alive(grandchild)
    assert end_leftovers(tmp_path / "run") >= 1
    assert wait_until(lambda: not is_alive(grandchild), 5)
    assert marked(tmp_path / "run") == []


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; one that ended and waits for its parent's notice does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
