"""The list of what `make run` runs: servers, web processes, worker pools, schedule."""

from __future__ import annotations

import platform
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from config.launcher.instance import ROOT
from config.launcher.postgres import Postgres
from config.launcher.redis import Redis
from config.launcher.supervisor import SERVERS, Program

# Pool -> (queues, processes). A worker for each kind of load, so that a slow kind never starves a quick one.
POOLS = {
    "worker-default": ("default,intake,publish", 2),
    "worker-validate": ("validate", 2),
    "worker-smoke": ("smoke.cpu", 1),
}
SMOKE = "worker-smoke"
# Kind of accelerator -> what its driver leaves below the root of the file system. Asking torch would take seconds of
# every start; a worker that finds no device of a queue registers none, and gets no work from it.
NODES = {"cuda": "dev/nvidia[0-9]*", "rocm": "dev/kfd", "xpu": "sys/class/drm/renderD*/device/vendor"}
INTEL = "0x8086"


def postgres_program(postgres: Postgres, environment: Mapping[str, str]) -> Program:
    """Return the database server; interrupted, it ends its sessions and writes a clean checkpoint."""
    return Program(
        name="postgres",
        command=postgres.command(),
        environment=environment,
        cwd=postgres.folder,
        tier=SERVERS,
        stop_signal=signal.SIGINT,
        hasten_signal=signal.SIGQUIT,
        death_signal=signal.SIGQUIT,
        descend=postgres.descend,
    )


def redis_program(redis: Redis, environment: Mapping[str, str]) -> Program:
    """Return the doorbell; it has nothing to lose."""
    return Program(
        name="redis",
        command=redis.command(),
        environment=environment,
        cwd=redis.folder,
        tier=SERVERS,
        hasten_signal=signal.SIGKILL,
    )


def web_program(name: str, address: str, workers: int, environment: Mapping[str, str]) -> Program:
    """Return one instance's web server on `address`, which is host:port."""
    configuration = ROOT / "config" / "gunicorn_conf.py"
    options = ["--config", str(configuration), "--bind", address, "--workers", str(workers)]
    command = [sys.executable, "-m", "gunicorn", *options, "config.wsgi"]
    return Program(name, command, environment, ROOT, death_signal=signal.SIGQUIT)


def accelerators(root: Path = Path("/"), system: str = platform.system()) -> list[str]:
    """Return the kinds of accelerators whose drivers are loaded here."""
    found = []
    for kind, pattern in NODES.items():
        places = list(root.glob(pattern))
        if kind == "xpu":
            places = [place for place in places if place.read_text().strip() == INTEL]
        found += [kind] if places else []
    return [*found, *(["mps"] if system == "Darwin" else [])]


def worker_programs(environment: Mapping[str, str]) -> list[Program]:
    """Return one worker for each pool; they need no gossip, since rows in the database say who works on what.

    The one for smoke inference also takes the work of accelerators that are here.
    """
    pools = dict(POOLS)
    own, count = pools[SMOKE]
    pools[SMOKE] = (",".join([own, *(f"smoke.{kind}" for kind in accelerators())]), count)
    return [
        Program(
            name,
            celery(
                *("worker", "--hostname", f"{name}@%h", "--queues", queues, "--concurrency", str(count)),
                *("--without-gossip", "--without-mingle", "--loglevel", environment.get("LOG_LEVEL", "INFO")),
            ),
            environment,
            ROOT,
        )
        for name, (queues, count) in pools.items()
    ]


def schedule_program(environment: Mapping[str, str], run_folder: Path) -> Program:
    """Return the one clock; its file only remembers when it last rang."""
    command = celery("beat", "--schedule", str(run_folder / "beat-schedule"), "--pidfile", "")
    return Program("beat", command, environment, ROOT, hasten_signal=signal.SIGKILL)


def celery(*words: str) -> list[str]:
    """Return a Celery command line."""
    return [sys.executable, "-m", "celery", "--app", "config", "--quiet", *words]
