"""The page of all components in a real browser: readable by everyone, in both colors, at any width."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from web import navigation

# Where the keyboard stands, and whether anybody sees that; None where it has left the page.
STOP = """() => {
  const at = document.activeElement;
  if (at === document.body) return null;
  const style = getComputedStyle(at), box = at.getBoundingClientRect();
  const has_ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  const is_here = box.width > 1 && box.height > 1 && box.bottom > 0 && box.top < innerHeight;
  return { html: at.outerHTML.slice(0, 120), is_seen: has_ring && is_here };
}"""
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def address(live_server) -> str:
    return f"{live_server.url}/ui/"


@pytest.fixture
def reader(django_user_model):
    return django_user_model.objects.create_user("ada", full_name="Ada Okafor")


@pytest.fixture
def opened(address, reader, sign_in):
    """Open the page of components in a page as it is given."""

    def go(page):
        sign_in(page, reader)
        page.goto(address)
        page.evaluate("document.fonts.ready")
        return page

    return go


@pytest.fixture
def many_entries(monkeypatch):
    """A full navigation, whatever the apps have registered."""
    names = {
        "Releases": "rocket",
        "Models": "box",
        "Access": "key",
        "Licenses": "scale",
        "Audit": "history",
        "API": "api",
    }
    entries = {
        label: navigation.Entry(
            label, "accounts:sign-in" if order else "web:components", symbol, order, navigation.anybody
        )
        for order, (label, symbol) in enumerate(names.items())
    }
    monkeypatch.setattr(navigation, "_entries", entries)


@pytest.mark.usefixtures("many_entries")
@pytest.mark.parametrize("kind", ["page", "dark_page", "small_page", "small_dark_page"])
def test_components_are_accessible_and_fit(kind, request, opened, axe, fits, screenshot):
    page = opened(request.getfixturevalue(kind))
    screenshot(page, f"components-{kind.replace('_', '-')}")
    axe(page)
    fits(page)


def test_the_type_face_is_served_and_used(page, opened):
    opened(page)
    assert page.evaluate("document.fonts.check('16px Inter')")
    assert page.evaluate("[...document.fonts].map(face => face.status)") == ["loaded"]


def test_colors_are_remembered_without_script(open_page, address, reader, sign_in):
    page = open_page(color_scheme="light", java_script_enabled=False)
    sign_in(page, reader)
    page.goto(address)
    assert page.locator("html").get_attribute("data-theme") == "auto"
    page.get_by_role("button", name="Dark").click()
    assert page.url == address
    assert page.locator("html").get_attribute("data-theme") == "dark"
    expect(page.locator("body")).to_have_css("background-color", "rgb(14, 16, 25)")


def test_copy_puts_the_whole_digest_on_the_clipboard(open_page, opened, live_server):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    opened(page)
    page.get_by_role("button", name="Copy digest 9f86d081884c").first.click()
    expect(page.locator("#spoken")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").startswith("sha256:9f86d081884c7d65")


def test_a_refused_act_is_visible_disabled_and_explained(page, opened):
    opened(page)
    act = page.locator("#actions .action").nth(1)
    expect(act.get_by_role("button", name="Approve for safety")).to_be_disabled()
    expect(act).to_contain_text("You submitted this release.")
    expect(act).to_contain_text("Another safety reviewer.")


def test_the_menu_closes_by_escape_and_by_a_click_elsewhere(page, opened):
    opened(page)
    menu = page.locator("details.menu").first
    menu.locator("summary").click()
    expect(page.get_by_text("Signed in as ada")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Signed in as ada")).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()
    menu.locator("summary").click()
    page.locator("h1").click()
    expect(page.get_by_text("Signed in as ada")).to_be_hidden()


def test_the_first_stop_of_the_keyboard_skips_to_the_content(page, opened, address):
    opened(page)
    page.evaluate("document.activeElement.blur()")
    page.goto(f"{address}#top")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()


def test_every_stop_of_the_keyboard_is_seen(page, opened):
    opened(page)
    unseen, stops = [], 0
    for _ in range(250):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None:
            break
        stops += 1
        if not stop["is_seen"]:
            unseen.append(stop["html"])
    assert stops > 40
    assert not unseen


def test_each_error_leads_to_its_field(page, opened):
    opened(page)
    page.get_by_role("link", name="Name · Ensure this value has at most 40 characters").click()
    expect(page.locator("#id_faulty-name")).to_be_focused()


def test_a_stand_in_cannot_be_mistaken(page, opened, settings, axe, screenshot):
    settings.INSTANCE_ROLE, settings.INSTANCE_NAME = "public-hub", "Public Hub"
    opened(page)
    expect(page.get_by_role("note")).to_contain_text("Stand-in for the public Hub")
    screenshot(page, "components-stand-in")
    axe(page)


@pytest.mark.usefixtures("many_entries")
@pytest.mark.parametrize("width", [360, 768, 1024, 1160])
def test_the_bar_fits_every_width(open_page, opened, fits, width, screenshot):
    page = opened(open_page(viewport={"width": width, "height": 700}))
    fits(page)
    if width <= 1152:
        page.get_by_label("Menu").click()
        expect(page.get_by_role("navigation", name="Main, folded").get_by_text("Licenses")).to_be_visible()
        fits(page)
    screenshot(page, f"bar-{width}", whole=False)


def test_a_page_that_does_not_exist_says_so(page, live_server, axe, screenshot):
    page.goto(f"{live_server.url}/nowhere")
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()
    screenshot(page, "not-found")
    axe(page)
