"""The course of one run: lock, servers, schema, demonstration, processes, screen, and the end of them all."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config import environment as env
from config.launcher import commands, databases, first_run, instance, programs, screen
from config.launcher.instance import GOVERNING, HUB, Addresses, Folders
from config.launcher.lock import Lock
from config.launcher.ports import LOOPBACK, is_taken
from config.launcher.postgres import Postgres
from config.launcher.redis import Redis
from config.launcher.supervisor import Supervisor, end_leftovers

READY_SECONDS = 120
ATTEMPTS_BEFORE_READY = 5


class LaunchFailed(Exception):
    """The instance cannot start; the message says why, and what helps."""


@dataclass
class Launch:
    """One run of both instances; `run` returns the exit status of the process."""

    folders: Folders
    port: int
    supervisor: Supervisor
    began: float = field(default_factory=time.monotonic)
    postgres: Postgres | None = None
    redis: Redis | None = None

    def run(self) -> int:
        """Start everything, wait until it is ready, show the screen, keep it running, and end it when told to."""
        lock = Lock(self.folders.run / "lock")
        if not lock.take():
            self.supervisor.say(screen.already_running(lock.holder() or 0, self._published_url()))
            return 3
        try:
            self._check_ports()
            if count := end_leftovers(self.folders.run):
                self.supervisor.say(f"Ended {count} processes that an earlier run had left behind.")
            self._start()
            self.supervisor.watch()
            return 0
        except commands.CommandFailed:
            if self.supervisor.stopping.is_set():
                return 0
            raise
        finally:
            self.supervisor.say("Stopping …")
            self.supervisor.stop()
            for name in ("environment.json", "instance.json", "processes.json"):
                (self.folders.run / name).unlink(missing_ok=True)
            lock.release()
            self.supervisor.say("Stopped; nothing is left running.")

    @property
    def url(self) -> str:
        """Return where the first instance is reached."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def hub_url(self) -> str:
        """Return where the second instance is reached."""
        return f"http://{LOOPBACK}:{self.port + 1}"

    def _start(self) -> None:
        self._start_servers()
        database_url, wants_demo = self._database("DATABASE_URL", "imprimatur", first_run.USERS)
        hub_database_url, hub_wants_demo = self._database("HUB_DATABASE_URL", "imprimatur_hub", first_run.HUB_USERS)
        governing, hub = self._settings(database_url, hub_database_url)
        own = {GOVERNING: _own(governing), HUB: _own(hub)}
        instance.write_private(self.folders.run / "environment.json", json.dumps(own, indent=1))
        self._migrate(governing, hub)
        if env.boolean("DEMO", True):
            if hub_wants_demo:
                first_run.prepare_hub(hub, self.folders, self.supervisor)
            if wants_demo:
                first_run.prepare(governing, self.folders, self.supervisor)
        self._publish_instance()
        self._start_processes(governing, hub)
        self._wait_until_ready()
        if not self.supervisor.stopping.is_set():
            self._show_screen()

    def _check_ports(self) -> None:
        for port in (self.port, self.port + 1):
            if is_taken(port):
                raise LaunchFailed(
                    f"Port {port} is taken by another program (this needs {self.port} and {self.port + 1}). "
                    f"Choose another pair: make run PORT={self.port + 100}"
                )

    def _start_servers(self) -> None:
        machine = instance.without_settings(os.environ)
        if not env.text("DATABASE_URL", "") or not env.text("HUB_DATABASE_URL", ""):
            self.postgres = Postgres(self.folders.var / "postgres")
            self.postgres.prepare()
            self.supervisor.start(programs.postgres_program(self.postgres, machine))
        if not env.text("REDIS_URL", ""):
            self.redis = Redis(self.folders.run / "redis")
            self.redis.prepare()
            self.supervisor.start(programs.redis_program(self.redis, machine))
        for server, name in ((self.postgres, "postgres"), (self.redis, "redis")):
            if server is not None and not self.supervisor.wait_until(server.accepts, 60):
                self._give_up(name)

    def _settings(self, database_url: str, hub_database_url: str) -> tuple[dict[str, str], dict[str, str]]:
        """Return the environments of both instances' processes, and make the folders that they name."""
        redis_url = self.redis.url() if self.redis else env.text("REDIS_URL")
        addresses = Addresses(database_url, redis_url, self.url)
        hub_addresses = Addresses(hub_database_url, instance.next_redis_database(redis_url), self.hub_url)
        governing = instance.governing_settings(os.environ, addresses, self.folders)
        hub = instance.hub_settings(os.environ, hub_addresses, self.folders)
        for settings in (governing, hub):
            for folder in (settings["STORAGE_ROOT"], settings["STATIC_ROOT"], *settings["IMPORT_ROOTS"].split(",")):
                Path(folder).mkdir(parents=True, exist_ok=True)
        # Threads would each grow a heap of their own; two are enough, and memory is shared with much else.
        machine = instance.without_settings(os.environ) | {"MALLOC_ARENA_MAX": "2"}
        return machine | governing, machine | hub

    def _database(self, variable: str, name: str, log_ins: str) -> tuple[str, bool]:
        """Return a database's address, and whether the demonstration belongs there: never in one that others filled."""
        given = env.text(variable, "")
        url = given or self.postgres.url(name)
        if not given:
            databases.ensure_database(self.postgres.url(), name)
        if is_new := databases.is_empty(url):
            first_run.forget(self.folders, log_ins)
        return url, is_new or not given

    def _migrate(self, governing: Mapping[str, str], hub: Mapping[str, str]) -> None:
        """Bring schema and static files up to date, side by side, and only where something changed."""
        wanted, urls = [], []
        for name, settings in (("migrate", governing), ("migrate-hub", hub)):
            if not databases.is_migrated(settings["DATABASE_URL"]):
                wanted.append(commands.Command(name, ["migrate", "--noinput"], settings))
                urls.append(settings["DATABASE_URL"])
        static_digest, static_stamp = _static_digest(), self.folders.var / "static.digest"
        collected = static_stamp.read_text() if static_stamp.exists() else ""
        if collected != f"{static_digest} {governing['STATIC_ROOT']}":
            wanted.append(commands.Command("collectstatic", ["collectstatic", "--noinput"], governing))
        if not wanted:
            return
        self.supervisor.say(f"Bringing up to date: {', '.join(command.name for command in wanted)}.")
        commands.run_all(wanted, self.supervisor)
        for url in urls:
            databases.leave_stamp(url)
        static_stamp.write_text(f"{static_digest} {governing['STATIC_ROOT']}")

    def _start_processes(self, governing: Mapping[str, str], hub: Mapping[str, str]) -> None:
        self.supervisor.start(programs.web_program("web", _address(self.port), 2, governing))
        for program in programs.worker_programs(governing):
            self.supervisor.start(program)
        self.supervisor.start(programs.web_program("web-hub", _address(self.port + 1), 1, hub))
        self.supervisor.start(programs.schedule_program(governing, self.folders.run))

    def _wait_until_ready(self) -> None:
        for name, url in (("web-hub", self.hub_url), ("web", self.url)):

            def answers(url: str = url) -> bool:
                for child in self.supervisor.children.values():
                    if child.due is not None and child.failures >= ATTEMPTS_BEFORE_READY:
                        self._give_up(child.program.name)
                return readiness(url)[0]

            if (
                not self.supervisor.wait_until(answers, READY_SECONDS, every=0.15)
                and not self.supervisor.stopping.is_set()
            ):
                raise LaunchFailed(f"{name} is not ready after {READY_SECONDS} s: {readiness(url)[1]}")

    def _give_up(self, name: str) -> None:
        if not self.supervisor.stopping.is_set():
            raise LaunchFailed(f"{name} does not start. It printed:\n{commands.tail(self.supervisor, name)}")

    def _publish_instance(self) -> None:
        """Tell scripts where and as whom; the file goes when the instance does."""
        content = {
            "url": self.url,
            "hub_url": self.hub_url,
            "users": first_run.users(self.folders, first_run.USERS),
            "hub_users": first_run.users(self.folders, first_run.HUB_USERS),
        }
        instance.write_private(self.folders.run / "instance.json", json.dumps(content, indent=1) + "\n")

    def _published_url(self) -> str | None:
        try:
            return json.loads((self.folders.run / "instance.json").read_text(encoding="utf-8"))["url"]
        except (FileNotFoundError, ValueError, KeyError):
            return None

    def _show_screen(self) -> None:
        users = first_run.users(self.folders, first_run.USERS)
        hub_users = first_run.users(self.folders, first_run.HUB_USERS)
        seconds = time.monotonic() - self.began
        sys.stdout.write(
            screen.welcome(self.url, self.hub_url, users, hub_users, seconds, str(self.folders.logs)) + "\n"
        )
        sys.stdout.flush()


def readiness(url: str) -> tuple[bool, str]:
    """Ask an instance whether it is ready, and if not, what is missing."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=3) as answer:  # noqa: S310 - our own address
            return answer.status == 200, ""
    except urllib.error.HTTPError as refusal:
        return False, refusal.read(2000).decode("utf-8", errors="replace")
    except OSError as failure:
        return False, str(failure)


def _own(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if instance.is_setting(name)}


def _address(port: int) -> str:
    return f"{LOOPBACK}:{port}"


def _static_digest() -> str:
    """Return a digest of what static files there are; names, sizes and times tell enough."""
    digest = hashlib.sha256((instance.ROOT / "requirements.txt").read_bytes())
    for path in sorted((instance.ROOT / "static").rglob("*")):
        seen = path.stat()
        digest.update(f"{path}\0{seen.st_size}\0{seen.st_mtime_ns}\0".encode())
    return digest.hexdigest()
