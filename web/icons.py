"""Icons drawn inline from the vendored files; a name that was not vendored is a fault in the template."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

FOLDER = Path(__file__).resolve().parent.parent / "static" / "vendor" / "tabler-icons-3.51.0"
SHAPE = re.compile(r"<(?:path|circle|rect|line|polyline|ellipse)\b[^>]*/>")
NAME = re.compile(r"[a-z0-9-]+", re.ASCII)


class UnknownIcon(LookupError):
    """No vendored file has this name."""


@cache
def shapes(name: str) -> SafeString:
    """Return what is drawn inside the icon's frame."""
    path = FOLDER / f"{name}.svg"
    if not NAME.fullmatch(name) or not path.is_file():
        raise UnknownIcon(f"The icon {name!r} is not among the vendored ones; copy it from @tabler/icons.")
    drawn = SHAPE.findall(path.read_text(encoding="utf-8"))
    return mark_safe("".join(shape for shape in drawn if 'd="M0 0h24v24H0z"' not in shape))  # noqa: S308


def svg(name: str, *, label: str = "", css: str = "") -> SafeString:
    """Return the icon as SVG: hidden from readers of the screen unless it has a label of its own."""
    return format_html(
        '<svg class="icon{}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75"'
        ' stroke-linecap="round" stroke-linejoin="round" {}>{}</svg>',
        f" {css}" if css else "",
        format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"'),
        shapes(name),
    )
