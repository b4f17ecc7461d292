"""Which tensors an adapter changes, and whether they are those of the base it is put on.

Owns: the settings and headers of low-rank adapters as PEFT writes them, and finding for each change the matrix of the
base that it fits. Refuses to own: the numbers (`smoke.merging`) and kinds of adapters that cannot be merged exactly,
which are refused by name. Nothing here imports torch or PEFT.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
FLIPPED = ("gpt2", "openai-gpt", "imagegpt", "decision_transformer")
"""Architectures that keep their matrices the other way round: of a square one, its shape does not tell."""

_PREFIX = "base_model.model."
_LOW_RANK = re.compile(
    r"(?P<module>.+)\.(?:(?P<part>lora_A|lora_B)(?:\.default)?\.weight|(?P<flat>lora_embedding_[AB])(?:\.default)?"
    r"|(?P<magnitude>lora_magnitude_vector)(?:\.default)?(?:\.weight)?)"
)
_ONLY_ON_THEIR_OWN = ("pissa", "olora", "loftq", "corda", "eva")
"""Beginnings that change the base itself: such adapters fit only a base that was changed in the same way."""


class AdapterError(Exception):
    """The adapter cannot be put on this base; `code` is stable, the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Change:
    """What happens to one tensor of the base: names of the adapter's tensors, and how they are scaled."""

    a: str
    b: str
    scale: float
    is_transposed: bool = False
    """Whether the product comes out the other way round, as for embeddings and GPT-2."""
    magnitude: str = ""


@dataclass(frozen=True)
class Adapter:
    """What an adapter does to a base: changes and replacements, each by the name of a tensor of the base."""

    declared_base: str
    revision: str
    changes: Mapping[str, Change] = field(default_factory=dict)
    replaced: Mapping[str, str] = field(default_factory=dict)


def declared_base(config: Mapping[str, Any]) -> str:
    """The name under which the adapter knows its base, for people."""
    return str(config.get("base_model_name_or_path") or "a model that it does not name")[:200]


def fit(
    config: Mapping[str, Any],
    own: Mapping[str, tuple[int, ...]],
    base: Mapping[str, tuple[int, ...]],
    model_type: str = "",
) -> Adapter:
    """The adapter with these settings and shapes on a base with these shapes; AdapterError where it does not fit."""
    _refuse_what_cannot_be_merged(config)
    pairs, replaced = _sorted(own)
    owners = _Names(base)
    changes = {}
    for module, parts in pairs.items():
        name = owners.find(f"{module}.weight")
        if name is None:
            raise AdapterError("wrong_base", f"The adapter changes {module}, which this base does not have.")
        changes[name] = _change(config, module, parts, own, base[name], model_type in FLIPPED)
    found = {}
    for wanted, source in replaced.items():
        # heads that only the adapter has are new tensors, not replaced ones
        found[owners.find(wanted) or wanted] = source
    return Adapter(declared_base(config), str(config.get("revision") or ""), changes, found)


def _refuse_what_cannot_be_merged(config: Mapping[str, Any]) -> None:
    kind = str(config.get("peft_type"))
    if kind != "LORA":
        raise AdapterError("unsupported_adapter", f"Adapters of the kind {kind[:40]} are not run, only LORA.")
    begun = config.get("init_lora_weights")
    if isinstance(begun, str) and begun.lower().startswith(_ONLY_ON_THEIR_OWN):
        reason = (
            f"It was begun by {begun[:40]}, which changes the base as well; convert it to plain LoRA when saving it."
        )
        raise AdapterError("unsupported_adapter", reason)
    for name in ("target_parameters", "alora_invocation_tokens", "trainable_token_indices", "layer_replication"):
        if config.get(name):
            raise AdapterError("unsupported_adapter", f"Adapters that set {name} are not run.")


def _sorted(own: Iterable[str]) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Low-rank parts by module, and whole tensors by their name in the base."""
    pairs: dict[str, dict[str, str]] = {}
    replaced: dict[str, str] = {}
    for name in own:
        plain = name.removeprefix(_PREFIX)
        match = _LOW_RANK.fullmatch(plain)
        if match:
            part = match["part"] or match["flat"] or match["magnitude"]
            pairs.setdefault(match["module"].removesuffix(".base_layer"), {})[part] = name
        elif "lora_" in plain:
            raise AdapterError("unsupported_adapter", f"It holds {name[:120]}, which is not known how to merge.")
        else:
            replaced[re.sub(r"\.(?:base_layer|modules_to_save(?:\.default)?)(?=\.)", "", plain)] = name
    return pairs, replaced


def _change(
    config: Mapping[str, Any],
    module: str,
    parts: Mapping[str, str],
    own: Mapping[str, tuple[int, ...]],
    shape: tuple[int, ...],
    is_flipped: bool,
) -> Change:
    is_flat = "lora_embedding_A" in parts
    a, b = (parts.get(f"lora_embedding_{x}" if is_flat else f"lora_{x}") for x in "AB")
    if a is None or b is None:
        raise AdapterError("incomplete_adapter", f"One half of what it changes in {module} is missing.")
    left, right = own[b], own[a]
    if len(left) != 2 or len(right) != 2 or len(shape) != 2 or left[1] != right[0]:
        raise AdapterError("unsupported_adapter", f"What it changes in {module} is no product of two matrices.")
    natural, flipped = (left[0], right[1]), (right[1], left[0])
    is_transposed = is_flat or (natural != shape and flipped == shape) or (natural == flipped and is_flipped)
    expected = flipped if is_transposed else natural
    if expected != shape:
        raise AdapterError("wrong_base", f"{module} is {shape} in this base, and the adapter was made for {expected}.")
    magnitude = parts.get("lora_magnitude_vector", "")
    if magnitude and (is_transposed or math.prod(own[magnitude]) != shape[0]):
        raise AdapterError("unsupported_adapter", f"The magnitudes for {module} are not known how to merge.")
    return Change(a, b, _scale(config, module, right[0]), is_transposed, magnitude)


def _scale(config: Mapping[str, Any], module: str, rank: int) -> float:
    alpha = config.get("lora_alpha", 8)
    patterns = config.get("alpha_pattern")
    for pattern, value in (patterns if isinstance(patterns, dict) else {}).items():
        # patterns are regular expressions to PEFT; from an untrusted file only plain paths are taken for what they say
        plain = str(pattern).removeprefix("^").removesuffix("$")
        if re.search(r"[^\w.]", plain):
            raise AdapterError("unsupported_adapter", f"Its alpha_pattern is no plain path: {plain[:80]}")
        if module == plain or module.endswith("." + plain):
            alpha = value
            break
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or not math.isfinite(alpha) or rank < 1:
        raise AdapterError("unsupported_adapter", "Its lora_alpha is no number.")
    return float(alpha) / (math.sqrt(rank) if config.get("use_rslora") else rank)


class _Names:
    """Finds a tensor of the base by the name of its module: exactly, or with fewer or more names in front."""

    def __init__(self, base: Iterable[str]) -> None:
        self.all = set(base)
        self.tails: dict[str, list[str]] = {}
        for name in self.all:
            for tail in _tails(name):
                self.tails.setdefault(tail, []).append(name)

    def find(self, name: str) -> str | None:
        if name in self.all:
            return name
        longer = self.tails.get(name, [])
        if len(longer) == 1:
            return longer[0]
        return next((tail for tail in _tails(name) if tail in self.all and tail.count(".") >= 2), None)


def _tails(name: str) -> list[str]:
    """The name with one, two and three of its leading parts taken away."""
    parts = name.split(".")
    return [".".join(parts[i:]) for i in range(1, min(4, len(parts) - 1))]
