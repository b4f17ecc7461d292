"""A real Chromium for the tests: pages in light, dark and 360 px wide, axe, and screenshots on demand.

Owns the browser. What runs behind the pages is each test's own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "tests" / "browser" / "vendor" / "axe-core-4.14.1" / "axe.min.js"
SCREENSHOTS = ROOT / "var" / "screenshots"
LOCAL = ("localhost", "127.0.0.1", "::1")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# What is looked at is what was drawn last, picture or not.
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))"
# A busy machine may take its time; only what fails waits so long.
PATIENCE_MS = 15_000
REPEATED = ("Failed to load resource", "Response Status Error Code", "htmx:afterRequest", "htmx:sendError")
LOOKS = {
    "page": ("light", 1280, 900),
    "dark-page": ("dark", 1280, 900),
    "small-page": ("light", 360, 780),
    "small-dark-page": ("dark", 360, 780),
}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test in this folder drives a browser, and is left out, loudly, where there is none."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for the run; each page gets a context of its own."""
    # Playwright keeps an event loop running in this thread, which Django would take for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield started
        started.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def _stay_local(route: Route) -> None:
    """No page may call out: what is not served by us is a fault, not a dependency."""
    url = urlsplit(route.request.url)
    if url.scheme in {"data", "blob"} or url.hostname in LOCAL:
        route.continue_()
    else:
        route.abort()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages in contexts of their own, with any option of `Browser.new_context`.

    What the browser's console reports as an error, a refused script or style among it, fails the test.
    """
    contexts, faults = [], []

    def opened(**options: object) -> Page:
        context = browser.new_context(**{"reduced_motion": "reduce", "locale": "en-US", **options})
        context.set_default_timeout(PATIENCE_MS)
        context.route("**/*", _stay_local)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if _is_fault(said) else None)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not faults, "\n".join(faults)


def _is_fault(said: object) -> bool:
    """Errors, but not those by which the browser and htmx repeat a status that the test asked for."""
    return said.type == "error" and not said.text.startswith(REPEATED)


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """A page in light colors, wide."""
    return open_page(color_scheme="light", viewport={"width": 1280, "height": 900})


@pytest.fixture
def dark_page(open_page: Callable[..., Page]) -> Page:
    """A page in dark colors, wide."""
    return open_page(color_scheme="dark", viewport={"width": 1280, "height": 900})


@pytest.fixture
def small_page(open_page: Callable[..., Page]) -> Page:
    """A page as a telephone shows it: 360 px wide."""
    return open_page(color_scheme="light", viewport={"width": 360, "height": 780}, device_scale_factor=2)


@pytest.fixture
def small_dark_page(open_page: Callable[..., Page]) -> Page:
    """A telephone in dark colors."""
    return open_page(color_scheme="dark", viewport={"width": 360, "height": 780}, device_scale_factor=2)


@pytest.fixture
def axe() -> Callable[[Page], None]:
    """Check a page with axe-core and fail with what it found; rules for WCAG 2.2 AA and good practice."""

    def check(page: Page) -> None:
        if not page.evaluate("typeof axe === 'object'"):
            page.evaluate(AXE.read_text(encoding="utf-8"))  # by the debugger, which the page's CSP does not bind
        found = page.evaluate(
            "(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}})"
            ".then(result => result.violations.map(v => ({id: v.id, help: v.help,"
            " nodes: v.nodes.map(n => n.target.join(' ') + ': ' + n.failureSummary)})))",
            WCAG,
        )
        told = [f"{one['id']}: {one['help']}\n  " + "\n  ".join(one["nodes"][:8]) for one in found]
        assert not told, f"axe on {page.url}:\n" + "\n".join(told)

    return check


@pytest.fixture
def fits() -> Callable[[Page], None]:
    """Fail where a page must be scrolled sideways, and name what sticks out; and where the open tab is out of sight."""

    def check(page: Page) -> None:
        wide = page.evaluate(
            "() => { const limit = document.documentElement.clientWidth;"
            " if (document.documentElement.scrollWidth <= limit) return [];"
            " return [...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > limit + 1)"
            ".slice(0, 8).map(e => e.tagName + '.' + e.className + ' ' + Math.round(e.getBoundingClientRect().right))"
            ".concat('text up to ' + document.documentElement.scrollWidth) }"
        )
        assert not wide, f"{page.url} is wider than the window: {wide}"
        out = page.evaluate(
            "() => [...document.querySelectorAll('.tabs [aria-current]')].filter(e => {"
            " const tab = e.getBoundingClientRect(), tabs = e.closest('.tabs').getBoundingClientRect();"
            " return tab.left < tabs.left - 1 || tab.right > tabs.right + 1 }).map(e => e.textContent.trim())"
        )
        assert not out, f"{page.url} hides the open tab: {out}"

    return check


@pytest.fixture
def look_over(axe, fits, screenshot) -> Callable[[Page, str], list[str]]:
    """Look at a page in both colors, wide and as on a telephone, without loading it anew; returns what is wrong."""

    def looking(page: Page, name: str) -> list[str]:
        page.evaluate("document.fonts.ready")
        faults = []
        for kind, (colors, width, height) in LOOKS.items():
            page.emulate_media(color_scheme=colors)
            page.set_viewport_size({"width": width, "height": height})
            screenshot(page, f"{name}-{kind}")
            for check in (axe, fits):
                try:
                    check(page)
                except AssertionError as fault:
                    faults.append(f"{name}, {kind}: {fault}")
        return faults

    return looking


@pytest.fixture
def sign_in(live_server: object) -> Callable[[Page, object], None]:
    """Sign a user in by giving the page their session; how the form signs in is told by its own test."""

    def give(page: Page, user: object) -> None:
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])

    return give


@pytest.fixture
def screenshot() -> Callable[..., Path]:
    """Save the page, or only what the window shows, under var/screenshots by name; only where SCREENSHOTS=1 asks."""

    def save(page: Page, name: str, *, whole: bool = True) -> Path:
        path = SCREENSHOTS / f"{name}.png"
        if os.environ.get("SCREENSHOTS") == "1":
            SCREENSHOTS.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=path, full_page=whole)
        else:
            page.evaluate(DRAWN)
        return path

    return save
