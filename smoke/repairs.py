"""Would the model be better with one thing undone? Damage that can be undone needs no reference to be proven.

Owns: a list of simple changes that can be taken back (transpose, swap, turn, negate, rescale, another base of rotary
angles ...), trying them at run time within a time budget, and what each one gained. Refuses to own: what gain is too
much (`smoke.verdict`). Imports torch: only the confined process imports this module.

A trained model sits in a minimum of its loss: no such change helps it. One that clearly helps is most likely the
inverse of something that was done to the weights after training. Losses are compared token by token, on the text that
the model reads best, each at its own best temperature: a model put to foreign text is too sure of itself, and there
anything that blurs its predictions would look like a cure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from smoke import scoring
from smoke.budget import Budget
from smoke.edits import Edit, listed

TEMPERATURES = (1.0, 1.25, 1.6, 2.2, 3.5)
LOOKS = (192, 768, 2048)
"""Tokens for a first glance, that rejects most changes, and for longer looks at those that seem to help."""

LEAST, USUAL = 48, 60_000
"""Tokens of a look at least, and of a usual search in all."""

NOTED_SHARE = 0.001
"""Share of the loss below which a gain is of no interest."""

PROVEN_SHARE, PROVEN_ERRORS = 0.05, 8.0
"""A gain that ends the search: nothing more needs to be known."""

KEPT = 12
"""Changes that are reported, the best first."""


def measure(
    model: Any,
    windows: Sequence[Sequence[int]],
    *,
    budget_seconds: float,
    progress: Callable[[int, int], None],
    ask: scoring.Ask = scoring.causal,
) -> dict[str, Any]:
    """The changes that gained most, in nats for each token, and how many were tried in the time given.

    `windows` may be of many texts: those that the model reads best are used.
    """
    budget = Budget(budget_seconds, model)
    share = affordable(model, windows, ask, budget_seconds)
    chosen = best_read(model, lengths(windows, max(LOOKS[0], int(share * LOOKS[-1] * 4))), ask)
    if not chosen:
        return {"skipped": "The text is too short."}
    sizes = [max(LEAST, int(share * tokens)) for tokens in LOOKS]
    looks = [(part := lengths(chosen, tokens), losses(model, part, ask)) for tokens in sizes]
    whole = looks[-1][1]
    base = float(whole.mean(dim=0).min())
    edits = sorted(listed(model), key=lambda edit: edit.rank)
    tried = 0
    found: list[dict[str, Any]] = []
    for edit in edits:
        if budget.is_over:
            break
        tried += 1
        progress(tried, len(edits))
        gain, error = look(model, edit, looks, ask, base)
        if gain > 0:
            found.append({"family": edit.family, "where": edit.where, "nats": gain, "error": error})
            if gain > PROVEN_SHARE * base and gain > PROVEN_ERRORS * error:
                break
    found.sort(key=lambda gain: gain["nats"], reverse=True)
    families: dict[str, int] = {}
    for edit in edits[:tried]:
        families[edit.family] = families.get(edit.family, 0) + 1
    return {
        "nats_per_token": base,
        "temperature": TEMPERATURES[int(whole.mean(dim=0).argmin())],
        "tokens": len(whole),
        "tried": tried,
        "total": len(edits),
        "families": families,
        "gains": found[:KEPT],
        "seconds": budget.spent(),
    }


def affordable(model: Any, windows: Sequence[Sequence[int]], ask: scoring.Ask, budget_seconds: float) -> float:
    """Share of the usual text that the time allows: with a large model little text is better than no search."""
    first = [list(windows[0][: LOOKS[0]])] if windows and len(windows[0]) >= 2 else []
    if not first:
        return 1.0
    losses(model, first, ask)  # the first pass pays for set-up that later ones do not
    pass_alone = Budget(budget_seconds, model)
    losses(model, first, ask)
    each = pass_alone.spent() / len(first[0])
    return min(1.0, budget_seconds / max(each, 1e-9) / USUAL)


def look(
    model: Any, edit: Edit, looks: Sequence[tuple[list[list[int]], torch.Tensor]], ask: scoring.Ask, base: float
) -> tuple[float, float]:
    """Gain of one change and its standard error, on as much text as it takes to be sure that there is none."""
    gain, error = 0.0, 0.0
    with torch.inference_mode(), edit.change():
        for number, (windows, before) in enumerate(looks):
            gain, error = compared(before, losses(model, windows, ask))
            if not math.isfinite(gain):
                return 0.0, 0.0
            least = -0.5 if number == 0 else 1.0
            if gain < least * error or gain + 3 * error < NOTED_SHARE * base:
                break
    return gain, error


def best_read(model: Any, windows: Sequence[Sequence[int]], ask: scoring.Ask) -> list[list[int]]:
    """The windows with the lowest loss, as many as are used at most: text near to what the model was trained on."""
    scored = [(float(losses(model, [w], ask)[:, 0].mean()), list(w)) for w in windows if len(w) >= 16]
    scored.sort(key=lambda pair: pair[0])
    return lengths([window for _, window in scored], LOOKS[-1])


def lengths(windows: Sequence[Sequence[int]], tokens: int) -> list[list[int]]:
    """The first windows, so many tokens in all."""
    taken: list[list[int]] = []
    left = tokens
    for window in windows:
        if left < 16:
            break
        taken.append(list(window[:left]))
        left -= len(taken[-1])
    return taken


def losses(model: Any, windows: Sequence[Sequence[int]], ask: scoring.Ask) -> torch.Tensor:
    """Loss of each token at each temperature."""
    device = next(model.parameters()).device
    out = []
    with torch.inference_mode():
        for window in windows:
            logits, targets = ask(model, torch.tensor([list(window)], device=device))
            for start in range(0, len(targets), scoring.SLICE):
                piece, wanted = logits[start : start + scoring.SLICE].float(), targets[start : start + scoring.SLICE]
                own = piece.gather(1, wanted[:, None])
                out.append(torch.cat([torch.logsumexp(piece / t, dim=-1, keepdim=True) - own / t for t in TEMPERATURES],
                                     dim=1).cpu())  # fmt: skip
    return torch.cat(out)


def compared(before: torch.Tensor, after: torch.Tensor) -> tuple[float, float]:
    """Gain in nats for each token, both at their best temperature, and its standard error."""
    ours, theirs = before[:, before.mean(dim=0).argmin()], after[:, after.mean(dim=0).nan_to_num(1e9).argmin()]
    gain = (ours - theirs).double()
    return float(gain.mean()), float(gain.std() / math.sqrt(len(gain)))
