"""The pages of a validation in a real browser: accessible, none too wide, and the tensor browser at work."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from playwright.sync_api import expect
from safetensors.numpy import save

import jobs.services as jobs
from jobs.models import Job
from registry.models import Tensor
from registry.validation import planning
from tests.factories import make_commit, make_lab, make_variant, run_jobs

pytestmark = pytest.mark.django_db(transaction=True)

LAYERS, HIDDEN = 12, 64


def weights_of(seed: int, layers: range, **extra: np.ndarray) -> bytes:
    """A part of a small model as real ones are laid out."""
    values = np.random.default_rng(seed)
    shapes = {}
    for layer in layers:
        stem = f"model.layers.{layer}"
        shapes |= {f"{stem}.self_attn.{part}_proj.weight": (HIDDEN, HIDDEN) for part in "qkvo"}
        shapes |= {f"{stem}.mlp.{part}_proj.weight": (3 * HIDDEN, HIDDEN) for part in ("up", "gate")}
        shapes[f"{stem}.mlp.down_proj.weight"] = (HIDDEN, 3 * HIDDEN)
    made = {name: values.normal(0, 0.02 + seed / 500, shape).astype(np.float16) for name, shape in shapes.items()}
    made |= {f"model.layers.{layer}.input_layernorm.weight": np.ones(HIDDEN, np.float32) for layer in layers}
    return save(made | extra)


def files_of(seed: int) -> dict[str, bytes]:
    """Two shards with a few faults among them."""
    values = np.random.default_rng(seed)
    embedding = values.normal(0, 0.02, (1000, HIDDEN)).astype(np.float32)
    embedding[3, 4] = np.nan
    dead = np.zeros((HIDDEN, HIDDEN), np.float32)
    return {
        "README.md": b"---\nlicense: apache-2.0\n---\n# Nimbus\n\nTrained at /home/ada/experiments/nimbus-3.\n",
        "config.json": json.dumps({"model_type": "nimbus", "auto_map": {"AutoModel": "modeling.Nimbus"}}).encode(),
        "modeling.py": b"import os\n\nos.system('nvidia-smi')\n",
        "model-00001-of-00002.safetensors": weights_of(seed, range(7), **{"model.embed_tokens.weight": embedding}),
        "model-00002-of-00002.safetensors": weights_of(seed + 1, range(7, LAYERS), **{"model.adapter.weight": dead}),
    }


@pytest.fixture
def scene(monkeypatch) -> SimpleNamespace:
    """A validated checkpoint, a relative of it, and one that is being validated."""
    lab = make_lab("acme")
    variant = make_variant(lab.organization, "nimbus-3", by=lab.manager, summary="Twelve layers, for tests.")
    first = make_commit(variant, files_of(1), title="Step 18,000").checkpoint
    run_jobs("registry.validate")
    relative = make_variant(lab.organization, "nimbus-3-chat", by=lab.manager)
    other = files_of(1) | {"model-00002-of-00002.safetensors": weights_of(9, range(7, LAYERS))}
    make_commit(relative, other, title="Tuned")
    run_jobs("registry.validate")
    busy = make_variant(lab.organization, "nimbus-3-max", by=lab.manager)
    monkeypatch.setattr(planning, "LARGE_BYTES", 4096)
    make_commit(busy, {**files_of(5), "model-00003-of-00002.safetensors": weights_of(7, range(3))})
    whole = Job.objects.get(kind="registry.validate", state="queued")
    run_jobs("registry.validate")
    parts = list(whole.parts.order_by("pk"))
    jobs.succeed(jobs.claim(str(parts[0].pk), worker="validate@lab-1"))
    running = jobs.claim(str(parts[1].pk), worker="validate@lab-2")
    jobs.beat(running, done=parts[1].total // 3, total=parts[1].total, rate=50_000.0)
    return SimpleNamespace(
        lab=lab, variant=variant, first=first, whole=whole, nan=Tensor.objects.filter(nans=1).first()
    )


PAGES = {
    "findings": "/acme/nimbus-3/validation/",
    "narrowed": "/acme/nimbus-3/validation/?severity=warn",
    "tensors": "/acme/nimbus-3/validation/tensors/?sort=rms",
    "tensor": "/acme/nimbus-3/validation/tensors/{layer}/",
    "bytes": "/acme/nimbus-3/validation/bytes/",
    "bytes-inside": "/acme/nimbus-3/validation/bytes/?at=model.layers.3",
    "compare": "/acme/nimbus-3-chat/validation/compare/?with={digest}",
    "being-made": "/acme/nimbus-3-max/validation/",
    "job": "/jobs/{job}/",
}


def test_every_page_of_a_validation_is_accessible_and_fits(request, scene, live_server, sign_in, axe, fits, screenshot):
    """In one go, since making the scene takes as long as looking at it; light and wide, then dark and small."""
    layer = Tensor.objects.get(name="model.layers.3.mlp.up_proj.weight", inspection=scene.nan.inspection_id)
    faults = []
    for kind in ("page", "small_dark_page"):
        page = request.getfixturevalue(kind)
        sign_in(page, scene.lab.security)
        for name, path in PAGES.items():
            address = path.format(layer=layer.pk, digest=scene.first.digest, job=scene.whole.pk)
            assert page.goto(live_server.url + address).status == 200, name
            page.evaluate("document.fonts.ready")
            screenshot(page, f"validation-{name}-{kind.replace('_', '-')}")
            for check in (axe, fits):
                try:
                    check(page)
                except AssertionError as fault:
                    faults.append(f"{name}: {fault}")
    assert not faults, "\n\n".join(faults)


def test_tensors_are_found_sorted_and_opened_and_bytes_are_looked_into(scene, page, live_server, sign_in):
    sign_in(page, scene.lab.security)
    page.goto(f"{live_server.url}/acme/nimbus-3/validation/tensors/")
    rows = page.locator("#tensors tbody tr")
    expect(page.get_by_text("1 to 98 of 98")).to_be_visible()
    page.get_by_label("Name").fill("layers.1.")
    expect(rows).to_have_count(8)
    expect(rows.first).to_contain_text("model.layers.1.")
    page.get_by_label("Name").fill("EMBED")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("NaN")
    page.get_by_label("Name").fill("")
    page.get_by_label("Type").select_option("F32")
    expect(rows).to_have_count(LAYERS + 2)
    page.get_by_role("link", name="Size").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Size")
    expect(rows.first).to_contain_text("model.embed_tokens.weight")
    page.get_by_role("link", name="Size").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Size")
    page.goto(f"{live_server.url}/acme/nimbus-3/validation/tensors/?q=layers.4.mlp.up")
    page.get_by_role("link", name="model.layers.4.mlp.up_proj.weight").click()
    expect(page.get_by_role("heading", name=f"The same part in {LAYERS} places")).to_be_visible()
    page.get_by_role("link", name="Bytes").click()
    box = page.get_by_role("link", name="model.layers: ")
    box.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Modules of model.layers")).to_be_visible()


def test_findings_are_narrowed_and_lead_to_their_tensor(scene, page, live_server, sign_in):
    sign_in(page, scene.lab.security)
    page.goto(f"{live_server.url}/acme/nimbus-3/validation/")
    page.get_by_label("Check", exact=True).select_option("WV-NAN")
    found = page.locator("#found article")
    expect(found).to_have_count(1)
    expect(found).to_contain_text("1 of 64000 values")
    found.get_by_role("link", name="model.embed_tokens.weight").click()
    expect(page.locator("#tensors tbody tr")).to_have_count(1)
