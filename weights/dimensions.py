"""The numbers of a model's configuration under one name each, whatever its family calls them.

Owns the synonyms and what follows from several numbers. Says nothing of tensors; see `architectures`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# One letter or two for each number that shapes are made of, and the keys that state it. Where two of them disagree one
# is left over from another family, and nobody can say which: the number is then unknown.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "H": ("hidden_size", "n_embd", "d_model", "dim"),
    "A": ("num_attention_heads", "n_head", "n_heads", "num_heads"),
    "I": ("intermediate_size", "ffn_dim", "d_ff"),
    "N": ("n_inner",),
    "F": ("hidden_dim",),
    "V": ("vocab_size",),
    "P": ("max_position_embeddings", "n_positions"),
    "E": ("embedding_size", "word_embed_proj_dim"),
    "T": ("type_vocab_size",),
    "QR": ("q_lora_rank",),
    "KR": ("kv_lora_rank",),
    "VD": ("v_head_dim",),
}
LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "depth")
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")


class Dimensions:
    """Looks up sizes such as `A*D`; what the configuration does not state is None, and is then not checked."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._sizes = {name: self._first(keys) for name, keys in _KEYS.items()}
        self._sizes |= self._derived()

    def number(self, key: str) -> int | None:
        """A positive number of the configuration."""
        value = self._config.get(key)
        return value if type(value) is int and value > 0 else None

    def is_off(self, *keys: str) -> bool:
        """Whether the configuration sets one of `keys` to false."""
        return any(self._config.get(key) is False for key in keys)

    def layers(self, key: str | None) -> int | None:
        """How many layers the stack has: by its own key, or by the usual ones."""
        return self.number(key) if key else self._first(LAYERS)

    def size(self, expression: str) -> int | None:
        """A product of names and plain numbers."""
        product = 1
        for factor in expression.split("*"):
            value = int(factor) if factor.isdigit() else self._sizes.get(factor)
            if value is None:
                return None
            product *= value
        return product

    def shape(self, expression: str) -> tuple[int | None, ...]:
        """`A*D,H` as numbers."""
        return tuple(self.size(part) for part in expression.split(","))

    def _first(self, keys: tuple[str, ...]) -> int | None:
        found = {number for key in keys if (number := self.number(key)) is not None}
        return found.pop() if len(found) == 1 else None

    def _derived(self) -> dict[str, int | None]:
        sizes = self._sizes
        hidden, heads = sizes["H"], sizes["A"]
        width = self.number("head_dim") or self.number("d_kv")
        if width is None and hidden is not None and heads is not None and hidden % heads == 0:
            width = hidden // heads
        groups = self.number("num_key_value_heads") or heads
        rope, plain, value = self.number("qk_rope_head_dim"), self.number("qk_nope_head_dim"), sizes["VD"]
        return {
            "D": width,
            "K": groups,
            "E": sizes["E"] or hidden,
            "I4": sizes["I"] or _times(4, hidden),
            "N4": sizes["N"] or _times(4, hidden),
            "QKV": _plus(_times(heads, width), _times(2, _times(groups, width))),
            "QD": _plus(plain, rope),
            "NV": _plus(plain, value),
            "KRR": _plus(sizes["KR"], rope),
        }


def nested(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The parts of a model of several towers: key without `_config`, and the part's own configuration."""
    for key, value in config.items():
        if key.endswith("_config") and isinstance(value, dict) and isinstance(value.get("model_type"), str):
            yield key.removesuffix("_config"), value


def impossible(config: Mapping[str, Any]) -> Iterator[str]:
    """Sentences on sizes of the model that are no positive numbers; a list or null leaves the size to others."""
    for key in (
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "vocab_size",
        "head_dim",
    ):
        value = config.get(key)
        if isinstance(value, str | bool | float | dict) or (isinstance(value, int) and value <= 0):
            yield f"`{key}` is {value!r}; it has to be a positive number."
    heads, groups = config.get("num_attention_heads"), config.get("num_key_value_heads")
    if type(heads) is int and type(groups) is int and heads > 0 and groups > 0 and heads % groups:
        yield f"{heads} heads cannot share {groups} keys and values evenly."


def experts(config: Mapping[str, Any]) -> int | None:
    """How many experts each mixture has, where one number says so."""
    found = {value for key in EXPERTS if type(value := config.get(key)) is int and value > 0}
    return found.pop() if len(found) == 1 else None


def _times(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left * right


def _plus(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left + right
