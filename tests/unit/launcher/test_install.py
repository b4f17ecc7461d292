"""When requirements are installed again."""

import subprocess
import sys
from pathlib import Path

from config.launcher import install


def environment(folder: Path) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    return folder


def test_installed_once_until_the_file_changes(tmp_path: Path, monkeypatch, capsys):
    venv, wanted = environment(tmp_path / "venv"), tmp_path / "requirements.txt"
    wanted.write_text("nothing==1\n")
    ran = []

    def run(command, **_):
        ran.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(install.subprocess, "run", run)
    arguments = ["--venv", str(venv), str(wanted)]
    assert install.main(arguments) == 0
    assert install.main(arguments) == 0
    installs = [command for command in ran if "install" in command]
    assert len(installs) == 1
    assert installs[0][-2:] == ["-r", str(wanted)]
    wanted.write_text("nothing==2\n")
    assert install.main(arguments) == 0
    assert len([command for command in ran if "install" in command]) == 2
    assert "Installing requirements.txt" in capsys.readouterr().out


def test_failed_install_is_tried_again(tmp_path: Path, monkeypatch, capsys):
    venv, wanted = environment(tmp_path / "venv"), tmp_path / "requirements.txt"
    wanted.write_text("nothing==1\n")

    def run(command, **_):
        return subprocess.CompletedProcess(command, 1 if "install" in command else 0)

    monkeypatch.setattr(install.subprocess, "run", run)
    assert install.main(["--venv", str(venv), str(wanted)]) == 1
    assert not install.is_installed(wanted, venv)
    assert "could not install" in capsys.readouterr().out


def test_environment_whose_python_is_gone_does_not_work(tmp_path: Path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(tmp_path / "nowhere")
    assert not install.works(tmp_path / "bin" / "python")


def test_installer_needs_only_the_standard_library():
    """It runs before anything is installed, by its path, so it must not import our packages either."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", install.__file__, "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
