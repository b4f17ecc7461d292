"""The package without its heavy requirements, and what a worker that imports it loads."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
WORKER_SIDE = [
    "__main__",
    "checkpoint",
    "devices",
    "plan",
    "probes",
    "report",
    "run",
    "sandbox",
    "scoring",
    "supervise",
]
WORKER_SIDE += ["tiny", "verdict", "landlock", "seccomp", "runner", "channel", "conclusion", "conduct", "energy"]
WORKER_SIDE += ["hearing", "identity", "preparing", "readings", "reference", "terminal", "engines", "comparison"]


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_module_of_the_parents_side_loads_torch():
    code = "import importlib, json, sys\n"
    code += f"for name in {WORKER_SIDE!r}: importlib.import_module('smoke.' + name)\n"
    code += "print(json.dumps([n for n in ('torch', 'transformers', 'numpy', 'django', 'celery') if n in sys.modules]))"
    assert json.loads(python(code)) == []


def test_without_the_requirements_a_run_says_so(tmp_path):
    code = "import sys\n"
    code += "for name in ('torch', 'transformers', 'safetensors'): sys.modules[name] = None\n"
    code += "from pathlib import Path\nfrom smoke.run import run\nfrom smoke.devices import discover\n"
    code += f"report = run(Path({str(tmp_path)!r}))\nprint(discover().torch, report.outcome.value, report.code)\n"
    (tmp_path / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    header = b'{"a.weight": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}'
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    assert python(code).split() == ["None", "not_run", "no_torch"]
