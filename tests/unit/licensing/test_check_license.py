"""The command as people run it: from a fresh clone, without any variable, with the exit code as its answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from licensing.management.commands import check_license

ROOT = Path(__file__).resolve().parents[3]
LLAMA = """
parents: [{{license: llama3.1, modality: text, relation: finetune}}]
proposed: {{license: llama3.1, name: {name}}}
"""


def run(*words: str, given: str | bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "manage.py", "check_license", *words],
        cwd=ROOT,
        input=given.encode() if isinstance(given, str) else given,
        env=environment,
        capture_output=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("given", "code", "verdict"),
    [
        ('{"parents": []}', 0, "allow"),
        ("parents: [{license: mit, relation: merge}]", 0, "conditions"),
        (LLAMA.format(name="acme/nimbus"), 1, "deny"),
        (LLAMA.format(name="acme/Llama-nimbus"), 3, "review"),
    ],
)
def test_the_exit_code_is_the_answer(given: str, code: int, verdict: str, tmp_path: Path) -> None:
    path = tmp_path / "case"
    path.write_text(given, encoding="utf-8")
    from_file, from_input = run(str(path)), run("-", given=given)
    assert (from_file.returncode, from_input.returncode) == (code, code)
    assert from_file.stdout == from_input.stdout and from_file.stderr == b""
    answer = json.loads(from_file.stdout)
    assert list(answer) == ["verdict", "obligations", "violations", "reasons"]
    assert answer["verdict"] == verdict
    assert all(set(duty) == {"id", "from", "satisfied"} for duty in answer["obligations"])
    assert all(set(violation) == {"id", "from", "message", "fix"} for violation in answer["violations"])


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (b'{"parents": [{"license": "mit", "licence": 3}]}', b"parents[0].licence"),
        (b'{"actor": {"mau_at": {"June": 3}}}', b"actor.mau_at.June"),
        (b"\xff", b"UTF-8"),
        (b'{"parents": [{"license": "\\ud800"}]}', b"parents[0].license"),
        (b"[" * 100_000, b"deep"),
    ],
)
def test_a_refusal_names_the_key_and_shows_no_trace(given: bytes, names: bytes) -> None:
    refused = run("-", given=given)
    assert refused.returncode == 2 and refused.stdout == b""
    assert names in refused.stderr and b"Traceback" not in refused.stderr


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    refused = run(str(tmp_path / "nothing"))
    assert refused.returncode == 2 and b"cannot be read" in refused.stderr


def test_an_odd_terminal_gets_escapes() -> None:
    given = LLAMA.format(name="acme/nimbus")
    answered = run("-", given=given, PYTHONIOENCODING="ascii")
    assert json.loads(answered.stdout) == json.loads(run("-", given=given).stdout)


def test_half_a_character_is_no_reason_to_fall() -> None:
    answered = run("-", given=b'{"parents": [{"license": "mit", "model": "\\ud800", "relation": "merge"}]}')
    assert answered.returncode == 0 and json.loads(answered.stdout)["obligations"]


def test_a_fault_of_ours_does_not_read_as_unlawful(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(case: object) -> None:
        raise ZeroDivisionError("by us")

    monkeypatch.setattr(check_license, "evaluate", fail)
    monkeypatch.setattr(check_license, "read_document", lambda raw: {})
    with pytest.raises(SystemExit) as ended:
        check_license.Command().run_from_argv(["manage.py", "check_license", str(ROOT / "pyproject.toml")])
    assert ended.value.code == 70 and "by a fault of this program" in capsys.readouterr().err
