"""Where `manage.py` takes its settings from."""

import json
from pathlib import Path

import pytest

from config.launcher.attach import NOWHERE, attach_to_running_instance
from config.launcher.instance import Folders, write_private
from config.launcher.lock import Lock


@pytest.fixture
def bare(monkeypatch):
    for name in NOWHERE:
        monkeypatch.setenv(name, "")  # so that what attaching sets is undone after the test
        monkeypatch.delenv(name)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    monkeypatch.delenv("IMPRIMATUR_INSTANCE", raising=False)
    return monkeypatch


@pytest.fixture
def running(tmp_path: Path):
    folders = Folders(tmp_path)
    write_private(
        folders.run / "environment.json",
        json.dumps({"governing": {"DATABASE_URL": "postgresql://one"}, "hub": {"DATABASE_URL": "postgresql://two"}}),
    )
    lock = Lock(folders.run / "lock")
    assert lock.take()
    yield folders
    lock.release()


def environ(name: str) -> str | None:
    import os

    return os.environ.get(name)


def test_given_settings_are_left_alone(bare, running):
    for name in NOWHERE:
        bare.setenv(name, "given")
    attach_to_running_instance(["migrate"], running)
    assert environ("DATABASE_URL") == "given"


@pytest.mark.parametrize(("which", "expected"), [(None, "postgresql://one"), ("hub", "postgresql://two")])
def test_attaches_to_the_instance_that_runs(bare, running, which, expected):
    if which:
        bare.setenv("IMPRIMATUR_INSTANCE", which)
    attach_to_running_instance(["migrate"], running)
    assert environ("DATABASE_URL") == expected


def test_unknown_instance_is_refused(bare, running, capsys):
    bare.setenv("IMPRIMATUR_INSTANCE", "third")
    with pytest.raises(SystemExit) as end:
        attach_to_running_instance(["migrate"], running)
    assert end.value.code == 2
    assert "'third' is neither" in capsys.readouterr().err


def test_without_an_instance_a_command_that_needs_one_is_refused_in_one_sentence(bare, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        attach_to_running_instance(["migrate"], Folders(tmp_path))
    assert end.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_file_of_an_instance_that_was_killed_is_not_believed(bare, running, capsys):
    Lock(running.run / "lock")
    gone = Folders(running.var.parent / "gone")
    write_private(gone.run / "environment.json", json.dumps({"governing": {"DATABASE_URL": "postgresql://old"}}))
    (gone.run / "lock").write_text("1")
    with pytest.raises(SystemExit):
        attach_to_running_instance(["migrate"], gone)
    capsys.readouterr()


@pytest.mark.parametrize("words", [["makemigrations", "--check"], ["check"], ["migrate", "--help"], []])
def test_commands_without_a_database_run_without_an_instance(bare, tmp_path, words):
    attach_to_running_instance(words, Folders(tmp_path))
    assert environ("DATABASE_URL") == NOWHERE["DATABASE_URL"]
