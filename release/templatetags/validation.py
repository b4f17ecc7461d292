"""Numbers of tensors as pages show them: `{% load validation %}`."""

from __future__ import annotations

from django import template

from web import formatting

register = template.Library()

NOTHING = "–"
LARGE = ((10**12, "T"), (10**9, "B"), (10**6, "M"))


@register.filter
def measure(value: float | None) -> str:
    """`{{ row.low|measure }}`: a value with four digits that count, or a dash where nobody measured it."""
    if value is None:
        return NOTHING
    return f"{value:.4g}".replace("-", "\u2212")


@register.filter
def share(value: float | None) -> str:
    """`{{ row.zero_share|share }}`: a share as percent; what is little but not nothing says so."""
    if value is None:
        return NOTHING
    if value == 0:
        return "0 %"
    return "< 0.1 %" if value < 0.001 else f"{100 * value:.3g} %"


@register.filter
def of(part: float | None, whole: float | None) -> str:
    """`{{ bytes|of:total }}`: how much of a whole, as percent; rounded, unlike progress."""
    return NOTHING if part is None or not whole else share(part / whole)


@register.filter
def short(count: int | None) -> str:
    """`{{ parameters|short }}`: a count as people say it, 8.03 B."""
    if count is None:
        return NOTHING
    for size, unit in LARGE:
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return formatting.thousands(count)
