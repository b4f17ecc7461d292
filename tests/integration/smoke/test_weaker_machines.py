"""Machines that lack a layer of the sandbox: refused, or run visibly weaker where an operator allows it by name.

The layer is really taken away, by a filter of the kernel's that makes its system call fail as it would fail there.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from smoke.sandbox import REQUIRED
from tests.integration.smoke.confining import ROOT

pytestmark = pytest.mark.usefixtures("layers")

DENIALS = {
    "namespaces": "unshare=1",  # a container that forbids user namespaces
    "landlock": "landlock_create_ruleset=38",  # a kernel without Landlock
    "seccomp": "prctl:22=22",  # a kernel without filters of system calls
}
DENYING = str(Path(__file__).with_name("denying.py"))

DRIVER = """
import json, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from smoke.devices import Device, Inventory
from smoke.plan import make_plan
from smoke.run import run
inventory = Inventory((Device("cpu", 0, "", 64 << 30, 32 << 30, ("bfloat16",)),), "here")
plan = make_plan(Path({folder!r}), inventory=inventory)
report = run(Path({folder!r}), plan=plan, starts=1)
print(json.dumps(report.to_json()))
"""


def poorer(layer: str, *command: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, DENYING, DENIALS[layer], "--", *command],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=ROOT,
    )


@pytest.fixture
def nothing_to_load(tmp_path):
    """A checkpoint that can be planned for: a refused run never looks any further."""
    header = b'{"a.weight": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}'
    (tmp_path / "config.json").write_text('{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}')
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    return tmp_path


@pytest.mark.parametrize("layer", DENIALS)
def test_without_a_layer_the_run_is_refused_and_says_which(layer, nothing_to_load):
    done = poorer(layer, sys.executable, "-c", DRIVER.format(root=str(ROOT), folder=str(nothing_to_load)))
    report = json.loads(done.stdout)
    assert (report["outcome"], report["code"]) == ("not_run", "sandbox"), done.stderr
    assert layer in report["reason"]
    assert layer in report["sandbox"]["missing"]


@pytest.mark.parametrize("layer", DENIALS)
def test_the_layers_that_remain_still_hold(layer, confined):
    confined.prefix = (sys.executable, DENYING, DENIALS[layer], "--")
    required = [name for name in REQUIRED if name != layer]
    out = confined(
        """
        import socket
        print(sorted(policy.required))
        attempt(lambda: socket.create_connection(("127.0.0.1", 9), 1))
        attempt(lambda: os.execv("/bin/true", ["true"]))
        """,
        policy={"required": required},
    )
    first, *attempts = out.splitlines()
    assert first == str(sorted(required))
    assert attempts
    assert all(line.startswith("blocked") for line in attempts), out


@pytest.mark.torch
def test_a_waived_layer_runs_and_warns(tiny, tmp_path):
    file = tmp_path / "report.json"
    command = [sys.executable, "-m", "smoke", "run", str(tiny[0]), "--device", "cpu", "--threads", "1", "--starts", "1",
               "--blocks-seconds", "0", "--without", "namespaces", "--json", str(file)]  # fmt: skip
    done = poorer("namespaces", *command, timeout=240)
    report = json.loads(file.read_text())
    assert (done.returncode, report["outcome"]) == (0, "warn"), done.stderr
    (metric,) = [m for m in report["metrics"] if m["code"] == "containment"]
    assert not metric["ok"]
    assert "namespaces (unshare" in metric["reason"]
    assert "namespaces" not in report["sandbox"]["applied"]
