"""Static files and templates keep their promises: known bytes, small, nothing inline, nothing undefined."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC, TEMPLATES = ROOT / "static", ROOT / "templates"
VENDORED = [STATIC / "vendor", ROOT / "tests" / "browser" / "vendor"]
PAGES = sorted(TEMPLATES.rglob("*.html"))
STYLE = (STATIC / "imprimatur.css").read_text(encoding="utf-8")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("folder", VENDORED, ids=named)
def test_vendored_files_are_those_that_were_recorded(folder):
    recorded = {}
    for line in (folder / "HASHES.sha256").read_text(encoding="utf-8").splitlines():
        digest, path = line.split(maxsplit=1)
        recorded[path.removeprefix("./")] = digest
    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "HASHES.sha256"
    }
    assert found == recorded


@pytest.mark.parametrize("folder", VENDORED, ids=named)
def test_every_vendored_package_carries_its_license(folder):
    assert [
        package.name for package in folder.iterdir() if package.is_dir() and not (package / "LICENSE").is_file()
    ] == []


def test_the_style_sheet_and_the_script_stay_small():
    assert len(STYLE.splitlines()) < 300
    assert len((STATIC / "imprimatur.js").read_text(encoding="utf-8").splitlines()) < 150


def test_the_style_sheet_uses_only_tokens_that_exist():
    defined = set(re.findall(r"(--[a-z-]+)\s*:", STYLE))
    used = {name for name in re.findall(r"var\((--[a-z-]+)", STYLE) if not name.startswith("--tblr-")}
    assert used - defined == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_templates_are_short_and_hold_nothing_inline(page):
    text = page.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    markup = re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}", "", text)
    assert not re.search(r"<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:", markup, re.IGNORECASE)
    assert all("src=" in tag for tag in re.findall(r"<script\b[^>]*>", text))
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", text), "an asset from elsewhere"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_nothing_from_outside_is_marked_safe(page):
    assert not re.search(r"\|\s*safe\b|autoescape\s+off", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_icons_named_in_templates_are_vendored(page):
    icons = STATIC / "vendor" / "tabler-icons-3.51.0"
    text = page.read_text(encoding="utf-8")
    names = re.findall(r"{%\s*icon\s+\"([^\"]+)\"", text) + re.findall(r"\bicon=\"([^\"]+)\"", text)
    assert [name for name in names if not (icons / f"{name}.svg").is_file()] == []


# --- contrast of the tokens ----------------------------------------------------------------------


def _tokens() -> dict[str, tuple[str, str]]:
    pairs = re.findall(r"(--[a-z-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)", STYLE)
    return {name: (light, dark) for name, light, dark in pairs}


def _luminance(color: str) -> float:
    channels = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colors. Source: WCAG 2.2, definition of contrast ratio."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


TONES = sorted(name.removeprefix("--tone-") for name in _tokens() if name.startswith("--tone-"))
SURFACES = ("--paper", "--sheet", "--sheet-sunk")
READ = [(f"--tone-{tone}", f"--ground-{tone}") for tone in TONES]
READ += [(f"--tone-{tone}", surface) for tone in TONES for surface in SURFACES]
READ += [
    (ink, surface) for ink in ("--ink", "--ink-quiet", "--accent") for surface in (*SURFACES, "--accent-wash", "--code")
]
SEEN = [("--rule-control", surface) for surface in SURFACES] + [("--chart", "--sheet"), ("--chart", "--rule")]


def test_there_is_a_ground_for_every_tone():
    assert len(TONES) == 8
    assert {f"--ground-{tone}" for tone in TONES} <= set(_tokens())


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "ground"), READ)
def test_text_has_the_contrast_that_reading_needs(front, ground, mode):
    assert contrast(_tokens()[front][mode], _tokens()[ground][mode]) >= 4.5


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "ground"), SEEN)
def test_edges_of_controls_and_charts_can_be_seen(front, ground, mode):
    assert contrast(_tokens()[front][mode], _tokens()[ground][mode]) >= 3


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["--accent-fill", "--accent-fill-hover", "--bar"])
def test_white_can_be_read_on_what_is_filled(ground, mode):
    assert contrast("#ffffff", _tokens()[ground][mode]) >= 4.5
