"""The command line: exit statuses, the JSON, what people see, and being told to stop."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
import torch
from safetensors.torch import load_file, save_file

from smoke.__main__ import main
from smoke.by_token import CODE, by_token
from smoke.probes import Probe
from smoke.reference import report_schema
from smoke.report import Outcome, SmokeReport
from smoke.terminal import Teller, printable, table
from tests.integration.smoke.confining import ROOT

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def told(tiny, tmp_path_factory):
    """One whole run of the healthy model with two starts: its report's file, exit status, and what was printed."""
    folder = tmp_path_factory.mktemp("told")
    (folder / "probe.json").write_text(json.dumps(tiny[1].to_json()))
    command = [sys.executable, "-m", "smoke", "run", str(tiny[0]), "--device", "cpu", "--threads", "1",
               "--probe", str(folder / "probe.json"), "--json", str(folder / "good.json"),
               "--declare", str(folder / "declared.json")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=ROOT)
    return folder, done


def test_a_healthy_model_passes(told):
    folder, done = told
    report = json.loads((folder / "good.json").read_text())
    assert (done.returncode, report["outcome"]) == (0, "pass"), done.stdout + done.stderr
    jsonschema.validate(report, report_schema())
    assert {"outcome", "device", "quantization", "metrics", "samples", "seconds", "versions"} <= set(report)
    assert report["basis"] == "declared_loss"
    assert report["manifest_digest"].startswith("sha256:")
    assert {sample["mode"] for sample in report["samples"]} == {"greedy", "sampled"}


def test_what_was_measured_can_be_declared(told):
    report = json.loads((told[0] / "good.json").read_text())
    declared = Probe.read(told[0] / "declared.json")
    assert declared.token_losses is not None
    assert (declared.token_losses.measured_in, declared.token_losses.mantissa_bits) == ("float32", 7)
    assert len(declared.token_losses.nats) == report["measurements"]["probe"]["tokens"]
    mean = sum(declared.token_losses.nats) / len(declared.token_losses.nats)
    assert mean == pytest.approx(report["measurements"]["full"]["float32_nats_per_token"], abs=1e-4)
    assert 0.0005 < (declared.token_losses.cast_nats or 0) < 0.02
    found = {**report["measurements"], "probe": {"declared_token_losses": declared.token_losses.to_json()}}
    (metric,) = by_token(found, "int8", None)
    assert (metric.ok, metric.value) == (True, 0.0)


def test_two_starts_gave_the_same_bits(told):
    report = json.loads((told[0] / "good.json").read_text())
    first, second = report["starts"]
    assert first["digest"] == second["digest"]
    assert first["greedy"] == second["greedy"]
    assert first["sampled"] == second["sampled"] != first["greedy"]
    (metric,) = [m for m in report["metrics"] if m["code"] == "starts"]
    assert metric["ok"]


def test_it_says_what_the_time_is_made_of(told):
    folder, done = told
    report = json.loads((folder / "good.json").read_text())
    parts = report["breakdown"]
    assert {"plan", "digest", "process", "start", "load", "generate", "end"} <= {part["stage"] for part in parts}
    assert {part["start"] for part in parts} == {0, 1, 2}
    assert sum(part["seconds"] for part in parts) == pytest.approx(report["seconds"], rel=0.05)
    assert "importing torch and transformers, start 2" in done.stdout


def test_progress_is_told_in_lines_where_there_is_no_terminal(told):
    err = told[1].stderr
    assert "shard 1 of 1" in err
    assert "prompt 7 of 7" in err
    assert "\x1b" not in err + told[1].stdout


