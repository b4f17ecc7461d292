"""The part of the published card that says on what the weights were tested, and on what they run. Pure: facts in, text
out.

It stands between two comments, so that the next release finds and replaces it; what a person wrote is never touched.
Words from reports were said by a process that ran an untrusted checkpoint: none reaches the card as markup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from web.formatting import size

BEGIN, END = "<!-- imprimatur: tested on -->", "<!-- end of imprimatur: tested on -->"
MARKUP = re.compile(r"[^\w .,:;+()/@%–-]")
WORDS_MOST = 80
OUTCOMES = {"pass": "Pass", "warn": "Pass, with warnings", "fail": "Fail"}


@dataclass(frozen=True)
class Trial:
    """One run as the card tells of it."""

    outcome: str
    device: str
    quantization: str
    made_on: date
    checkpoint: str
    report: str
    bits_per_byte: float | None = None
    tokens_per_second: float | None = None
    versions: Mapping[str, str] | None = None


def section(tested: Trial | None, hardware: Sequence[Mapping[str, Any]]) -> str:
    """The section for these facts; empty where there are none."""
    parts = ([_tested(tested)] if tested else []) + ([_hardware(hardware)] if hardware else [])
    return "\n".join([BEGIN, "\n\n".join(parts), END]) if parts else ""


def with_section(card: str, made: str, *, before: str) -> str:
    """The card with this section in place of an earlier one, ahead of the heading `before` or at its end.

    Without a section the earlier one goes; a card that has none and gets none keeps its bytes.
    """
    rest = without_section(card)
    if not made:
        return card if rest == card else f"{rest.rstrip()}\n"
    found = re.search(rf"^{re.escape(before)}[ \t]*$", rest, re.MULTILINE)
    if found is None:
        return f"{rest.rstrip()}\n\n{made}\n"
    return f"{rest[: found.start()].rstrip()}\n\n{made}\n\n{rest[found.start() :]}"


def without_section(card: str) -> str:
    """The card without such sections; one that is begun and never ended is left as a person's."""
    kept, at = [], 0
    while (begin := card.find(BEGIN, at)) >= 0 and (end := card.find(END, begin)) >= 0:
        kept.append(card[at:begin].rstrip("\n"))
        at = end + len(END)
        while card.startswith("\n", at):
            at += 1
    return "\n\n".join([*kept, card[at:]]) if kept else card


def _tested(one: Trial) -> str:
    versions = ", ".join(f"{_plain(name)} {_plain(value)}" for name, value in (one.versions or {}).items())
    rows = [
        ("Outcome", OUTCOMES.get(one.outcome, "Not run")),
        ("Device", _plain(one.device)),
        ("Quantization", _plain(one.quantization)),
        ("Bits per byte", "" if one.bits_per_byte is None else f"{one.bits_per_byte:.4f}"),
        ("Tokens per second", "" if one.tokens_per_second is None else f"{one.tokens_per_second:.1f}"),
        ("Versions", versions),
        ("Date", f"{one.made_on:%Y-%m-%d}"),
        ("Checkpoint", f"`{one.checkpoint}`"),
        ("Report", f"`{one.report}`"),
    ]
    lines = [f"| {label} | {value} |" for label, value in rows if value]
    text = "Before release these weights were loaded, quantized, and run in a process without network."
    return "\n".join(["## Tested on", "", text, "", "| | |", "|---|---|", *lines])


def _hardware(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for row in rows:
        fits = row.get("fits_gigabytes", {})
        weights = row.get("weights_bytes")
        cells = [_plain(str(row.get("quantization"))), size(weights if isinstance(weights, int) else None)]
        cells += [f"{fits[kind][0]} GB" if fits.get(kind) else "more than common" for kind in ("cpu", "cuda")]
        lines.append(f"| {' | '.join(cells)} |")
    head = "| Precision | Weights | Machine with at least | Accelerator with at least |"
    note = "Computed from the sizes of the tensors, with a margin, for a short context."
    return "\n".join(["## Hardware", "", head, "|---|---|---|---|", *lines, "", note])


def _plain(text: str) -> str:
    """Words without anything that means something in a card."""
    return " ".join(MARKUP.sub(" ", text).split())[:WORDS_MOST].replace("--", "-")
