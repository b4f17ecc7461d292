"""The command where its streams or its arguments are broken: the exit status is the verdict's alone."""

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from smoke import __main__ as command
from smoke.report import Metric, Outcome, SmokeReport
from smoke.terminal import Teller, say

ROOT = Path(__file__).resolve().parents[3]
HEALTHY = SmokeReport(Outcome.PASS, "healthy", "All 1 checks passed.",
                      metrics=(Metric("m", "M", 1.0, "none", True, "Noted …"),))  # fmt: skip
KEYS = {"outcome", "device", "quantization", "metrics", "samples", "seconds", "versions"}


class Broken(io.StringIO):
    """A stream that nobody reads any more."""

    def write(self, _: str) -> int:
        raise OSError(errno.EPIPE, "Broken pipe")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "_report", lambda *_: HEALTHY)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "checkpoint").mkdir()
    return tmp_path


def test_a_stream_that_nobody_reads_changes_no_status(folder, monkeypatch):
    monkeypatch.setattr(sys, "stdout", Broken())
    monkeypatch.setattr(sys, "stderr", Broken())
    assert command.main(["run", "checkpoint", "--json", "out.json"]) == 0
    assert json.loads((folder / "out.json").read_text())["outcome"] == "pass"
    assert say("lost") is False
    Teller(sys.stderr).clear()


def test_a_result_that_was_asked_for_on_a_broken_stream_is_no_result(folder, monkeypatch):
    monkeypatch.setattr(sys, "stdout", Broken())
    assert command.main(["run", "checkpoint", "--json"]) == 2


def test_json_without_a_place_goes_to_standard_output(folder, capsys):
    assert command.main(["run", "checkpoint", "--quiet", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) >= KEYS


@pytest.mark.parametrize(
    "arguments",
    [["run", "--json", "out.json"], ["run", "checkpoint", "--starts", "two", "--json=out.json"],
     ["run", "checkpoint", "--json", "out.json", "--bogus"], ["fly", "checkpoint", "--json", "out.json"]],
)  # fmt: skip
def test_arguments_that_cannot_be_read_have_a_result_too(arguments, folder, capsys):
    assert command.main(arguments) == 2
    found = json.loads((folder / "out.json").read_text())
    assert (found["outcome"], found["code"]) == ("not_run", "unusable")
    assert set(found) >= KEYS
    assert "usage: " in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--json", "--declare"])
def test_what_could_not_be_written_is_refused_before_the_run(option, folder, monkeypatch, capsys):
    def never(*_):
        raise AssertionError("it was run")

    monkeypatch.setattr(command, "_report", never)
    (folder / "probe.txt").write_text("text")
    assert command.main(["run", "checkpoint", "--probe", "probe.txt", option, "checkpoint"]) == 2
    assert f"{option}: " in (told := capsys.readouterr().err)
    assert "is a folder" in told


def test_an_error_of_our_own_does_not_say_that_the_checkpoint_failed(folder, monkeypatch, capsys):
    def broken(*_):
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(command, "_report", broken)
    assert command.main(["run", "checkpoint", "--json", "out.json"]) == 2
    found = json.loads((folder / "out.json").read_text())
    assert (found["outcome"], found["code"]) == ("not_run", "internal")
    assert "ZeroDivisionError: ours" in found["reason"]
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("closed", [(1,), (1, 2), (0, 1, 2)])
def test_closed_streams_change_nothing(closed, tmp_path):
    program = (
        "import sys\n"
        "from smoke import __main__ as m\n"
        f"sys.argv = ['smoke', 'plan', {str(tmp_path)!r}, '--json', {str(tmp_path / 'out.json')!r}]\n"
        "m.settle()\n"
        "sys.exit(m.main())\n"
    )
    shell = f"""exec "$0" -c "$1" {" ".join(f"{number}>&-" for number in closed)}"""
    done = subprocess.run(["/bin/sh", "-c", shell, sys.executable, program], cwd=ROOT, timeout=60)
    assert done.returncode == 2
    assert json.loads((tmp_path / "out.json").read_text())["code"] == "no_config"


def test_what_an_encoding_lacks_is_escaped(tmp_path):
    program = "from smoke.terminal import say, settle\nsettle()\nsay('caf\\u00e9 \\u2026')\n"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, b"caf\\xe9 \\u2026\n")
