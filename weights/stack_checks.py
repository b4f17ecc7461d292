"""Do the layers have the parts and shapes that the configuration of a known architecture gives them?

Owns the comparison; what an architecture is made of stands in `architectures`. A tower that cannot be told from
another by its names is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from weights.architectures import STACKS, Stack
from weights.catalog.coherence import CT_ARCH, CT_EXTRA, CT_MISSING, CT_SHAPE, CT_TIED, CT_VOCAB
from weights.dimensions import LAYERS, Dimensions, experts, impossible, nested
from weights.findings import Check, Finding
from weights.quantization_checks import method_of, unpacked_shape
from weights.report import TensorRecord
from weights.stacks import LISTED_LIMIT, Layers, Tensors, is_uniform, modules_of
from weights.tensor_values import FLOATS

RECOGNIZED_SHARE = 0.6  # of a stack's modules must be there, for its layers to be taken for those of an architecture
SHAPED_METHODS = frozenset({"fp8", "gptq", "awq", "bitsandbytes", "compressed-tensors", "mxfp4", "fbgemm_fp8", None})

_SEEING = re.compile(r"vis|image|siglip|clip", re.IGNORECASE)
_EXPERT = re.compile(r"experts\.(?P<number>\d+)\.(?P<side>gate_proj|up_proj|down_proj|w1|w2|w3)\.weight$")
_CLASS_END = re.compile(r"(?<=[a-z0-9])(For[A-Z]|LMHead|DoubleHeads|Model|Encoder|Decoder|PreTrained)")
_BIASED_BY_CHOICE = frozenset(
    [
        "llama",
        "qwen3",
        "qwen3_moe",
        "granite",
        "seed_oss",
        "smollm3",
        "cohere",
        "cohere2",
        "olmo",
        "olmo2",
        "gemma",
        "gemma2",
        "gemma3_text",
    ]
)
_NEVER_TIED = ("ForCausalLM", "LMHeadModel")


def check_architecture(
    config: Mapping[str, Any], path: str, tensors: Tensors, stacks: Mapping[str, Layers]
) -> list[Finding]:
    """Findings on all stacks that are known, in the model itself and in its towers; `path` is the configuration's."""
    findings = [CT_SHAPE.at(path, message) for message in impossible(config)]
    towers = [("", config), *nested(config)]
    for key, part in towers:
        for stack in STACKS.get(str(part.get("model_type")), ()):
            layers = _find(stack, stacks, key, alone=len(towers) == 1)
            if layers is not None:
                model = {**config, **part} if key else part
                findings += _Tower(stack, model, path, tensors, layers).check()
            elif not key and stacks and (_is_whole(config) or _is_another(stack, stacks)):
                model_type = part.get("model_type")
                findings.append(CT_MISSING.at("", f"No tensors are named like the layers of {model_type!r}."))
    findings += _check_class(config, path)
    if not findings:
        findings += _check_count(config, path, stacks)
    return findings


def _is_whole(config: Mapping[str, Any]) -> bool:
    names = config.get("architectures")
    return isinstance(names, list) and any(str(name).endswith(_NEVER_TIED) for name in names)


def _is_another(stack: Stack, stacks: Mapping[str, Layers]) -> bool:
    """Whether the layers are wholly those of another architecture that is known."""
    modules = [set().union(*(modules_of(parts) for parts in layers.by_number.values())) for layers in stacks.values()]
    others = {id(other): other for known in STACKS.values() for other in known if other.place != stack.place}
    return any(found.issuperset(other.required) for other in others.values() for found in modules)


def _check_class(config: Mapping[str, Any], path: str) -> list[Finding]:
    """Whether the class and the type name one architecture: some loaders go by the one, some by the other."""
    own, names = str(config.get("model_type")), config.get("architectures")
    if own not in STACKS or not isinstance(names, list):
        return []
    flat = {key.replace("_", "").replace("-", ""): key for key in STACKS}
    for name in names:
        stem = _CLASS_END.split(str(name), maxsplit=1)[0].lower()
        if stem in flat and STACKS[flat[stem]] != STACKS[own]:
            return [CT_ARCH.at(path, f"The class is {name!r}; `model_type` is {own!r}.")]
    return []


def _find(stack: Stack, stacks: Mapping[str, Layers], key: str, *, alone: bool) -> Layers | None:
    """The one stack of tensors that this is, None if there is none or more than one."""
    required = stack.required
    found = []
    for place, layers in stacks.items():
        if place != stack.place and not place.endswith(f".{stack.place}"):
            continue
        if not alone and bool(_SEEING.search(place)) != (key == "vision"):
            continue
        modules = set().union(*(modules_of(parts) for parts in layers.by_number.values()))
        if sum(name in modules for name in required) >= RECOGNIZED_SHARE * len(required):
            found.append(layers)
    return found[0] if len(found) == 1 else None