def test_a_damaged_model_fails_against_the_report_of_the_healthy_one(told, copy, tmp_path):
    tensors = load_file(copy / "model.safetensors")
    for name in [n for n in tensors if "_proj" in n]:  # the lowest bit of the exponent of one weight in a hundred
        bits = tensors[name].view(torch.int16).flatten()
        bits[::100] ^= 1 << 7
        tensors[name] = bits.view(torch.bfloat16).reshape(tensors[name].shape)
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    probe = json.loads((told[0] / "probe.json").read_text())
    (tmp_path / "probe.txt").write_text(probe["text"])
    arguments = ["--device", "cpu", "--threads", "1", "--starts", "1", "--quiet", "--blocks-seconds", "0"]
    arguments += ["--probe", str(tmp_path / "probe.txt"), "--reference", str(told[0] / "good.json")]
    assert main(["run", str(copy), *arguments, "--json", str(tmp_path / "bad.json")]) == 1
    report = json.loads((tmp_path / "bad.json").read_text())
    whose = next(m for m in report["metrics"] if m["code"] == "reference_digest")
    assert (report["outcome"], "of another checkpoint" in whose["reason"]) == ("fail", True)
    (tokens,) = [m for m in report["metrics"] if m["code"] == CODE]
    assert (tokens["ok"], tokens["severity"]) == (False, "fail")


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


BAD_FOLDERS = {
    "nothing": ({}, "config.json"),
    "config that is no JSON": ({"config.json": b"{"}, "config.json"),
    "config that is no object": ({"config.json": b"[1]"}, "config.json"),
    "nested too deep": ({"config.json": b"[" * 10**5}, "config.json"),
    "no weights": ({"config.json": b"{}"}, "weights"),
    "pickled weights": ({"config.json": b"{}", "pytorch_model.bin": b"\x80"}, "pytorch_model.bin"),
    "weights cut short": ({"config.json": b"{}", "model.safetensors": b"\xff" * 7}, "model.safetensors"),
    "header beyond the file": ({"config.json": b"{}", "model.safetensors": b"\xff" * 64}, "model.safetensors"),
    "a shard absent": (
        {"config.json": b"{}", "model.safetensors.index.json": b'{"weight_map": {"a": "x.safetensors"}}'},
        "x.safetensors",
    ),
}


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("name", BAD_FOLDERS)
def test_files_that_cannot_be_used_are_named(name, command, tmp_path, capsys):
    files, named = BAD_FOLDERS[name]
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    for file, content in files.items():
        write(folder / file, content)
    assert main([command, str(folder), "--json", str(tmp_path / "out.json")]) == 2
    out = capsys.readouterr()
    assert named in out.out
    assert "Traceback" not in out.out + out.err
    written = json.loads((tmp_path / "out.json").read_text())
    assert written.get("outcome", "not_run") == "not_run"


CHANGED = "model.layers.0.self_attn.q_proj"
ADAPTERS = {
    "no base": ([], {"A": (2, 8), "B": (8, 2)}, 3, "missing_base"),
    "a half": (["--base", "base"], {"A": (2, 8)}, 2, "incomplete_adapter"),
    "another base": (["--base", "base"], {"A": (2, 9), "B": (9, 2)}, 2, "wrong_base"),
    "a base that is none": (["--base", "adapter"], {"A": (2, 8), "B": (8, 2)}, 2, "base_is_an_adapter"),
}


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_that_cannot_be_put_on_is_told_from_one_that_lacks_its_base(name, command, tmp_path, monkeypatch):
    arguments, halves, status, code = ADAPTERS[name]
    monkeypatch.chdir(tmp_path)
    for folder in ("base", "adapter"):
        (tmp_path / folder).mkdir()
    write(Path("base/config.json"), '{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}')
    write(Path("adapter/adapter_config.json"), '{"peft_type": "LORA", "base_model_name_or_path": "acme/base"}')
    save_file({f"{CHANGED}.weight": torch.zeros(8, 8)}, "base/model.safetensors")
    own = {f"base_model.model.{CHANGED}.lora_{half}.weight": torch.zeros(shape) for half, shape in halves.items()}
    save_file(own, "adapter/adapter_model.safetensors")
    assert main([command, "adapter", *arguments, "--json", "out.json"]) == status
    assert json.loads(Path("out.json").read_text())["code"] == code


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--device", "banana"], "banana"),
        (["--device", "cuda:x"], "cuda:x"),
        (["--quantization", "int3"], "int3"),
        (["--probe", "absent.txt"], "absent.txt"),
        (["--probe", "empty.txt"], "empty.txt"),
        (["--probe", "binary.txt"], "binary.txt"),
        (["--probe", "deep.json"], "deep.json"),
        (["--probe", "list.json"], "list.json"),
        (["--reference", "absent.json"], "absent.json"),
        (["--reference", "list.json"], "list.json"),
        (["--reference", "deep.json"], "deep.json"),
        (["--reference", "binary.txt"], "binary.txt"),
        (["--reference", "partial.json"], "code"),
        (["--json", "absent/out.json"], "absent/out.json"),
        (["--starts", "0"], "--starts"),
        (["--seconds", "nan"], "--seconds"),
        (["--digest", "sha256:12"], "--digest"),
        (["--parent"], "--parent"),
        (["--base", "absent"], "absent"),
    ],
    ids=" ".join,
)
def test_arguments_that_cannot_be_used_are_named(arguments, named, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "checkpoint").mkdir()
    for name, content in (("empty.txt", b" "), ("binary.txt", b"\xff\xfe\0"), ("deep.json", b"[" * 10**5),
                          ("list.json", b"[1]"), ("partial.json", b'{"outcome": "pass"}')):  # fmt: skip
        write(tmp_path / name, content)
    try:
        status = main(["run", "checkpoint", "--json", "out.json", *arguments])
    except SystemExit as leaving:
        status = int(leaving.code or 0)
    else:
        if "--json" not in arguments:
            report = SmokeReport.from_json(json.loads(Path("out.json").read_text()))
            assert (report.outcome, report.code, named in report.reason) == (Outcome.NOT_RUN, "unusable", True)
    assert status == 2
    assert named in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "plan"])
