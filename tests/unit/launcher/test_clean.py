"""What `make clean` removes, and what it never touches."""

from pathlib import Path

import pytest

from config.launcher.clean import main
from config.launcher.lock import Lock


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for path in (
        "var/postgres/data/base",
        "var/log/web.log",
        "var/run/lock",
        "app/__pycache__/x.pyc",
        ".venv/__pycache__/x",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    return tmp_path


def test_keeps_data_and_environment(checkout, capsys):
    assert main([], checkout) == 0
    assert (checkout / "var/postgres/data/base").exists()
    assert (checkout / ".venv/__pycache__").exists()
    assert not (checkout / "var/log").exists()
    assert not (checkout / "app/__pycache__").exists()
    assert "DATA=1" in capsys.readouterr().out


def test_removes_data_only_when_told(checkout, capsys):
    assert main(["--data"], checkout) == 0
    assert not (checkout / "var").exists()


def test_refuses_while_an_instance_runs(checkout, capsys):
    lock = Lock(checkout / "var/run/lock")
    assert lock.take()
    assert main(["--data"], checkout) == 1
    lock.release()
    assert (checkout / "var/postgres/data/base").exists()
    assert "Nothing was removed" in capsys.readouterr().out


def test_follows_no_link(checkout, tmp_path_factory, capsys):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "kept").write_text("")
    (checkout / "var" / "static").symlink_to(elsewhere)
    assert main([], checkout) == 0
    assert (elsewhere / "kept").exists()
