"""PostgreSQL and Redis, started, killed and started again."""

import contextlib
import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from config.launcher import account, databases
from config.launcher.child import start
from config.launcher.postgres import Postgres, PostgresFailed, binary, wait_until
from config.launcher.redis import Redis


@contextlib.contextmanager
def running(postgres: Postgres):
    postgres.prepare()
    log = postgres.folder.parent / "postgres.log"
    child = start(postgres.command(), log=log, descend=postgres.descend, death_signal=signal.SIGQUIT)
    try:
        assert wait_until(postgres.accepts, 20), log.read_text()
        yield child
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
            child.wait(10)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("postgres")


def ask(url: str, question: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(question).fetchone()[0]


def test_what_was_committed_survives_kill(cluster):
    """The supervised default keeps fsync, so that this holds for a power cut as well."""
    postgres = Postgres(cluster / "pg")
    with running(postgres) as child:
        assert ask(postgres.url(), "SHOW fsync") == "on"
        assert databases.ensure_database(postgres.url(), "kept")
        assert not databases.ensure_database(postgres.url(), "kept")
        with psycopg.connect(postgres.url("kept"), autocommit=True) as connection:
            connection.execute("CREATE TABLE note AS SELECT 'still here' AS text")
        everyone = [psutil.Process(child.pid), *psutil.Process(child.pid).children()]
        for process in everyone:
            process.kill()
        child.wait()
    assert (postgres.cluster / "postmaster.pid").exists()
    again = Postgres(cluster / "pg")
    with running(again):
        assert ask(again.url("kept"), "SELECT text FROM note") == "still here"


def test_process_number_that_is_another_program_by_now_is_forgotten(cluster):
    postgres = Postgres(cluster / "pg")
    postgres.prepare()
    stale = postgres.cluster / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{postgres.cluster}\n")
    with running(postgres):
        assert int(stale.read_text().splitlines()[0]) != os.getpid()


def test_server_that_outlived_its_supervisor_is_ended_first(cluster):
    first = Postgres(cluster / "pg")
    with running(first) as child, running(Postgres(cluster / "pg")):
        assert child.wait(5) == 0


def test_nobody_enters_without_the_password(cluster):
    postgres = Postgres(cluster / "pg")
    with running(postgres):
        wrong = postgres.url().replace(postgres.password(), "guess")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)
    assert stat.S_IMODE((cluster / "pg" / "password").stat().st_mode) == 0o600


def test_lost_password_is_said_and_costs_no_cluster(cluster):
    postgres = Postgres(cluster / "pg")
    postgres.prepare()
    kept = (cluster / "pg" / "password").rename(cluster / "kept")
    with pytest.raises(PostgresFailed, match="password is gone"):
        Postgres(cluster / "pg").prepare()
    kept.rename(cluster / "pg" / "password")
    assert (postgres.cluster / "PG_VERSION").exists()


def test_cluster_of_another_version_is_left_alone(tmp_path):
    postgres = Postgres(tmp_path / "pg")
    postgres.password()
    postgres.cluster.mkdir()
    (postgres.cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(PostgresFailed, match="made by PostgreSQL 9"):
        postgres.prepare()


def test_interrupted_creation_is_begun_anew(tmp_path):
    (tmp_path / "pg" / "data.new").mkdir(parents=True)
    (tmp_path / "pg" / "data.new" / "half").write_text("made")
    postgres = Postgres(tmp_path / "pg", is_durable=False)
    with running(postgres):
        assert ask(postgres.url(), "SELECT 1") == 1


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account of the machine may enter; those of pytest are closed."""
    folder = Path(tempfile.mkdtemp(prefix="imprimatur-open-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to leave root behind")
@pytest.mark.parametrize("way", ["_become", "_enter_namespace", "_become_capable"])
def test_each_way_down_from_root_runs_a_server(tmp_path, open_folder, monkeypatch, way):
    """Each must do alone what it is there for; a machine that forbids one of them skips it."""
    folder = open_folder if way == "_become" else tmp_path
    original = account._reaches
    monkeypatch.setattr(account, "_reaches", lambda step, *rest: step.func.__name__ == way and original(step, *rest))
    try:
        account.way_down(folder, binary("postgres"))
    except account.NoAccount:
        pytest.skip("not allowed on this machine")
    postgres = Postgres(folder / "pg", is_durable=False)
    with running(postgres) as child:
        assert ask(postgres.url(), "SELECT 1") == 1
        if way != "_enter_namespace":
            assert psutil.Process(child.pid).uids().effective != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to leave root behind")
def test_root_without_any_way_down_is_told_what_helps(tmp_path, monkeypatch):
    monkeypatch.setattr(account, "_reaches", lambda *_: False)
    with pytest.raises(account.NoAccount, match="ordinary user"):
        account.way_down(tmp_path, binary("postgres"))


def test_redis_answers_only_with_its_password_and_comes_back_empty(tmp_path):
    server = Redis(tmp_path / "redis")
    server.prepare()
    assert stat.S_IMODE(server.configuration.stat().st_mode) == 0o600
    for _ in range(2):
        child = start(server.command(), log=tmp_path / "redis.log", death_signal=signal.SIGKILL)
        assert wait_until(server.accepts, 10), (tmp_path / "redis.log").read_text()
        with redis.Redis.from_url(server.url()) as client:
            assert client.get("x") is None
            client.set("x", 1)
        assert not Redis(tmp_path, port=server.port, password="guess").accepts()
        child.kill()
        child.wait()
        assert not server.accepts()


def test_stamp_on_a_database_tells_whether_it_is_migrated(cluster):
    postgres = Postgres(cluster / "pg")
    with running(postgres):
        databases.ensure_database(postgres.url(), "stamped")
        url = postgres.url("stamped")
        assert databases.is_empty(url)
        assert not databases.is_migrated(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE django_migrations (app text, name text)")
            connection.execute("INSERT INTO django_migrations VALUES ('jobs', '0001')")
        databases.leave_stamp(url)
        assert databases.is_migrated(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DELETE FROM django_migrations")
        assert not databases.is_migrated(url)