def test_no_folder_is_said(command, tmp_path, capsys):
    write(tmp_path / "file", "x")
    for name in ("nothing", "file"):
        assert main([command, str(tmp_path / name), "--json", str(tmp_path / "out.json")]) == 2
        assert "not a folder" in capsys.readouterr().err
        assert json.loads((tmp_path / "out.json").read_text())["code"] == "unusable"


def test_plan_says_where_it_runs(tiny, capsys, tmp_path):
    assert main(["plan", str(tiny[0]), "--device", "cpu", "--json", str(tmp_path / "plan.json")]) == 0
    assert "int8 on cpu" in capsys.readouterr().out
    assert json.loads((tmp_path / "plan.json").read_text())["runnable"] is True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_cancels_and_leaves_nothing_behind(number, tiny, tmp_path):
    stage = {signal.SIGTERM: "Importing", signal.SIGINT: "Planning"}[number]
    command = [sys.executable, "-u", "-m", "smoke", "run", str(tiny[0]), "--device", "cpu", "--threads", "1",
               "--json", str(tmp_path / "out.json")]  # fmt: skip
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
                               env=environment)  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(stage):
            break
    time.sleep(0.2)
    began = time.monotonic()
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert time.monotonic() - began < 2
    assert process.returncode == 3
    report = json.loads((tmp_path / "out.json").read_text())
    assert (report["outcome"], report["code"]) == ("not_run", "canceled")
    assert "Canceled" in out
    assert not list(tmp_path.glob("smoke-*"))
    mine = f"TMPDIR={tmp_path}".encode()
    assert not [p for p in Path("/proc").glob("[0-9]*") if mine in _environment(p)]


def _environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_and_colors(monkeypatch):
    from smoke.hearing import Progress

    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    teller = Teller(stream)
    teller(Progress("load", 1, 4, "shard 1 of 2, 1 MiB of 4 MiB"))
    teller.clear()
    assert "[######" in stream.getvalue()
    assert "shard 1 of 2, 1 MiB of 4 MiB" in stream.getvalue()
    report = SmokeReport(Outcome.FAIL, "c", "Bad \x1b[2J name")
    assert table(report, in_color=True).startswith("\x1b[1;31mFAIL\x1b[0m  Bad \\x1b[2J name")
    assert "\x1b" not in table(report)


def test_nothing_from_a_checkpoint_commands_the_terminal():
    assert printable("a\x1b]0;x\x07\nb‮c") == "a\\x1b]0;x\\x07 b\\u202ec"
    assert len(printable("x" * 1000, 50)) == 50
