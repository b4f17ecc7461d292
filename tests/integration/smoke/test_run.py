"""Smoke runs of a really trained model: healthy ones pass, damaged ones fail, and each says why."""

import json
import shutil
import threading
import time

import pytest

from smoke.devices import Inventory
from smoke.plan import make_plan
from smoke.probes import Probe
from smoke.report import Outcome, SmokeReport, dumps
from smoke.run import Progress, run
from smoke.sandbox import REQUIRED

pytestmark = pytest.mark.torch


def codes(report: SmokeReport) -> set[str]:
    return {m.code for m in report.metrics if not m.ok and m.severity == "fail"}


@pytest.fixture(scope="module")
def healthy(smoke, tiny):
    seen: list[Progress] = []
    folder, probe = tiny
    return smoke(folder, probe=probe, progress=seen.append, is_thorough=True), seen


def test_a_healthy_model_passes_in_full_confinement(healthy):
    report, _ = healthy
    assert report.outcome is Outcome.PASS, report.reason
    assert report.quantization == "int8"
    assert report.device == "cpu"
    assert set(REQUIRED) <= set(report.sandbox["applied"])
    assert {"finite_logits", "bits_per_byte", "order_gap", "block_skip", "damping", "agreement", "reference"} <= {
        m.code for m in report.metrics
    }
    assert any(sample.text.strip() for sample in report.samples)
    assert report.versions["torch"]


def test_progress_tells_the_stages_in_order(healthy):
    stages = list(dict.fromkeys(p.stage for p in healthy[1]))
    assert "plan" not in stages  # it was brought along
    order = ["start", "tensors", "load", "repeat", "likelihood", "blocks", "generate", "agreement"]
    assert [stage for stage in stages if stage in order] == order
    assert {"shard 1 of 1, 1 MiB of 1 MiB", "prompt 7 of 7"} <= {p.detail for p in healthy[1]}
    assert all(0 <= p.done <= p.total or p.total == 0 for p in healthy[1])


def test_a_report_survives_json(healthy):
    report, _ = healthy
    assert SmokeReport.from_json(json.loads(dumps(report))).to_json() == report.to_json()


def test_int4_runs_and_stays_close(smoke, tiny):
    folder, probe = tiny
    report = smoke(folder, quantization="int4", probe=Probe(probe.text))
    assert report.outcome is Outcome.PASS, report.reason
    bits = next(m.value for m in report.metrics if m.code == "bits_per_byte")
    assert bits == pytest.approx(probe.bits_per_byte, rel=0.03)


def test_blobs_under_other_names_are_run_without_copying(smoke, tiny, tmp_path):
    folder, probe = tiny
    blobs = {}
    for number, path in enumerate(sorted(folder.iterdir())):
        blob = tmp_path / f"blob{number}"
        shutil.copyfile(path, blob)
        blobs[path.name] = blob
    assert smoke(blobs, probe=probe).outcome is Outcome.PASS


def test_a_reference_report_catches_what_changed(smoke, healthy, tiny, damage):
    folder = damage(sign_flipped)
    probe = Probe(tiny[1].text)
    report = smoke(folder, probe=probe, reference=healthy[0])
    assert "reference" in codes(report)


def zeroed(t):
    for name, tensor in t.items():
        if ".layers.1." in name:
            tensor.zero_()


def not_a_number(t):
    t["model.layers.0.self_attn.q_proj.weight"][3] = float("nan")


def swapped(t):
    for name in [n for n in t if ".layers.0." in n]:
        other = name.replace(".layers.0.", ".layers.3.")
        t[name], t[other] = t[other].clone(), t[name].clone()


def sign_flipped(t):
    t["model.layers.0.mlp.down_proj.weight"].neg_()


def shifted_rows(t):
    t["model.embed_tokens.weight"] = t["model.embed_tokens.weight"].roll(1, dims=0)


def dropped(t):
    del t["model.layers.1.mlp.up_proj.weight"]


def reshaped(t):
    t["model.layers.1.mlp.up_proj.weight"] = t["model.layers.1.mlp.up_proj.weight"][:-8]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (not_a_number, "tensors"),
        (swapped, "reference"),
        (shifted_rows, "bits_per_byte"),
        (dropped, "missing_keys"),
        (reshaped, "mismatched_keys"),
    ],
    ids=lambda x: getattr(x, "__name__", x),
)
def test_a_damaged_model_fails(smoke, change, expected, damage, tiny):
    report = smoke(damage(change), probe=tiny[1])
    assert report.outcome is Outcome.FAIL
    assert expected in codes(report), report.reason


