"""Records that verdicts on lineage rest on, made in a browser: fit for everyone, light, dark and on a telephone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.integration.gating.world import Gate, make_gate

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gate(db: None) -> Gate:
    return make_gate()


@pytest.mark.parametrize("kind", ["page", "small_page", "dark_page"])
def test_records_are_made_and_fit(kind, request, live_server, sign_in, axe, fits, screenshot, gate) -> None:
    page = request.getfixturevalue(kind)
    sign_in(page, gate.counsel)
    page.goto(f"{live_server.url}/licenses/upstream/")
    page.get_by_label("Seen in").fill("LICENSE at 0e9e39f")
    page.get_by_label("License", exact=True).select_option(index=3)
    page.locator("#id_repo_id").fill("Qwen/Qwen3-8B")
    page.get_by_role("button", name="Put on record").click()
    expect(page.get_by_role("cell", name="qwen/qwen3-8b")).to_be_visible()
    for name, path in (("upstream", "/licenses/upstream/"), ("licensee", "/licenses/licensee/")):
        page.goto(f"{live_server.url}{path}")
        page.evaluate("document.fonts.ready")
        screenshot(page, f"licensing-{name}-{kind.replace('_', '-')}")
        axe(page)
        fits(page)
