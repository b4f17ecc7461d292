"""Does the configuration describe these tensors, and the tokenizer fit them?

Owns which files of a folder are looked at together: a configuration, the weights of one variant, the vocabularies
beside them. What is compared is known to the modules it asks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import repeat
from pathlib import PurePosixPath
from typing import Any

from weights.adapter_checks import check_adapter
from weights.catalog.coherence import CT_DTYPE, CT_MISSING, CT_SHAPE, CT_VOCAB, LR_TARGET, TK_DEFAULT, TK_RANGE
from weights.findings import Finding, Severity
from weights.formats import Kind
from weights.quantization_checks import check_quantization, method_of
from weights.report import FileReport, TensorRecord
from weights.stack_checks import check_architecture
from weights.stacks import Tensors, check_continuity, check_likeness, stacks_of
from weights.tensor_values import FLOATS
from weights.tokenizer_checks import LIBRARY_DEFAULTS, check_agreement, check_tokenizer, special_ids
from weights.vocabularies import check_vocabulary, largest_ids

_EMBEDDINGS = (
    "embed_tokens.weight",
    "wte.weight",
    "word_embeddings.weight",
    "embed_in.weight",
    "shared.weight",
    "backbone.embeddings.weight",
    "token_embedding.weight",
    "word_embedding.weight",
    "rwkv.embeddings.weight",
    "tok_embeddings.weight",
)
_SHARD = re.compile(r"-\d+-of-\d+$")
_MAIN = re.compile(r"^(model|pytorch_model|diffusion_pytorch_model|adapter_model)(-\d+-of-\d+)?\.safetensors$")
_DTYPES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "float64": "F64", "half": "F16", "float": "F32"}
_WIDTHS = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8}

_PLAIN_LISTS = frozenset(
    {"rope_scaling", "mlp_only_layers", "attn_layer_indices", "weight_block_size", "suppress_tokens"}
)

Documents = Mapping[str, tuple[str, Any]]  # path and content by name


def check_coherence(files: Sequence[FileReport]) -> list[Finding]:
    """Findings on every folder of a checkpoint that has a configuration."""
    folders: dict[str, list[FileReport]] = {}
    for file in files:
        folders.setdefault(str(PurePosixPath(file.path).parent), []).append(file)
    findings: list[Finding] = []
    for members in folders.values():
        documents = {PurePosixPath(file.path).name: (file.path, file.content) for file in members}
        findings += _check_folder(documents, [file for file in members if file.kind == Kind.SAFETENSORS])
    return findings


def _check_folder(documents: Documents, weights: Sequence[FileReport]) -> list[Finding]:
    findings: list[Finding] = []
    tokenizer_path, tokenizer = documents.get("tokenizer.json", ("", None))
    summary = tokenizer.get("tokenizer") if isinstance(tokenizer, dict) else None
    if isinstance(summary, dict):
        findings += check_tokenizer(tokenizer_path, summary)
    for path, content in documents.values():
        if isinstance(content, dict) and isinstance(content.get("vocabulary"), dict):
            findings += check_vocabulary(path, content["vocabulary"])
    findings += check_agreement(documents)
    adapter_path, adapter = documents.get("adapter_config.json", ("", None))
    if isinstance(adapter, dict):
        if adapter.get("peft_type") and not weights and not any(name.startswith("adapter_model") for name in documents):
            findings.append(CT_MISSING.at(adapter_path, "The weights of the adapter are not there."))
        return findings + check_adapter(adapter, adapter_path, weights)
    findings += [
        LR_TARGET.at(file.path, "There is no `adapter_config.json` beside the adapter.")
        for file in weights
        if PurePosixPath(file.path).name == "adapter_model.safetensors"
    ]
    variants = _variants(weights)
    for name, members in variants.items():
        tensors: dict[str, tuple[str, TensorRecord]] = {}
        forms: list[str] = []
        for file in members:
            tensors.update(
                zip([record.name for record in file.tensors], zip(repeat(file.path), file.tensors), strict=False)
            )
            forms += file.forms()
        if tensors:
            findings += _check_weights(documents, tensors, forms, is_main=name == "", is_alone=len(variants) == 1)
        elif not any(finding.severity is Severity.BLOCK for file in members for finding in file.findings):
            findings.append(CT_MISSING.at(members[0].path, "There are no tensors at all."))
    return findings


def _variants(weights: Sequence[FileReport]) -> dict[str, list[FileReport]]:
    """The weight files that are loaded together: shards by their stem; the one that loaders take by default is ''."""
    variants: dict[str, list[FileReport]] = {}
    for file in weights:
        name = PurePosixPath(file.path).name
        stem = "" if _MAIN.match(name) else _SHARD.sub("", name.removesuffix(".safetensors"))
        variants.setdefault(stem, []).append(file)
    return variants


def _check_weights(
    documents: Documents, tensors: Tensors, forms: Sequence[str], *, is_main: bool, is_alone: bool
) -> list[Finding]:
    stacks = stacks_of(tensors, forms if len(forms) == len(tensors) else None)
    findings = check_continuity(stacks)
    path, config = documents.get("config.json", ("", None))
    if not isinstance(config, dict) or not is_main:
        return findings
    known = check_architecture(config, path, tensors, stacks)
    if not known and not findings and not _varies(config):
        findings += check_likeness(stacks)
    named = {finding.tensor for finding in known}
    findings = [finding for finding in findings if finding.tensor is None or finding.tensor not in named] + known
    findings += check_quantization(config, path, tensors)
    if method_of(config) is None and is_alone:
        findings += _check_dtypes(config, path, tensors)
    rows = embedding_rows({name: record for name, (_, record) in tensors.items() if name.endswith(_EMBEDDINGS)})
    if rows is not None:
        found = _check_ids(documents, config, rows)
        found += _check_width(config, path, tensors) if not known else []
        has_known = any(finding.check == CT_VOCAB.id for finding in known)
        findings += [finding for finding in found if not (has_known and finding.path == path)]
    return findings


def _varies(config: Mapping[str, Any]) -> bool:
    """Whether the configuration gives layers sizes of their own: a list of numbers or of settings for the layers."""
    return any(
        isinstance(value, list) and len(value) > 1 and not all(isinstance(item, str) for item in value)
        for place in (config, config.get("text_config"))
        if isinstance(place, dict)
        for key, value in place.items()
        if key not in _PLAIN_LISTS and not key.endswith(("_token_id", "_ids", "architectures"))
    )


def embedding_rows(tensors: Mapping[str, TensorRecord]) -> int | None:
    """Rows of the one token embedding, or None where there is none or several."""
    found = [record for name, record in tensors.items() if name.endswith(_EMBEDDINGS) and len(record.shape) == 2]
    return found[0].shape[0] if len(found) == 1 else None


def _check_ids(documents: Documents, config: Mapping[str, Any], rows: int) -> list[Finding]:
    findings = []
    for path, largest in largest_ids(documents):
        if largest >= rows:
            findings.append(CT_VOCAB.at(path, f"The largest id is {largest}; the embedding has {rows} rows."))
    inner = config.get("text_config")
    stated = inner.get("vocab_size") if isinstance(inner, dict) else config.get("vocab_size")
    if type(stated) is int and stated > rows:
        path = documents["config.json"][0]
        findings.append(CT_VOCAB.at(path, f"`vocab_size` is {stated}; the embedding has {rows} rows."))
    for place, key, number in special_ids(documents):
        if number >= rows:
            check = TK_DEFAULT if number in LIBRARY_DEFAULTS else TK_RANGE
            findings.append(check.at(place, f"`{key}` is {number}; the embedding has {rows} rows."))
    return findings


def _check_width(config: Mapping[str, Any], path: str, tensors: Tensors) -> list[Finding]:
    """Whether the one embedding is as wide as the model, where nothing says that it may be narrower."""
    inner = config.get("text_config")
    sizes = inner if isinstance(inner, dict) else config
    width = sizes.get("hidden_size")
    if type(width) is not int or any(key in sizes for key in ("embedding_size", "word_embed_proj_dim", "emb_dim")):
        return []
    for name, (place, record) in tensors.items():
        if (
            name.endswith(_EMBEDDINGS)
            and len(record.shape) == 2
            and record.dtype in FLOATS
            and record.shape[1] != width
        ):
            message = f"The shape is {list(record.shape)}; `hidden_size` is {width}."
            return [CT_SHAPE.at(place, message, tensor=name)]
    return []


def _check_dtypes(config: Mapping[str, Any], path: str, tensors: Tensors) -> list[Finding]:
    stated = _DTYPES.get(str(config.get("dtype") or config.get("torch_dtype")).removeprefix("torch."))
    if stated is None:
        return []
    sizes: Counter[str] = Counter()
    for _, record in tensors.values():
        sizes[record.dtype] += record.size_bytes
    main = sizes.most_common(1)[0][0]
    if main != stated:
        return [CT_DTYPE.at(path, f"The configuration says {stated}; most bytes are {main}.")]
    wide = [
        (place, record)
        for place, record in tensors.values()
        if len(record.shape) >= 2 and _WIDTHS.get(record.dtype, 0) > _WIDTHS[stated]
    ]
    if sum(record.size_bytes for _, record in wide) * 20 > sum(sizes.values()):
        place, record = wide[0]
        return [CT_DTYPE.at(place, f"{len(wide)} matrices are wider than {stated}.", tensor=record.name)]
    return []
