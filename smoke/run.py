"""The parent's side of a smoke run: from a checkpoint to a report.

Owns: planning, the view of the checkpoint that the confined process is shown, its policy and environment, reading what
it sends, and turning every way it can end into an outcome. Refuses to own: the watching (`smoke.supervise`), thresholds
(`smoke.verdict`) and anything that needs torch: this module runs inside workers, which never import it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from smoke import sandbox
from smoke.checkpoint import DECODER, CheckpointError, logical_files, open_checkpoint
from smoke.devices import cpu_count
from smoke.plan import BF16, Plan, make_plan, size
from smoke.probes import Probe
from smoke.report import Metric, Outcome, Sample, Severity, SmokeReport, not_run, outcome_of
from smoke.supervise import Ending, Limits, supervise
from smoke.verdict import judge

COMPARED_BYTES = 1 << 30
SHOWN = (".safetensors", ".json", ".jinja", ".model", ".txt", ".tiktoken")
HIDDEN = ("adapter_config.json", "adapter_model.safetensors")
"""An adapter file beside a model would make the loader apply it; what is tested is the checkpoint itself."""

SYSTEM = (
    "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime",
    "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system", "/sys/fs/cgroup",
    "/dev/urandom", "/dev/zero",
)  # fmt: skip
ACCELERATOR_SYSTEM = ("/proc/driver/nvidia", "/sys/bus/pci", "/sys/class", "/sys/devices", "/proc/modules", "/opt/rocm")
ACCELERATOR_NODES = ("/dev/nvidia*", "/dev/dri/*", "/dev/kfd", "/dev/nvidia-caps/*")
PASSED_ON = (
    "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK", "LD_LIBRARY_PATH",
)  # fmt: skip


@dataclass(frozen=True)
class Progress:
    """How far a run is. `total` 0 means that the stage cannot be counted."""

    stage: str
    done: int
    total: int


def run(
    source: Path | Mapping[str, Path],
    *,
    plan: Plan | None = None,
    device: str | None = None,
    quantization: str | None = None,
    probe: Probe | None = None,
    reference: SmokeReport | None = None,
    progress: Callable[[Progress], None] | None = None,
    limits: Limits | None = None,
    cancel: threading.Event | None = None,
    required: tuple[str, ...] = sandbox.REQUIRED,
    agreement: bool | None = None,
) -> SmokeReport:
    """Runs quantized inference on a folder, or on a mapping of logical paths to real files, in a confined process.

    `agreement` asks for a comparison with full precision; None means for decoders whose full weights are below 1 GiB.

    Never raises for anything the checkpoint does. `required` names the layers of confinement without which the run is
    refused; leaving one out is possible, and visible in the report as a warning.
    """
    started = time.monotonic()
    limits = limits or Limits()
    if progress is not None:
        progress(Progress("plan", 0, 0))
    plan = plan or make_plan(source, device=device, quantization=quantization)
    if not plan.runnable:
        return not_run(plan.code, plan.reason, plan=plan.to_json(), seconds=time.monotonic() - started)
    heard = _Heard(progress)
    try:
        with tempfile.TemporaryDirectory(prefix="smoke-") as base:
            text = probe or Probe.plain()
            ending = _run_in(Path(base), source, plan, text, limits, heard, cancel, required, agreement)
    except (CheckpointError, OSError) as error:
        reason = f"The run could not be prepared: {error}"
        return not_run("not_prepared", reason, plan=plan.to_json(), seconds=time.monotonic() - started)
    report = conclude(heard, ending, plan, limits, reference)
    return replace(report, seconds=time.monotonic() - started)


@dataclass
class _Heard:
    """Everything the confined process said, kept only where it has the expected form."""

    progress: Callable[[Progress], None] | None = None
    sandbox: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    is_complete: bool = False
    stage: str = "start"

    def line(self, raw: bytes) -> None:
        """Takes one line; what is not one of our messages is dropped."""
        try:
            message = json.loads(raw)
        except (ValueError, RecursionError):
            return
        if not isinstance(message, dict):
            return
        kind = message.get("kind")
        if kind == "progress" and all(_is_count(message.get(k)) for k in ("done", "total")):
            self.stage = str(message.get("stage"))[:40]
            if self.progress is not None:
                self.progress(Progress(self.stage, message["done"], message["total"]))
        elif kind == "sandbox" and not self.sandbox and isinstance(message.get("sandbox"), dict):
            self.sandbox = message["sandbox"]
        elif kind == "refused":
            self.refused = str(message.get("reason"))[:1000]
        elif kind == "versions" and isinstance(message.get("versions"), dict):
            self.versions = {str(k)[:40]: str(v)[:80] for k, v in message["versions"].items()}
        elif kind in ("measured", "stopped") and isinstance(message.get("measured"), dict):
            self.measured = trimmed(message["measured"])
            self.is_complete = kind == "measured"
            if kind == "stopped":
                self.stopped = {k: str(message.get(k))[:1000] for k in ("outcome", "code", "reason")}


def _run_in(
    base: Path,
    source: Path | Mapping[str, Path],
    plan: Plan,
    probe: Probe,
    limits: Limits,
    heard: _Heard,
    cancel: threading.Event | None,
    required: tuple[str, ...],
    agreement: bool | None,
) -> Ending:
    view, scratch = base / "checkpoint", base / "scratch"
    scratch.mkdir()
    checkpoint = open_checkpoint(source)
    targets = show(source, view)
    threads = limits.threads or cpu_count()
    memory = limits.memory_bytes or int(plan.peak_bytes * 1.5) + (512 << 20)
    is_accelerated = plan.torch_device != "cpu"
    if is_accelerated:  # there the plan counts device memory; the host holds the runtime and one shard's worth
        memory = limits.memory_bytes or (8 << 30) + plan.stored_bytes
    compared = is_compared(plan) if agreement is None else agreement and plan.kind == DECODER
    memory += plan.weights_bytes[BF16] * 2 if compared else 0
    request = {
        "folder": str(view),
        "weight_files": checkpoint.weight_files,
        "architecture": plan.kind,
        "quantization": plan.quantization,
        "torch_device": plan.torch_device,
        "dtype": plan.dtype,
        "context": plan.context,
        "planned_bytes": plan.peak_bytes,
        "agreement": compared,
        "blocks_seconds": limits.blocks_seconds,
        "threads": threads,
        "probe": replace(probe, window=min(probe.window, plan.context)).to_json(),
        "policy": _policy(base, targets, memory, plan, limits, threads, required),
    }
    (base / "request.json").write_text(json.dumps(request))
    command = [sys.executable, "-I", "-B", str(Path(sandbox.__file__).resolve()), str(base / "request.json")]
    return supervise(
        command,
        environment=environment(scratch, threads, is_accelerated),
        folder=scratch,
        limits=replace(limits, memory_bytes=memory),
        on_line=heard.line,
        cancel=cancel,
    )


def is_compared(plan: Plan) -> bool:
    """Whether loading the weights a second time, in full precision, is cheap enough to be done unasked."""
    return plan.kind == DECODER and plan.quantization != BF16 and plan.weights_bytes[BF16] <= COMPARED_BYTES


def show(source: Path | Mapping[str, Path], view: Path) -> list[str]:
    """Fills `view` with links to the files that inference may see, copying nothing; returns the real paths."""
    targets = []
    for name, path in logical_files(source):
        if not name.endswith(SHOWN) or name.rpartition("/")[2] in HIDDEN:
            continue
        place = view / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(path.resolve())
        targets.append(str(path.resolve()))
    return targets


def _policy(
    base: Path, targets: list[str], memory: int, plan: Plan, limits: Limits, threads: int, required: tuple[str, ...]
) -> dict[str, Any]:
    code = {str(Path(__file__).resolve().parent), sys.prefix, sys.base_prefix, str(base / "checkpoint")}
    code |= {path for path in sys.path if path.endswith(("site-packages", "dist-packages"))}
    readable = [*SYSTEM, *sorted(code), str(base / "request.json"), *targets]
    nodes = ["/dev/null"]
    data = memory + plan.stored_bytes + threads * (16 << 20) + (1 << 30)
    if plan.torch_device != "cpu":
        readable += ACCELERATOR_SYSTEM
        nodes += [str(path) for pattern in ACCELERATOR_NODES for path in Path("/").glob(pattern.lstrip("/"))]
        data += 64 << 30
    return {
        "readable": readable,
        "writable": [str(base / "scratch")],
        "devices": nodes,
        "data_bytes": data,
        "file_bytes": limits.scratch_bytes,
        "cpu_seconds": limits.cpu_seconds or int(limits.wall_seconds * threads * 1.2) + 10,
        "required": list(required),
        "parent": os.getpid(),
    }


def environment(scratch: Path, threads: int, is_accelerated: bool) -> dict[str, str]:
    """All that the confined process inherits: no secret, no path of ours, no way to the network."""
    given = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "HF_HOME": str(scratch),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "OMP_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait multiply the time on a busy machine
        "TORCHINDUCTOR_CACHE_DIR": str(scratch),
        "CUDA_CACHE_PATH": str(scratch),
        # without these the heap keeps up to twice the memory of an int4 model after loading
        "MALLOC_MMAP_THRESHOLD_": "1048576",
        "MALLOC_TRIM_THRESHOLD_": "1048576",
        "MALLOC_ARENA_MAX": "2",
    }
    if is_accelerated:
        given |= {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return given


def conclude(
    heard: _Heard, ending: Ending, plan: Plan, limits: Limits, reference: SmokeReport | None = None
) -> SmokeReport:
    """The report of a run that has ended, however it ended."""
    rest: dict[str, Any] = {
        "device": plan.device,
        "quantization": plan.quantization,
        "versions": heard.versions,
        "sandbox": heard.sandbox,
        "plan": plan.to_json(),
        "measurements": {k: v for k, v in heard.measured.items() if k != "samples"},
    }
    if heard.refused:
        reason = f"The sandbox could not be set up, and policy refuses to run without it: {heard.refused}"
        return not_run("sandbox", reason, **rest)
    if ending.returncode == -signal.SIGKILL and not ending.stopped and not heard.is_complete:
        reason = f"It was killed from outside at stage {heard.stage}, most often for want of memory on the machine."
        return not_run("killed", reason, **rest)
    if ending.stopped == "canceled":
        return not_run("canceled", f"Canceled at stage {heard.stage}.", **rest)
    if ending.returncode == -signal.SIGXCPU and not ending.stopped:
        ending = replace(ending, stopped="cpu")
    if ending.stopped:
        return _stopped(ending, heard, limits, rest)
    if heard.stopped.get("outcome") == Outcome.NOT_RUN:
        return not_run(heard.stopped["code"], heard.stopped["reason"], **rest)
    if not heard.is_complete and not heard.stopped:
        return _crashed(ending, heard, rest)
    metrics = []
    if heard.stopped:
        code, reason = heard.stopped["code"], heard.stopped["reason"]
        metrics.append(Metric(code, "Runs to the end", None, "no error", False, reason))
        measured_part = judge(heard.measured, quantization=plan.quantization)
        metrics += [m for m in measured_part if m.reason != "This was not measured."]
    else:
        past = reference.measurements if reference is not None else None
        metrics += judge(heard.measured, quantization=plan.quantization, reference=past)
    metrics += containment(heard.sandbox)
    outcome, code, sentence = outcome_of(metrics)
    return SmokeReport(outcome, code, sentence, metrics=tuple(metrics), samples=_samples(heard.measured), **rest)


def containment(applied: Mapping[str, Any]) -> list[Metric]:
    """A warning where a required layer of confinement was waived by configuration and is really absent."""
    absent = [name for name in sandbox.REQUIRED if name not in applied.get("applied", ())]
    reason = f"Ran without {', '.join(absent)}." if absent else "Every layer was in force."
    return [
        Metric("containment", "Containment", float(len(absent)), "0 layers absent", not absent, reason, Severity.WARN)
    ]


def _stopped(ending: Ending, heard: _Heard, limits: Limits, rest: dict[str, Any]) -> SmokeReport:
    sentences = {
        "time": f"It was stopped after {limits.wall_seconds:.0f} s at stage {heard.stage}.",
        "cpu": f"It used up its processor time at stage {heard.stage}.",
        "memory": f"It held {size(ending.peak_bytes)} at stage {heard.stage}, more than the plan allows.",
        "output": f"It wrote more than {size(limits.output_bytes)} at stage {heard.stage}.",
    }
    code = f"limit_{ending.stopped}"
    metric = Metric(code, "Stays within limits", None, ending.stopped, False, sentences[ending.stopped])
    return SmokeReport(Outcome.FAIL, code, metric.reason, metrics=(metric,), **rest)


def _crashed(ending: Ending, heard: _Heard, rest: dict[str, Any]) -> SmokeReport:
    last = ending.stderr.strip().splitlines()[-1:] or ["no message"]
    how = f"signal {-ending.returncode}" if ending.returncode < 0 else f"exit status {ending.returncode}"
    if not heard.sandbox:
        return not_run("not_started", f"The confined process did not start: {how}, {last[0][:300]}", **rest)
    reason = f"The process ended at stage {heard.stage} with {how}: {last[0][:300]}"
    metric = Metric("crashed", "Runs to the end", None, "no crash", False, reason)
    return SmokeReport(Outcome.FAIL, "crashed", reason, metrics=(metric,), **rest)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62


def trimmed(value: Any, depth: int = 6) -> Any:
    """The same data, bounded: what a hostile checkpoint made the process say must not fill anyone's database."""
    if isinstance(value, str):
        return value[:2000]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return value if -(1 << 62) < value < 1 << 62 else None
    if depth and isinstance(value, list):
        return [trimmed(item, depth - 1) for item in value[:1000]]
    if depth and isinstance(value, dict):
        return {str(key)[:200]: trimmed(item, depth - 1) for key, item in list(value.items())[:1000]}
    return None


def _samples(measured: Mapping[str, Any]) -> tuple[Sample, ...]:
    found = measured.get("samples")
    samples = []
    for item in found if isinstance(found, list) else []:
        if isinstance(item, dict) and _is_count(item.get("tokens")):
            prompt, text = str(item.get("prompt"))[:2000], str(item.get("text"))[:2000]
            samples.append(Sample(prompt, text, item["tokens"], item.get("stopped") is True))
    return tuple(samples[:20])