def _check_count(config: Mapping[str, Any], path: str, stacks: Mapping[str, Layers]) -> list[Finding]:
    """Layers missing at the end, where an unknown architecture has one stack and one number for it."""
    stated = {value for key in LAYERS if type(value := config.get(key)) is int}
    long = [layers for layers in stacks.values() if layers.is_layered and is_uniform(layers)]
    if len(stated) != 1 or len(long) != 1 or list(nested(config)) or str(config.get("model_type")) in STACKS:
        return []
    count = stated.pop()
    numbers = long[0].by_number
    if max(numbers) + 1 >= count:
        return []
    message = f"The configuration gives {count} layers; {long[0].place} ends with layer {max(numbers)}."
    return [CT_MISSING.at(path, message)]


def _fits(shape: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    return len(shape) == len(expected) and all(
        want is None or have == want for have, want in zip(shape, expected, strict=True)
    )


def _misshapen(
    name: str, path: str, shape: tuple[int, ...], expected: tuple[int | None, ...], check: Check = CT_SHAPE
) -> Finding:
    shown = "[" + ", ".join("any" if size is None else str(size) for size in expected) + "]"
    return check.at(path, f"The shape is {list(shape)}; the configuration gives {shown}.", tensor=name)


class _Tower:
    """One known stack beside its tensors."""

    def __init__(self, stack: Stack, config: Mapping[str, Any], path: str, tensors: Tensors, layers: Layers) -> None:
        renamed = {key: config.get(name) for key, name in (stack.renamed or {}).items() if name in config}
        self._stack = stack
        self._config = {**config, **renamed}
        self._sizes = Dimensions(self._config)
        self._path = path
        self._tensors = tensors
        self._layers = layers
        self._base = layers.place.removesuffix(stack.place)
        method = method_of(config)
        named = method.get("quant_method") if method else None
        self._has_shapes = not method or (isinstance(named, str | None) and named in SHAPED_METHODS)
        self._method = method
        self._has_biases = not method and not self._sizes.is_off("attention_bias", "use_bias", "enable_bias", "bias")

        self._chosen_biases: frozenset[str] = frozenset()
        if not method and config.get("model_type") in _BIASED_BY_CHOICE and config.get("attention_bias") is True:
            self._chosen_biases = frozenset(f"self_attn.{side}_proj" for side in "qkv")

    def check(self) -> list[Finding]:
        """Missing parts, layers too many, shapes, and the head."""
        findings = list(islice(self._missing(), LISTED_LIMIT))  # layers are counted by a number that anyone may write
        findings += self._beyond() + self._foreign()
        if self._has_shapes:
            findings += islice(self._shapes(), LISTED_LIMIT)
        return findings + self._head()

    def _missing(self) -> Iterator[Finding]:
        count = self._sizes.layers(self._stack.layers_key)
        for number in range(count or 0):
            parts = self._layers.by_number.get(number, {})
            modules = modules_of(parts)
            is_mixed = self._stack.mixture and any("experts" in name or "moe" in name for name in modules)
            for name in self._stack.parts:
                module = name.rstrip("+?")
                if name.endswith("?") or (is_mixed and module.startswith("mlp.")) or self._may_lack(module):
                    continue
                place = f"{self._layers.place}.{number}.{module}"
                if module not in modules:
                    yield CT_MISSING.at("", "No file has this tensor.", tensor=place)
                elif (
                    (name.endswith("+") and self._has_biases) or module in self._chosen_biases
                ) and f"{module}.bias" not in modules:
                    yield CT_MISSING.at("", "No file has this tensor.", tensor=f"{place}.bias")
            if self._stack.mixture and not is_mixed and "mlp.gate_proj" not in modules:
                yield CT_MISSING.at("", f"Layer {number} has neither experts nor a dense part.")
            if is_mixed:
                yield from self._experts(number, parts)
        outside = modules_of(self._tensors) if self._stack.outer else set()
        for name in self._stack.outer:
            module = self._base + name.rstrip("+?")
            if not name.endswith("?") and module not in outside and not self._may_lack(module):
                yield CT_MISSING.at("", "No file has this tensor.", tensor=module)

    def _may_lack(self, module: str) -> bool:
        return "norm" in module.lower() and self._sizes.is_off("layer_norm_elementwise_affine", "use_qk_norm")

    def _experts(self, number: int, parts: Mapping[str, object]) -> Iterator[Finding]:
        expected = experts(self._config)
        numbers = {int(found["number"]) for part in parts if (found := _EXPERT.search(part))}
        if expected is not None and numbers and max(numbers) + 1 != expected:
            message = f"The configuration gives {expected} experts; layer {number} has {max(numbers) + 1}."
            yield CT_MISSING.at(self._path, message)

    def _beyond(self) -> list[Finding]:
        count = self._sizes.layers(self._stack.layers_key)
        if count is None:
            return []
        predicted = self._sizes.number("num_nextn_predict_layers") or 0
        last = max(self._layers.by_number)
        if last < count + predicted:
            return []
        message = f"The configuration gives {count} layers; there are tensors of layer {last}."
        return [CT_EXTRA.at(self._path, message)]

    def _foreign(self) -> list[Finding]:
        """Matrices in plain decoder layers that no loader of the architecture asks for."""
        parts = self._stack.parts
        if self._method is not None or self._stack.mixture or "self_attn.q_proj" not in parts:
            return []
        known = {name.rstrip("+?") for name in parts}
        for number, placed in self._layers.by_number.items():
            for part, (path, record) in placed.items():
                module, _, leaf = part.rpartition(".")
                if leaf == "weight" and module not in known and len(record.shape) == 2 and record.dtype in FLOATS:
                    name = f"{self._layers.place}.{number}.{part}"
                    return [CT_EXTRA.at(path, "The architecture has no such part.", tensor=name)]
        return []

    def _shapes(self) -> Iterator[Finding]:
        count = self._sizes.layers(self._stack.layers_key) or 0
        expected = {name.rstrip("+?"): self._shape(text) for name, text in self._stack.parts.items()}
        for number, parts in self._layers.by_number.items():
            for part, placed in parts.items() if number < count else ():
                name = f"{self._layers.place}.{number}.{part}"
                module, _, leaf = part.rpartition(".")
                shape = expected.get(module) if leaf in ("weight", "bias") else None
                if self._method is not None and module in expected and len(expected[module]) == 2:
                    stored = unpacked_shape(leaf, placed[1], self._method)
                    if stored is not None and not _fits(stored, expected[module]):
                        yield _misshapen(name, placed[0], stored, expected[module])
                found = _EXPERT.search(part) if self._stack.mixture else None
                if found:
                    shape = self._expert_shape(found["side"])
                yield from self._compare(name, placed, shape, leaf)
        for name, text in self._stack.outer.items():
            for leaf in ("weight", "bias"):
                full = f"{self._base}{name.rstrip('+?')}.{leaf}"
                if full in self._tensors:
                    yield from self._compare(full, self._tensors[full], self._shape(text), leaf)
        head = f"{self._stack.head}.weight"
        if head in self._tensors and "V,H" in self._stack.outer.values():
            yield from self._compare(head, self._tensors[head], self._shape("V,H"), "weight")

    def _shape(self, text: str) -> tuple[int | None, ...]:
        return self._sizes.shape(text)

    def _expert_shape(self, side: str) -> tuple[int | None, ...]:
        inner, hidden = self._sizes.number(self._stack.mixture), self._sizes.size("H")
        return (hidden, inner) if side in ("down_proj", "w2") else (inner, hidden)

    def _compare(
        self, name: str, placed: tuple[str, TensorRecord], shape: tuple[int | None, ...] | None, leaf: str
    ) -> Iterator[Finding]:
        path, record = placed
        if shape is None or (record.dtype not in FLOATS and record.dtype != "I8"):
            return
        if leaf == "bias":
            is_turned = self._stack.place == "h" and ".c_" in name and self._config.get("model_type") == "gpt2"
            shape = (shape[-1] if is_turned else shape[0],)
        if _fits(record.shape, shape):
            return
        is_rows = len(record.shape) == len(shape) == 2 and record.shape[1] == shape[1]
        is_vocabulary = is_rows and shape[0] is not None and shape[0] == self._sizes.size("V")
        yield _misshapen(
            name, path, record.shape, shape, CT_VOCAB if is_vocabulary and name.count(".") < 4 else CT_SHAPE
        )

    def _head(self) -> list[Finding]:
        tied = self._config.get("tie_word_embeddings", self._stack.tied)
        first = next((name for name, text in self._stack.outer.items() if text == "V,H"), None)
        if first is None:
            return []
        names = [f"{self._stack.head}.weight", f"language_model.{self._stack.head}.weight"]
        head = next((name for name in names if name in self._tensors), None)
        embedding = self._tensors.get(f"{self._base}{first.rstrip('+?')}.weight")
        if tied is True and head and embedding:
            path, record = self._tensors[head]
            if record.digest != embedding[1].digest:
                return [CT_TIED.at(path, "The head differs from the embedding it is tied to.", tensor=head)]
        is_base = self._config.get("architectures")
        has_head = isinstance(is_base, list) and any(str(name).endswith(_NEVER_TIED) for name in is_base)
        if tied is False and has_head and not any(name.startswith(f"{self._stack.head}.") for name in self._tensors):
            message = "The head is not tied to the embedding, and no file has it."
            return [CT_MISSING.at("", message, tensor=names[0])]
        return []
