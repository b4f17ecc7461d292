"""One small model, really trained once per run, for every test that damages it or runs it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from smoke.devices import Inventory, discover, is_installed
from smoke.plan import make_plan
from smoke.probes import Probe
from smoke.report import SmokeReport
from smoke.run import run
from smoke.sandbox import REQUIRED
from smoke.supervise import Limits
from tests.integration.smoke.confining import ROOT, Confined
from tests.shared import made_once


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Probe]:
    """A folder with a healthy checkpoint, and its declared probe."""
    if not is_installed():
        pytest.skip("needs the smoke requirements")

    def make(folder: Path) -> None:
        from smoke.tiny import train

        trained = train(folder / "model", steps=60)
        (folder / "probe.json").write_text(json.dumps(trained.to_json()))

    folder = made_once(tmp_path_factory, "tiny", make)
    return folder / "model", Probe.from_json(json.loads((folder / "probe.json").read_text()))


@pytest.fixture(scope="session")
def inventory() -> Inventory:
    """What is attached, asked once."""
    return discover()


@pytest.fixture(scope="session")
def smoke(inventory: Inventory) -> Callable[..., SmokeReport]:
    """A run on the processor with one thread, planned with the inventory that is already known.

    Blocks and the comparison with full precision are left out unless asked for: they double the time.
    """

    def smoke(source, *, quantization=None, cpu_seconds=None, is_thorough=False, **rest) -> SmokeReport:
        plan = make_plan(source, inventory=inventory, device="cpu", quantization=quantization)
        limits = Limits(
            wall_seconds=240, cpu_seconds=cpu_seconds, threads=1, blocks_seconds=20.0 if is_thorough else 0.0
        )
        return run(source, plan=plan, limits=limits, agreement=is_thorough, **{"starts": 1, **rest})

    return smoke


@pytest.fixture
def copy(tiny: tuple[Path, Probe], tmp_path: Path) -> Path:
    """A copy of the healthy checkpoint to do damage to."""
    return Path(shutil.copytree(tiny[0], tmp_path / "damaged"))


@pytest.fixture
def damage(copy: Path) -> Callable[[Callable[[dict], None]], Path]:
    """Applies a change to the tensors of the copy, and returns its folder."""
    from safetensors.torch import load_file, save_file

    def apply(change: Callable[[dict], None]) -> Path:
        tensors = load_file(copy / "model.safetensors")
        change(tensors)
        contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
        save_file(contiguous, copy / "model.safetensors", metadata={"format": "pt"})
        return copy

    return apply


@pytest.fixture(scope="session")
def layers() -> None:
    """Skips, loudly, where this kernel or container does not offer what the sandbox requires."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the layers are Linux's")
    code = "import json, sys; sys.path.insert(0, %r); from smoke import sandbox;"
    code += "print(json.dumps(sandbox.apply(sandbox.Policy(readable=('/',))).missing))"
    done = subprocess.run([sys.executable, "-I", "-c", code % str(ROOT)], capture_output=True, text=True, timeout=60)
    missing = {k: v for k, v in json.loads(done.stdout).items() if k in REQUIRED}
    if missing:
        pytest.skip(f"this machine lacks {missing}")


@pytest.fixture
def confined(tmp_path: Path) -> Confined:
    """Runs code after the sandbox was applied; returns what it printed."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Confined(scratch)
