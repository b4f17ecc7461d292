"""Does the configuration describe these tensors, and the tokenizer fit them?

Owns what is known of architectures: names and shapes of the tensors of plain decoders, by model type. Of any other
architecture only what holds for all is checked: layers without gaps, ids within the embedding.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from weights.adapter_checks import check_adapter
from weights.catalog.coherence import CT_DTYPE, CT_EXTRA, CT_MISSING, CT_SHAPE, CT_TIED, CT_VOCAB, TK_RANGE
from weights.findings import Finding
from weights.formats import Kind
from weights.report import FileReport, TensorRecord
from weights.tokenizer_checks import check_agreement, check_tokenizer, special_ids

LISTED_LIMIT = 20

_LAYER = re.compile(r"^(?P<stack>(?:.*\.)?(?:layers|h|blocks|block|layer))\.(?P<number>\d+)\.(?P<part>.+)$")
_EMBEDDINGS = (
    "embed_tokens.weight",
    "wte.weight",
    "word_embeddings.weight",
    "embed_in.weight",
    "tok_embeddings.weight",
)
_DTYPES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "float64": "F64", "half": "F16", "float": "F32"}
_WIDTHS = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8}


@dataclass(frozen=True, slots=True)
class Decoder:
    """What a plain decoder of one model type is made of.

    Norms and projections of each layer, and whether heads are tied.
    """

    norms: tuple[str, ...] = ("input_layernorm", "post_attention_layernorm")
    tied: bool = False
    has_gate: bool = True
    has_dense_mlp: bool = True


_GEMMA2 = ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm")
DECODERS: Mapping[str, Decoder] = {
    "llama": Decoder(),
    "mistral": Decoder(),
    "qwen2": Decoder(),
    "qwen3": Decoder(),
    "granite": Decoder(),
    "smollm3": Decoder(tied=True),
    "gemma": Decoder(tied=True),
    "gemma2": Decoder(_GEMMA2, tied=True),
    "gemma3_text": Decoder(_GEMMA2, tied=True),
    "olmo2": Decoder(("post_attention_layernorm", "post_feedforward_layernorm")),
    "starcoder2": Decoder(tied=True, has_gate=False),
    "mixtral": Decoder(has_dense_mlp=False),
    "qwen3_moe": Decoder(has_dense_mlp=False),
}


def check_coherence(files: Sequence[FileReport]) -> list[Finding]:
    """Findings on every folder of a checkpoint that has a configuration."""
    folders: dict[str, list[FileReport]] = {}
    for file in files:
        folders.setdefault(str(PurePosixPath(file.path).parent), []).append(file)
    findings: list[Finding] = []
    for members in folders.values():
        documents = {
            PurePosixPath(file.path).name: (file.path, file.content) for file in members if file.kind == Kind.JSON
        }
        weights = [file for file in members if file.kind == Kind.SAFETENSORS]
        findings += _check_folder(documents, weights)
    return findings


def _check_folder(documents: Mapping[str, tuple[str, Any]], weights: Sequence[FileReport]) -> list[Finding]:
    findings: list[Finding] = []
    tokenizer_path, tokenizer = documents.get("tokenizer.json", ("", None))
    summary = tokenizer.get("tokenizer") if isinstance(tokenizer, dict) else None
    if summary is not None:
        findings += check_tokenizer(tokenizer_path, summary)
    adapter_path, adapter = documents.get("adapter_config.json", ("", None))
    if isinstance(adapter, dict):
        return findings + check_adapter(adapter, adapter_path, weights)
    path, config = documents.get("config.json", ("", None))
    if not isinstance(config, dict):
        return findings
    findings += check_agreement(documents)
    tensors = {record.name: (file.path, record) for file in weights for record in file.tensors}
    if tensors:
        findings += _Model(path, config, tensors).check()
        rows = embedding_rows({name: record for name, (_, record) in tensors.items()})
        if rows is not None:
            findings += _check_ids(documents, rows, tokenizer_path, summary)
    return findings


def embedding_rows(tensors: Mapping[str, TensorRecord]) -> int | None:
    """Rows of the one token embedding, or None where there is none or several."""
    found = [record for name, record in tensors.items() if name.endswith(_EMBEDDINGS) and len(record.shape) == 2]
    return found[0].shape[0] if len(found) == 1 else None


def _check_ids(documents: Mapping[str, tuple[str, Any]], rows: int, path: str, summary: Any) -> list[Finding]:
    findings = []
    if summary is not None and summary["largest_id"] >= rows:
        findings.append(CT_VOCAB.at(path, f"The largest id is {summary['largest_id']}; the embedding has {rows} rows."))
    for place, key, number in special_ids(documents):
        if number >= rows:
            findings.append(TK_RANGE.at(place, f"`{key}` is {number}; the embedding has {rows} rows."))
    return findings


class _Model:
    """One folder's configuration beside its tensors."""

    def __init__(self, path: str, config: Mapping[str, Any], tensors: Mapping[str, tuple[str, TensorRecord]]) -> None:
        self._path = path
        self._config = config
        self._tensors = tensors
        self._is_quantized = bool(config.get("quantization_config"))
        self._decoder = DECODERS.get(str(config.get("model_type")))
        architectures = config.get("architectures")
        self._has_head = isinstance(architectures, list) and any(
            str(name).endswith("ForCausalLM") for name in architectures
        )

    def check(self) -> list[Finding]:
        """All findings; those on names and shapes only where the model type is known."""
        findings = self._check_layers()
        if not self._is_quantized:
            findings += self._check_dtypes()
        if self._decoder is not None and self._prefix() is not None:
            findings += self._check_names() + self._check_head()
            if not self._is_quantized:
                findings += self._check_shapes()
        return findings

    def _number(self, key: str) -> int | None:
        value = self._config.get(key)
        return value if type(value) is int and value > 0 else None

    def _prefix(self) -> str | None:
        """What stands before `layers.0.` in the names of a plain decoder."""
        for prefix in ("model.", ""):
            if any(name.startswith(f"{prefix}layers.") for name in self._tensors):
                return prefix
        return None

    def _check_layers(self) -> list[Finding]:
        """Layers without gaps, in whatever stack; all of the same make, for stacks where most layers are."""
        stacks: dict[str, set[int]] = {}
        for name in self._tensors:
            found = _LAYER.match(name)
            if found:
                stacks.setdefault(found["stack"], set()).add(int(found["number"]))
        findings = []
        for stack, numbers in stacks.items():
            missing = sorted(set(range(max(numbers))) - numbers)
            if missing and len(missing) < len(numbers):
                findings.append(CT_MISSING.at("", f"The stack {stack} lacks the layers {missing[:10]}."))
        return findings

    def _check_names(self) -> list[Finding]:
        decoder, prefix, layers = self._decoder, self._prefix(), self._number("num_hidden_layers")
        if decoder is None or prefix is None or layers is None:
            return []
        parts = [f"self_attn.{side}_proj" for side in "qkvo"] + list(decoder.norms)
        if decoder.has_dense_mlp:
            parts += (
                ["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"] if decoder.has_gate else ["mlp.c_fc", "mlp.c_proj"]
            )
        expected = [f"{prefix}layers.{layer}.{part}" for layer in range(layers) for part in parts]
        expected += [f"{prefix}embed_tokens", f"{prefix}norm"]
        modules = {name.rpartition(".")[0] for name in self._tensors}
        missing = [name for name in expected if name not in modules]
        findings = [CT_MISSING.at("", "No file has this tensor.", tensor=name) for name in missing[:LISTED_LIMIT]]
        beyond = sorted(
            int(found["number"])
            for name in self._tensors
            if (found := _LAYER.match(name)) and found["stack"] == f"{prefix}layers" and int(found["number"]) >= layers
        )
        if beyond:
            message = f"`num_hidden_layers` is {layers}; there are tensors of layer {beyond[-1]}."
            findings.append(CT_EXTRA.at(self._path, message))
        return findings

    def _check_head(self) -> list[Finding]:
        assert self._decoder is not None
        tied = self._config.get("tie_word_embeddings", self._decoder.tied)
        head = self._tensors.get("lm_head.weight")
        embedding = self._tensors.get(f"{self._prefix()}embed_tokens.weight")
        if tied is True and head and embedding and head[1].digest != embedding[1].digest:
            return [CT_TIED.at(head[0], "The head differs from the embedding it is tied to.", tensor="lm_head.weight")]
        if tied is False and self._has_head and not head:
            return [
                CT_MISSING.at("", "The head is not tied to the embedding, and no file has it.", tensor="lm_head.weight")
            ]
        return []

    def _check_shapes(self) -> list[Finding]:
        hidden, heads = self._number("hidden_size"), self._number("num_attention_heads")
        if hidden is None or heads is None:
            return []
        width = self._number("head_dim") or hidden // heads
        keys = self._number("num_key_value_heads") or heads
        inner, vocabulary = self._number("intermediate_size"), self._number("vocab_size")
        shapes: dict[str, tuple[int | None, int]] = {
            "self_attn.q_proj.weight": (heads * width, hidden),
            "self_attn.k_proj.weight": (keys * width, hidden),
            "self_attn.v_proj.weight": (keys * width, hidden),
            "self_attn.o_proj.weight": (hidden, heads * width),
            "mlp.gate_proj.weight": (inner, hidden),
            "mlp.up_proj.weight": (inner, hidden),
        }
        findings = []
        for name, (path, record) in self._tensors.items():
            found = _LAYER.match(name)
            expected = shapes.get(found["part"]) if found else None
            if name in (f"{self._prefix()}embed_tokens.weight", "lm_head.weight"):
                expected = (vocabulary, hidden)
            if expected is None or expected[0] is None or record.shape == expected:
                continue
            check = CT_SHAPE if found or record.shape[1:] != (hidden,) else CT_VOCAB
            message = f"The shape is {list(record.shape)}; the configuration gives {list(expected)}."
            findings.append(check.at(path, message, tensor=name))
        return findings[:LISTED_LIMIT]

    def _check_dtypes(self) -> list[Finding]:
        stated = _DTYPES.get(str(self._config.get("dtype") or self._config.get("torch_dtype")).removeprefix("torch."))
        if stated is None:
            return []
        sizes: Counter[str] = Counter()
        for _, record in self._tensors.values():
            sizes[record.dtype] += record.size_bytes
        main = sizes.most_common(1)[0][0]
        if main != stated:
            return [CT_DTYPE.at(self._path, f"The configuration says {stated}; most bytes are {main}.")]
        wide = [
            (path, record)
            for path, record in self._tensors.values()
            if len(record.shape) >= 2 and _WIDTHS.get(record.dtype, 0) > _WIDTHS[stated]
        ]
        if sum(record.size_bytes for _, record in wide) * 20 > sum(sizes.values()):
            path, record = wide[0]
            return [CT_DTYPE.at(path, f"{len(wide)} matrices are wider than {stated}.", tensor=record.name)]
        return []
