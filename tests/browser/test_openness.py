"""The pages of openness in a real browser: the wheel is told without color, and nothing is wider than the window."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from licensing.openness_writes import state_openness
from licensing.services import load_catalog
from registry.states import Level
from tests.factories import make_commit, make_draft, make_lab, make_variant

pytestmark = pytest.mark.django_db(transaction=True)
DATA = "All of it was taken from public pages, filtered by language and counted by source. " * 6
CARD = f"""---
license: apache-2.0
---
# Nimbus Nano

Nimbus Nano is an open source model, built with open source tools.

## Training data

{DATA}

## Evaluation

[More Information Needed]
"""
FILES = dict.fromkeys(("train.py", "inference.py", "modeling_nimbus.py", "tokenization_nimbus.py"), b"pass\n")
SAID = {
    "description": "full", "public_list": True, "third_party_list": False, "training_flop": "3.2e24",
    "usage_public": True, "monetization": "optional_paid_services",
    "components": {
        "Technical report": {"is": "released", "license": "cc-by-4.0", "place": "https://example.org/nimbus/report"},
        "Evaluation data": {"is": "released", "license": "cc-by-nc-4.0", "place": "https://example.org/nimbus/evals"},
        "Research paper": {"is": "released", "license": "", "place": "https://example.org/nimbus/paper"},
        "Evaluation code": {"is": "gated", "license": "mit", "place": "https://example.org/nimbus/private"},
        "Datasets": {"is": "absent"},
    },
}  # fmt: skip


@pytest.fixture
def scene() -> SimpleNamespace:
    """A variant some of whose components are open, and others in every other way not."""
    load_catalog()
    lab = make_lab("acme")
    variant = make_variant(lab.organization, "nimbus-nano", summary="1 M parameters, for tests.", by=lab.manager)
    commit = make_commit(variant, {"README.md": CARD.encode(), "model.safetensors": b"weights", **FILES})
    state_openness(variant=variant, said=SAID, by=lab.manager, actor=lab.actor(lab.manager))
    make_draft(lab, Level.GATED, title="Nimbus for research", variant=variant, commit=commit)
    return SimpleNamespace(lab=lab, variant=variant)


@pytest.mark.parametrize("kind", ["page", "dark_page", "small_page"])
def test_pages_of_openness(
    kind: str, request: pytest.FixtureRequest, scene, live_server, sign_in, axe, fits, screenshot
) -> None:
    page = request.getfixturevalue(kind)
    sign_in(page, scene.lab.manager)
    for name, path in (("openness", "openness/"), ("state", "openness/state/")):
        answer = page.goto(f"{live_server.url}/{scene.variant.repo_id}/{path}")
        assert answer.status == 200, name
        page.evaluate("document.fonts.ready")
        screenshot(page, f"openness-{name}-{kind.replace('_', '-')}")
        axe(page)
        fits(page)
    page.goto(f"{live_server.url}/{scene.variant.repo_id}/openness/")
    wheel = page.locator("svg.wheel")
    assert "8 of 17 components are open" in wheel.locator("> title").text_content()
    assert wheel.locator("g.segment title").count() == 17
    assert set(wheel.locator(".segment-sign").all_text_contents()) == {"✓", "§", "!", "⚷", "–", "?"}
