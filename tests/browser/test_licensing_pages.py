"""The pages of licenses in a browser: fit for everyone, in light and dark and on a telephone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from licensing.catalog import TEXTS
from licensing.lineage_writes import establish_upstream
from licensing.selectors import version_of
from licensing.services import add_license
from registry.models import LineageEdge
from registry.selectors import actor_for
from tests.factories import make_variant
from tests.integration.gating.world import Gate, make_gate

pytestmark = pytest.mark.django_db(transaction=True)
# The list, a license and its form are looked at with the pages of access.
KINDS = ["page", "small_dark_page"]
MIT = (TEXTS / "mit.txt").read_text()


@pytest.fixture
def gate(db: None) -> Gate:
    return make_gate()


def two_versions(gate: Gate) -> tuple[int, int]:
    text = "Acme License\n\nYou may study the model. You may pass it on unchanged.\n"
    terms = {"commercial_use": "no", "use_scope": "research_only", "display_text": "Built with Acme"}
    first = add_license(name="Acme License", version="1", text=text, terms=terms, by=gate.counsel)
    changed = text.replace("unchanged", "with a notice of changes")
    later = {**terms, "commercial_use": "conditional", "naming": {"position": "prefix", "value": "Acme"}}
    again = {"name": "Acme License", "key": "acme-license", "by": gate.counsel}
    second = add_license(version="2", text=changed, terms=later, **again)
    return first.pk, second.pk


@pytest.mark.parametrize("kind", KINDS)
def test_catalog_pages_are_accessible_and_fit(kind, request, live_server, sign_in, axe, fits, screenshot, gate) -> None:
    first, second = two_versions(gate)
    page = request.getfixturevalue(kind)
    sign_in(page, gate.counsel)
    for name, path in (
        ("compare-versions", f"/licenses/compare/?a=acme-license@{first}&b=acme-license@{second}"),
        ("spdx", "/licenses/spdx/?q=bsd"),
        ("new-from-spdx", "/licenses/new/?spdx=ISC"),
    ):
        page.goto(f"{live_server.url}{path}")
        page.evaluate("document.fonts.ready")
        if name.startswith("new"):
            page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        screenshot(page, f"licensing-{name}-{kind.replace('_', '-')}")
        axe(page)
        fits(page)
    page.goto(f"{live_server.url}/licenses/identify/")
    page.get_by_label("License text").fill(MIT.replace("free of charge", "for a fee").replace("<year>", "2026"))
    page.get_by_role("button", name="Identify").click()
    expect(page.get_by_text("What differs")).to_be_visible()
    screenshot(page, f"licensing-identify-{kind.replace('_', '-')}")
    axe(page)
    fits(page)
    assert version_of("acme-license").pk == second


def lineage_of_many(gate: Gate) -> None:
    """A merge of three fine-tunes of ours, from models elsewhere under licenses that are established."""
    actor = actor_for(gate.counsel, gate.organization)
    for repo_id, key in (("meta-llama/Llama-3.1-8B", "llama3.1"), ("Qwen/Qwen3-8B", "apache-2.0")):
        version = version_of(key)
        establish_upstream(repo_id=repo_id, license_version=version, source="LICENSE", by=gate.counsel, actor=actor)
    for number, base in enumerate(["meta-llama/Llama-3.1-8B", "Qwen/Qwen3-8B", "somebody/unknown-base"]):
        made = make_variant(gate.organization, f"nimbus-part-{number}")
        LineageEdge.objects.create(child=gate.variant, parent=made, relation="merge")
        LineageEdge.objects.create(child=made, external_parent=base, relation="finetune")


@pytest.mark.parametrize("kind", KINDS)
def test_checker_lineage_and_acceptances_are_accessible_and_fit(
    kind, request, live_server, sign_in, axe, fits, screenshot, gate
) -> None:
    lineage_of_many(gate)
    gate.ask(from_address="192.0.2.1", agent="Browser/1")
    page = request.getfixturevalue(kind)
    sign_in(page, gate.counsel)

    def seen(name: str) -> None:
        page.evaluate("document.fonts.ready")
        screenshot(page, f"licensing-{name}-{kind.replace('_', '-')}")
        axe(page)
        fits(page)

    page.goto(f"{live_server.url}/licenses/lineage/?variant=acme/nimbus")
    seen("lineage")
    page.get_by_role("link", name="May I?").click()
    seen("check-prefilled")
    page.reload()  # what looks at a page leaves marks on it, which a swap would carry over
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_role("heading", name="Pass it on")).to_be_visible()
    seen("check-answer")
    page.goto(f"{live_server.url}/licenses/check/")
    page.get_by_role("button", name="Add a parent").click()
    expect(page.get_by_role("button", name="Remove parent 2")).to_be_visible()
    page.goto(f"{live_server.url}/licenses/acceptances/")
    seen("acceptances")
