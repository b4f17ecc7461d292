"""`python -m weights`: exit status, table, JSON and progress."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import validate

from weights import CHECKS, Finding, Report, Severity, __main__, terminal
from weights.__main__ import main
from weights.reference import report_schema
from weights.terminal import ProgressBar, columns, duration, progress_line, size, table


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_healthy_folder_exits_zero(release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(release), "--json", str(tmp_path / "report.json")]) == 0
    assert "verdict  PASS" in capsys.readouterr().out
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["verdict"] == "pass"
    assert report["findings"] == []
    assert report["manifest_digest"].startswith("sha256:")
    assert {"files", "tensors", "parameters", "bytes", "seconds"} <= report.keys()


def test_blocked_folder_exits_one(release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (release / "model-00002-of-00002.safetensors").unlink()
    assert main([str(release), "--json", "-"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["verdict"] == "block"
    assert {"check", "severity", "path", "message"} <= report["findings"][0].keys()
    check = CHECKS[report["findings"][0]["check"]]
    assert report["findings"][0]["meaning"] == check.meaning
    assert report["findings"][0]["fix"] == check.fix
    validate(report, report_schema())


def test_warnings_exit_zero(release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (release / "x.py").write_text("print(1)\n")
    assert main([str(release)]) == 0
    out = capsys.readouterr().out
    assert "verdict  WARN" in out
    assert "CC-CODE" in out


def test_unreadable_folder_exits_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "Could not read" in capsys.readouterr().err


def test_terminal_gets_progress(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert main([str(release), "--threads", "0"]) == 0
    assert "% " in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert main([str(tmp_path / "nowhere")]) == 2
    assert main([str(release), "--quiet"]) == 0


def test_progress_bar_is_drawn_ten_times_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    now = [100.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    bar = ProgressBar(stream)
    for _ in range(5):
        bar("a", 1, 10, 0)
        now[0] += 0.0625
    assert stream.getvalue().count("\r") == 3
    bar._lock.acquire()
    now[0] += 1
    bar("a", 2, 10, 0)
    assert stream.getvalue().count("\r") == 3


@pytest.mark.parametrize(
    ("done", "total", "seconds", "shown"),
    [
        (5, 10, 1.0, " 50% 5 B of 10 B, 5 B/s, 1 s left"),
        (5, 10, 0.5, " 50% 5 B of 10 B, 10 B/s, …"),
        (0, 0, 0.0, "100% 0 B of 0 B, 0 B/s, …"),
        (10**9, 9 * 10**11, 10.0, "0% 1.0 GB of 900.0 GB, 100.0 MB/s, 2 h 29 min left"),
    ],
)
@pytest.mark.parametrize("width", [40, 80, 120])
def test_progress_line_stays_on_one_line(done: int, total: int, seconds: float, shown: str, width: int) -> None:
    line = progress_line("model\x1b.safetensors" * 9, done, total, seconds, width)
    assert "\x1b" not in line
    assert len(line) < width
    assert width < 80 or shown in line


@pytest.mark.parametrize(
    ("seconds", "shown"), [(3.4, "3 s"), (59.6, "1 min 00 s"), (3599, "59 min 59 s"), (7500, "2 h 05 min")]
)
def test_duration(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2e6, "2.0 MB"), (3e9, "3.0 GB"), (4e12, "4.0 TB")],
)
def test_size(count: float, shown: str) -> None:
    assert size(count) == shown


def test_table_is_bounded() -> None:
    findings = [Finding(f"X-{number // 50}", Severity.NOTE, "", str(number), tensor="t") for number in range(203)]
    text = table(Report("sha256:0", [], findings, 0, 0, 0.0))
    assert "the checkpoint as a whole, tensor t: 50" in text
    assert text.count("… and 40 more like it") == 4
    assert "Shown are 43 of 203 findings" in text
    many = [Finding(f"X-{number}", Severity.BLOCK, "", "") for number in range(300)]
    assert "Shown are 200 of 300 findings" in table(Report("sha256:0", [], many, 0, 0, 0.0))


@pytest.mark.parametrize("width", [80, 120])
def test_table_says_where_what_it_means_and_what_to_do(width: int) -> None:
    check = CHECKS["SE-TOKEN"]
    found = check.at("a/notes.md", "A token.", offset=7, evidence="hf_abcde… (37 characters)")
    text = table(
        Report("sha256:" + "0" * 64, [], [found, check.at("b", "At byte 9.", offset=9)], 1, 1, 0.0), width=width
    )
    assert max(map(len, text.splitlines())) <= width
    flat = " ".join(text.split())
    assert "verdict BLOCK: must not be released as it is findings 2 blocking digest" in flat
    assert (
        f"block SE-TOKEN {check.title} - a/notes.md, byte 7: A token. Found: hf_abcde… (37 characters) - b: At" in flat
    )
    assert f"Means: {check.meaning} To do: {check.fix}" in flat


def test_width_is_that_of_the_terminal_within_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    assert columns(Terminal()) == 120
    monkeypatch.setenv("COLUMNS", "7")
    assert columns(io.StringIO()) == 40


def test_what_would_fail_in_the_end_fails_at_once(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(__main__, "inspect_folder", pytest.fail)
    assert main([str(release / "config.json")]) == 2
    assert "is a file; name the folder" in capsys.readouterr().err
    assert main([str(release), "--json", str(tmp_path / "nowhere" / "report.json")]) == 2
    assert "cannot be written: its folder is not there" in capsys.readouterr().err


def test_stopping_by_hand_leaves_no_traceback(
    release: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(__main__, "inspect_folder", stopped)
    assert main([str(release)]) == 130
    assert "Stopped" in capsys.readouterr().err


def test_module_runs_where_letters_are_few_and_nobody_listens(release: Path) -> None:
    (release / "évil.py").write_text("print(1)\n")
    command = [sys.executable, "-m", "weights", str(release), "--json", "-"]
    plain = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, env=plain)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [f["path"] for f in json.loads(done.stdout)["findings"]] == ["évil.py"]
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as deaf:
        unheard = subprocess.run(command[:-2], stdout=deaf, stderr=subprocess.PIPE, check=False, timeout=60)
    assert (unheard.returncode, unheard.stderr) == (0, b"")


@pytest.mark.parametrize("closed", [(1,), (1, 2), (0, 1, 2)])
def test_closed_streams_change_nothing(closed: tuple[int, ...], release: Path, tmp_path: Path) -> None:
    written = tmp_path / "report.json"
    shell = f"""exec "$0" -m weights "$1" --json "$2" {" ".join(f"{number}>&-" for number in closed)}"""
    command = ["/bin/sh", "-c", shell, sys.executable, str(release), str(written)]
    assert subprocess.run(command, check=False, timeout=60).returncode == 0
    assert json.loads(written.read_text())["verdict"] == "pass"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
@pytest.mark.parametrize(("more", "status"), [([], 0), (["--json", "-"], 2)])
def test_a_full_disk_takes_no_table_and_no_report(more: list[str], status: int, release: Path) -> None:
    command = [sys.executable, "-m", "weights", str(release), *more]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == status and "Traceback" not in done.stderr


def test_an_error_of_the_command_is_never_a_verdict(
    release: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(__main__, "inspect_folder", lambda *_, **__: 1 / 0)
    monkeypatch.setattr(sys, "argv", ["weights", str(release)])
    assert __main__.guarded() == 2
    assert "says nothing about the checkpoint" in capsys.readouterr().err


def test_module_runs(release: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "weights", str(release)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "PASS" in done.stdout


def printed_on_a_terminal(release: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main([str(release)]) == 0
    return terminal.getvalue()


def test_a_terminal_gets_colors(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    (release / "x.py").write_text("print(1)\n")
    out = printed_on_a_terminal(release, monkeypatch)
    assert "verdict  \x1b[33mWARN\x1b[0m" in out
    assert "\x1b[33mwarn\x1b[0m   CC-CODE" in out


def test_no_colors_for_who_asks_for_none(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "verdict  PASS" in printed_on_a_terminal(release, monkeypatch)


def test_no_colors_for_what_is_no_terminal(
    release: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert main([str(release)]) == 0
    assert "\x1b" not in capsys.readouterr().out
