"""Texts that models are measured on.

Owns: what a probe is, reading one from a file, and the general English text used where nobody declared one.
Refuses to own: scoring (`smoke.scoring`) and the rules on scores (`smoke.verdict`).
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smoke.by_token import TokenLosses

WINDOW = 256
LEAST_WINDOW, MOST_WINDOW = 2, 8192
LIMIT_BYTES = 256 << 10
LOSSES_BYTES = 64 << 10
"""What a list of losses may add to a file: three times what the longest takes."""
PLAIN = Path(__file__).with_name("probe.txt")
LANGUAGES = Path(__file__).with_name("languages.txt")


@dataclass(frozen=True)
class Probe:
    """A text, and optionally the bits per byte that its owner measured on it with the same window.

    A declared probe is in the model's own domain and was held out of its training; only then can the sharp rules apply.
    """

    text: str
    declared: bool = True
    bits_per_byte: float | None = None
    window: int = WINDOW
    token_losses: TokenLosses | None = None
    """The loss of every token that its owner measured, which shows what the mean of them hides."""

    @property
    def text_sha256(self) -> str:
        """The identity of the text, whatever was declared of it."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def declarations(self) -> dict[str, Any]:
        """What was declared of it, as measurements keep it."""
        losses = self.token_losses.to_json() if self.token_losses is not None else None
        return {"declared_bits_per_byte": self.bits_per_byte, "declared_token_losses": losses}

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        losses = self.token_losses.to_json() if self.token_losses is not None else None
        return {"text": self.text, "declared": self.declared, "bits_per_byte": self.bits_per_byte,
                "window": self.window, "token_losses": losses}  # fmt: skip

    @classmethod
    def plain(cls) -> Probe:
        """General English, for models whose owner declared no probe."""
        return cls(text=PLAIN.read_text(encoding="utf-8"), declared=False)

    @classmethod
    def from_json(cls, data: Any) -> Probe:
        """The probe in an object with `text` and optionally `bits_per_byte`, `window` and `token_losses`.

        ValueError naming the field where it is none.
        """
        if not isinstance(data, dict) or not isinstance(data.get("text"), str) or not data["text"].strip():
            raise ValueError("a probe is a JSON object with a non-empty 'text'")
        bits, window = data.get("bits_per_byte"), data.get("window", WINDOW)
        if bits is not None and not (isinstance(bits, (int, float)) and math.isfinite(bits) and bits > 0):
            raise ValueError("'bits_per_byte' of a probe is a positive number")
        if not isinstance(window, int) or not LEAST_WINDOW <= window <= MOST_WINDOW:
            raise ValueError(f"'window' of a probe is a number of tokens from {LEAST_WINDOW} to {MOST_WINDOW}")
        losses = data.get("token_losses")
        return cls(
            text=data["text"],
            bits_per_byte=float(bits) if bits is not None else None,
            window=window,
            token_losses=TokenLosses.from_json(losses) if losses is not None else None,
        )

    @classmethod
    def read(cls, path: Path) -> Probe:
        """The probe in a JSON file, or in a plain text file; ValueError if it is neither or too large."""
        is_json = path.suffix == ".json"
        most = LIMIT_BYTES + (LOSSES_BYTES if is_json else 0)
        if path.stat().st_size > most:
            raise ValueError(f"{path.name} is larger than {most} bytes")
        text = path.read_text(encoding="utf-8")
        return cls.from_json(json.loads(text) if is_json else {"text": text})


def languages() -> dict[str, str]:
    """One short text told in several languages and scripts, and some code, by language code."""
    pieces = LANGUAGES.read_text(encoding="utf-8").split("== ")[1:]
    return {name: text.strip() for name, _, text in (piece.partition("\n") for piece in pieces)}


TOPICS = ("compound", "typesseq", "exceptions", "assignment")
SOURCES = ("textwrap", "heapq", "string")
SHARE_BYTES = 3500


def familiar() -> list[str]:
    """Excerpts of Python's own documentation and source, as this machine has them.

    Nearly every model of language was trained on the like. They differ from one version of Python to the next, so no
    number that is compared between runs may rest on them.
    """
    texts = []
    try:
        topics = importlib.import_module("pydoc_data.topics").topics
        texts += [str(topics[name])[:SHARE_BYTES] for name in TOPICS if name in topics]
    except (ImportError, AttributeError):
        pass  # some distributions leave the help topics out
    for name in SOURCES:
        spec = importlib.util.find_spec(name)
        path = Path(spec.origin) if spec is not None and spec.origin else None
        if path is not None and path.suffix == ".py" and path.is_file():
            texts.append(path.read_text(encoding="utf-8")[:SHARE_BYTES])
    return texts
