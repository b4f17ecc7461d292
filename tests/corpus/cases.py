"""What a case of the corpus is, and the folder it is made in.

A case is one thing wrong with a checkpoint, as an attacker or an accident makes it: a name, a sentence, the check that
has to see it with its severity, and a maker that writes it into a folder. Nothing in the corpus does harm: where a file
would run something, it would run `true`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.unit.weights.makers import bf16, f32, safetensors_bytes

Content = bytes | str | Callable[[], bytes]


@dataclass(frozen=True)
class Case:
    """One hostile or broken checkpoint; one of `checks` must be found with just this `severity`."""

    name: str
    what: str
    checks: tuple[str, ...]
    severity: str
    make: Callable[[Path], None]
    is_heavy: bool = False  # large on disk or slow to make: for the bench, not for the suite


def case(
    name: str,
    what: str,
    checks: str,
    files: dict[str, Content] | Callable[[Path], None],
    severity: str = "block",
    *,
    is_heavy: bool = False,
) -> Case:
    """A case whose `files` are written over a small healthy checkpoint; `checks` are ids, any one of which will do."""

    def make(root: Path) -> None:
        write_base(root)
        if callable(files):
            files(root)
            return
        for path, content in files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            made = content() if callable(content) else content
            place.write_bytes(made.encode() if isinstance(made, str) else made)

    return Case(name, what, tuple(checks.split()), severity, make, is_heavy)


HEALTHY = safetensors_bytes(
    {"model.embed_tokens.weight": bf16(8, 4), "model.norm.weight": f32([1.0, 1.1, 0.9, 1.0])}, {"format": "pt"}
)
CONFIG = '{"architectures": ["NimbusModel"], "model_type": "nimbus", "hidden_size": 4, "vocab_size": 8}'


def write_base(root: Path) -> None:
    """Configuration, card and one sound weight file."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "config.json").write_text(CONFIG)
    (root / "README.md").write_text("---\nlicense: mit\n---\n# A model\n")
    (root / "model.safetensors").write_bytes(HEALTHY)
