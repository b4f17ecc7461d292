"""Names of tensors without their numbers: tens of thousands of names have a few dozen forms.

Owns the reduction. What a form means is asked by those who look at names with patterns, which cost ten microseconds for
each name; asked once for each form they cost nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_DIGITS = bytes.maketrans(b"123456789", b"000000000")


def form_of(name: str) -> str:
    """The name with every digit a zero."""
    return name.encode("utf-8", "surrogatepass").translate(_DIGITS).decode("utf-8", "surrogatepass")


def those(names: Iterable[str], pattern: re.Pattern[str]) -> list[str]:
    """The names in which `pattern` is found, which must not ask which digits stand in a name."""
    answers: dict[bytes, bool] = {}
    chosen = []
    for name in names:
        form = name.encode("utf-8", "surrogatepass").translate(_DIGITS)
        answer = answers.get(form)
        if answer is None:
            answer = answers[form] = pattern.search(form.decode("utf-8", "surrogatepass")) is not None
        if answer:
            chosen.append(name)
    return chosen
