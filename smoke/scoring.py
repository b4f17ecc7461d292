"""Likelihood of a text under a model: the arithmetic every text metric rests on.

Owns: cutting a text into windows, summing losses in slices of bounded memory, byte counts.
Refuses to own: what a good value is (`smoke.verdict`) and loading the model (`smoke.loading`).
Imports torch inside functions only, so that the package imports without it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

SLICE = 256
"""Positions whose logits are held at once: with a large vocabulary they are the biggest memory term of all."""


@dataclass(frozen=True)
class Windows:
    """Token ids of a text, cut into windows; the first token of each window is context and is not scored."""

    ids: tuple[tuple[int, ...], ...]
    scored_bytes: int
    text_bytes: int
    byte_entropy_bits: float
    """Entropy of the text's single bytes: what a model that has learned nothing but byte frequencies would need."""

    @property
    def scored(self) -> int:
        """Number of tokens scored."""
        return sum(len(window) - 1 for window in self.ids)

    @property
    def unigram_nats(self) -> float:
        """Entropy in nats of the text's own single tokens."""
        return entropy([i for window in self.ids for i in window[1:]])


@dataclass(frozen=True)
class Score:
    """Sums over all scored tokens of one text."""

    nats: float
    entropy_nats: float
    tokens: int
    scored_bytes: int
    finite: bool
    each: tuple[float, ...] = ()
    """Loss of every scored token, in order."""

    @property
    def nats_per_token(self) -> float:
        """Mean loss."""
        return self.nats / self.tokens if self.tokens else math.nan

    @property
    def mean_entropy(self) -> float:
        """Mean entropy of the predictions, nats."""
        return self.entropy_nats / self.tokens if self.tokens else math.nan

    @property
    def bits_per_byte(self) -> float:
        """Loss per byte of text: comparable between tokenizers."""
        return self.nats / math.log(2) / self.scored_bytes if self.scored_bytes else math.nan


def entropy(symbols: Sequence[int]) -> float:
    """Entropy in nats of the symbols' own frequencies."""
    total = len(symbols)
    return -sum(n / total * math.log(n / total) for n in Counter(symbols).values()) if total else 0.0


def encode(tokenizer: Any, text: str, *, window: int, limit: int = 2048) -> Windows:
    """Windows over at most `limit` tokens of the text, each begun with the token that the tokenizer begins with."""
    offsets: list[tuple[int, int]] | None
    if getattr(tokenizer, "is_fast", False):
        encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ids, offsets = encoded["input_ids"][:limit], encoded["offset_mapping"][:limit]
    else:
        ids, offsets = tokenizer(text, add_special_tokens=False)["input_ids"][:limit], None
    return cut(text, list(ids), offsets, beginning(tokenizer), window)


def beginning(tokenizer: Any) -> int | None:
    """The token that this tokenizer puts before every text, or None; having such a token does not mean using it."""
    bare, whole = tokenizer("a", add_special_tokens=False)["input_ids"], tokenizer("a")["input_ids"]
    return int(whole[0]) if len(whole) > len(bare) and list(whole[: len(bare)]) != list(bare) else None


def cut(text: str, ids: list[int], offsets: list[tuple[int, int]] | None, begin: int | None, window: int) -> Windows:
    """Cuts ids into windows and counts the bytes that their scored tokens stand for."""
    step = window - 1 if begin is not None else window
    raw = text.encode()
    if offsets:
        edges = [0]
        for char in text:
            edges.append(edges[-1] + len(char.encode()))
        # bytes up to the end of each token; byte-level tokens inside one character share its end
        ends = [edges[end] for _, end in offsets]
    else:
        ends = [round(len(raw) * (i + 1) / len(ids)) for i in range(len(ids))] if ids else []
    windows: list[tuple[int, ...]] = []
    scored_bytes = 0
    for start in range(0, len(ids), step):
        piece = ids[start : start + step]
        whole = (begin, *piece) if begin is not None else tuple(piece)
        if len(whole) < 2:
            continue
        windows.append(whole)
        first = start if begin is not None else start + 1
        scored_bytes += ends[start + len(piece) - 1] - (ends[first - 1] if first else 0)
    covered = raw[: ends[-1]] if ends else b""
    return Windows(tuple(windows), scored_bytes, len(covered), entropy(covered) / math.log(2))


Ask = Callable[[Any, Any], tuple[Any, Any]]
"""From a model and one row of ids to logits and the ids that they should have foretold, position by position."""


def causal(model: Any, inputs: Any) -> tuple[Any, Any]:
    """Each token from those before it."""
    return model(input_ids=inputs, use_cache=False).logits[0, :-1], inputs[0, 1:]


def halves(model: Any, inputs: Any) -> tuple[Any, Any]:
    """The second half from the first, through encoder and decoder."""
    target = second_half(inputs[0])
    source = inputs[:, : inputs.shape[1] - len(target)]
    return model(input_ids=source, labels=target[None]).logits[0], target


def second_half(window: Any) -> Any:
    """What an encoder-decoder is asked to foretell of a window."""
    return window[len(window) // 2 :]


def hidden(mask: int, every: int = 7) -> Ask:
    """Some tokens, evenly spaced and hidden behind the mask, from those on both sides."""

    def ask(model: Any, inputs: Any) -> tuple[Any, Any]:
        start = 1 + int(inputs[0, 1:].sum()) % every
        masked = inputs.clone()
        masked[0, start::every] = mask
        return model(input_ids=masked).logits[0, start::every], inputs[0, start::every]

    return ask


def score(model: Any, windows: Windows) -> Score:
    """Loss and entropy of the model over all windows, one window at a time."""
    return score_ids(model, windows.ids, windows.scored_bytes)


def score_ids(model: Any, ids: Iterable[Sequence[int]], scored_bytes: int = 0, ask: Ask = causal) -> Score:
    """As `score`, for windows of ids whose bytes the caller counted."""
    import torch

    nats = spread = 0.0
    each: list[float] = []
    is_finite = True
    device = next(model.parameters()).device
    with torch.inference_mode():
        for window in ids:
            logits, targets = ask(model, torch.tensor([list(window)], device=device))
            for start in range(0, len(targets), SLICE):
                piece = logits[start : start + SLICE].float()
                if not bool(torch.isfinite(piece).all()):
                    is_finite = False
                logs = torch.log_softmax(piece, dim=-1)
                own = logs.gather(1, targets[start : start + SLICE, None])
                nats -= float(own.sum())
                each += [-value for value in own[:, 0].tolist()]
                spread -= float((logs.exp() * logs).nan_to_num(0.0).sum())
    return Score(nats, spread, len(each), scored_bytes, is_finite, tuple(each))