def test_a_truncated_file_is_refused_before_anything_runs(smoke, copy):
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    report = smoke(copy)
    assert (report.outcome, report.code) == (Outcome.NOT_RUN, "bad_header")


def test_code_in_the_checkpoint_is_never_run(smoke, copy, tmp_path):
    config = json.loads((copy / "config.json").read_text())
    config["auto_map"] = {"AutoModelForCausalLM": "evil.Evil"}
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "evil.py").write_text(f"open({str(tmp_path / 'was_here')!r}, 'w')")
    report = smoke(copy)
    assert (report.outcome, report.code) == (Outcome.NOT_RUN, "remote_code")
    assert not (tmp_path / "was_here").exists()


def test_an_endless_chat_template_is_ended(smoke, copy):
    (copy / "chat_template.jinja").write_text(
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    )
    report = smoke(copy, cpu_seconds=9)
    assert (report.outcome, report.code) == (Outcome.FAIL, "limit_cpu")
    assert "generate" in report.reason


def test_a_broken_chat_template_fails(smoke, copy):
    (copy / "chat_template.jinja").write_text("{{ messages[0].__class__.__mro__[1].__subclasses__() }}")
    report = smoke(copy)
    assert "chat_template" in codes(report)


def test_a_missing_tokenizer_warns_and_still_checks_the_numbers(smoke, copy):
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (copy / name).unlink()
    report = smoke(copy)
    assert (report.outcome, report.code) == (Outcome.WARN, "tokenizer")
    assert next(m for m in report.metrics if m.code == "finite_logits").ok


@pytest.mark.parametrize("stage", ["start", "load", "generate"])
def test_cancel_ends_it_at_once(smoke, tiny, stage):
    cancel, canceled_at = threading.Event(), [0.0]

    def tell(progress: Progress) -> None:
        if progress.stage == stage and not cancel.is_set():
            canceled_at[0] = time.monotonic()
            cancel.set()

    report = smoke(tiny[0], cancel=cancel, progress=tell)
    assert time.monotonic() - canceled_at[0] < 2
    assert (report.outcome, report.code) == (Outcome.NOT_RUN, "canceled")
    assert stage in report.reason


def test_a_missing_layer_of_confinement_is_refused(smoke, tiny):
    report = smoke(tiny[0], required=(*REQUIRED, "a-layer-no-kernel-has"))
    assert (report.outcome, report.code) == (Outcome.NOT_RUN, "sandbox")


def test_without_torch_nothing_is_run_and_it_says_so(tiny):
    plan = make_plan(tiny[0], inventory=Inventory((), None, "torch is not installed"))
    report = run(tiny[0], plan=plan)
    assert (report.outcome, report.code) == (Outcome.NOT_RUN, "no_torch")
    assert "requirements-smoke.txt" in report.reason


def test_the_family_of_the_demonstration_differs_really(tiny, tmp_path):
    """The derived members are other weights, and the one trained on conversations starts from its parent."""
    from safetensors.torch import load_file

    from smoke.tiny import derive, train

    parent = load_file(tiny[0] / "model.safetensors")
    told: list[tuple[int, int, float, float]] = []
    instruct = derive(tiny[0], tmp_path / "instruct", "instruct", steps=4, progress=lambda *step: told.append(step))
    largest = derive(tiny[0], tmp_path / "max", "max", steps=2)
    ours = load_file(instruct.folder / "model.safetensors")
    assert ours.keys() == parent.keys()
    changes = [float((ours[n].float() - parent[n].float()).norm() / parent[n].float().norm()) for n in parent]
    assert 0 < max(changes) < 0.5
    assert len(load_file(largest.folder / "model.safetensors")) > len(parent)
    assert told[-1][:2] == (4, 4)
    with pytest.raises(ValueError, match="kind"):
        derive(tiny[0], tmp_path / "x", "mini")
    again = train(tmp_path / "again", steps=2)
    once_more = train(tmp_path / "once_more", steps=2)
    same = [(folder.folder / "model.safetensors").read_bytes() for folder in (again, once_more)]
    assert same[0] == same[1]
    assert sorted(p.name for p in again.folder.iterdir()) == [
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
