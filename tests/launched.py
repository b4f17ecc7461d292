"""Both instances as `make run` starts them, in a folder of their own: for tests that need real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from config.launcher.instance import ROOT, without_settings
from config.launcher.launch import readiness
from config.launcher.ports import free_port, is_taken
from config.launcher.postgres import wait_until
from config.launcher.supervisor import marked


class Launched:
    """One run of the launcher; `variables` are given to it as a caller's environment would be."""

    def __init__(self, var: Path, **variables: str) -> None:
        self.var = var
        self.port = free_pair()
        self.output = var.parent / f"{var.name}.out"
        machine = {name: value for name, value in without_settings(os.environ).items() if name != "MAKELEVEL"}
        self.environment = machine | {"IMPRIMATUR_VAR": str(var), "PORT": str(self.port)} | variables
        self.environment.pop("DJANGO_SETTINGS_MODULE", None)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return the first instance's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def hub_url(self) -> str:
        """Return the second instance's address."""
        return f"http://127.0.0.1:{self.port + 1}"

    def start(self) -> Launched:
        """Start the launcher as a terminal would, without waiting for it."""
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.launcher"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self

    def wait_until_ready(self, seconds: float = 180) -> None:
        """Wait for both instances; the failure shows what the launcher printed."""
        assert self.process is not None
        process = self.process

        def is_ready() -> bool:
            assert process.poll() is None, self.output.read_text()
            return (
                (self.var / "run" / "instance.json").exists() and readiness(self.url)[0] and readiness(self.hub_url)[0]
            )

        assert wait_until(is_ready, seconds, every=0.2), self.output.read_text()

    def description(self) -> dict:
        """Return what scripts are told: addresses and log-ins."""
        return json.loads((self.var / "run" / "instance.json").read_text())

    def pids(self) -> dict[str, int]:
        """Return the processes by name."""
        return json.loads((self.var / "run" / "processes.json").read_text())

    def everyone(self) -> list[psutil.Process]:
        """Return all processes that the launcher started, itself or through others."""
        return marked(self.var / "run")

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 15) -> int:
        """Ask the launcher to end, and return its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def kill_everything(self) -> None:
        """End all processes as a power cut would."""
        assert self.process is not None
        for process in [psutil.Process(self.process.pid), *self.everyone()]:
            if process.is_running():
                process.kill()
        self.process.wait(10)


def free_pair() -> int:
    """Return a free port whose successor is free as well."""
    while True:
        port = free_port()
        if not is_taken(port + 1):
            return port
