"""`python -m weights`: exit status, table, JSON and progress."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from weights import CHECKS, Finding, Report, Severity, __main__
from weights.__main__ import ProgressBar, main, progress_line, size, table


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_healthy_folder_exits_zero(release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(release), "--json", str(tmp_path / "report.json")]) == 0
    assert "verdict   PASS" in capsys.readouterr().out
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
    assert report["findings"][0]["check"] in CHECKS


def test_warnings_exit_zero(release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (release / "x.py").write_text("print(1)\n")
    assert main([str(release)]) == 0
    out = capsys.readouterr().out
    assert "verdict   WARN" in out
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
    monkeypatch.setattr(__main__.time, "monotonic", lambda: now[0])
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
    [(5, 10, 1.0, " 50% 5 B of 10 B, 5 B/s, 1 s left"), (0, 0, 0.0, "100% 0 B of 0 B, 0 B/s, …")],
)
def test_progress_line(done: int, total: int, seconds: float, shown: str) -> None:
    line = progress_line("model\x1b.safetensors", done, total, seconds)
    assert shown in line
    assert "\x1b" not in line
    assert len(line) <= 100


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2e6, "2.0 MB"), (3e9, "3.0 GB"), (4e12, "4.0 TB")],
)
def test_size(count: float, shown: str) -> None:
    assert size(count) == shown


def test_table_is_bounded() -> None:
    findings = [Finding("X-Y", Severity.NOTE, "", str(number), tensor="t") for number in range(203)]
    text = table(Report("sha256:0", [], findings, 0, 0, 0.0))
    assert "… and 3 more" in text
    assert "(whole checkpoint): t" in text


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
    assert "verdict   \x1b[33mWARN\x1b[0m" in out
    assert "\x1b[33mwarn \x1b[0m  CC-CODE" in out


def test_no_colors_for_who_asks_for_none(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "verdict   PASS" in printed_on_a_terminal(release, monkeypatch)


def test_no_colors_for_what_is_no_terminal(
    release: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert main([str(release)]) == 0
    assert "\x1b" not in capsys.readouterr().out
