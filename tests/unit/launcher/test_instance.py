"""Which settings each of the two instances is given."""

import stat
from pathlib import Path

from config.launcher.instance import (
    Addresses,
    Folders,
    governing_settings,
    hub_settings,
    next_redis_database,
    without_settings,
    write_private,
)

ADDRESSES = Addresses("postgresql://a/one", "redis://r/0", "http://127.0.0.1:8000")


def test_governing_keeps_what_the_caller_gives(tmp_path: Path):
    given = {"STORAGE_ROOT": "/mnt/blobs", "SECRET_KEY": "given", "LOG_LEVEL": "DEBUG", "HOME": "/home/me"}
    chosen = governing_settings(given, ADDRESSES, Folders(tmp_path))
    assert chosen["STORAGE_ROOT"] == "/mnt/blobs"
    assert chosen["SECRET_KEY"] == "given"
    assert "SECRET_KEY_FILE" not in chosen
    assert "HOME" not in chosen
    assert chosen["DATABASE_URL"] == "postgresql://a/one"


def test_governing_takes_a_given_target_token_before_its_own(tmp_path: Path):
    chosen = governing_settings({"TARGET_TOKEN_PUBLIC_HUB": "mine"}, ADDRESSES, Folders(tmp_path))
    assert chosen["TARGET_TOKEN_PUBLIC_HUB"] == "mine"
    assert "TARGET_TOKEN_PUBLIC_HUB_FILE" not in chosen


def test_hub_takes_over_nothing_that_would_make_it_the_first(tmp_path: Path):
    given = {
        "STORAGE_ROOT": "/mnt/blobs",
        "SECRET_KEY": "given",
        "DATABASE_URL": "postgresql://a/one",
        "TARGET_TOKEN_X": "t",
        "SESSION_COOKIE_NAME": "same",
        "LOG_LEVEL": "DEBUG",
    }
    folders = Folders(tmp_path)
    first, second = governing_settings(given, ADDRESSES, folders), hub_settings(given, ADDRESSES, folders)
    assert second["LOG_LEVEL"] == "DEBUG"
    assert second["WORKER_REQUIRED"] == "0"
    assert not any(name.startswith("TARGET_TOKEN_") for name in second)
    for name in ("STORAGE_ROOT", "SESSION_COOKIE_NAME", "SECRET_KEY"):
        assert second.get(name) != first[name]


def test_secrets_are_made_once_and_private(tmp_path: Path):
    folders = Folders(tmp_path)
    first = governing_settings({}, ADDRESSES, folders)
    path = Path(first["SECRET_KEY_FILE"])
    content = path.read_text()
    assert len(content) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert governing_settings({}, ADDRESSES, folders) == first
    assert path.read_text() == content
    assert Path(hub_settings({}, ADDRESSES, folders)["SECRET_KEY_FILE"]).read_text() != content


def test_write_private_narrows_a_file_that_was_open(tmp_path: Path):
    path = tmp_path / "token"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)


def test_without_settings_leaves_the_machine_its_own():
    environment = {"PATH": "/bin", "DATABASE_URL": "x", "REDIS_URL_FILE": "x", "TARGET_TOKEN_HF": "x", "HOME": "/h"}
    assert without_settings(environment) == {"PATH": "/bin", "HOME": "/h"}


def test_next_redis_database_keeps_server_and_password():
    assert next_redis_database("redis://:pw@h:6379/3") == "redis://:pw@h:6379/4"
    assert next_redis_database("redis://h") == "redis://h/1"
