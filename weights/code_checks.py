"""Configuration that makes a loader import code.

Owns the search for such references in JSON files, at any depth. The code itself is flagged where it is read, in
`documents`; nothing here runs or imports any.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from weights.catalog.folder import CC_AUTOMAP, CC_KERNEL, CC_MISSING, CC_MODULE, CC_REMOTE, CC_TRUST
from weights.findings import Finding
from weights.formats import Kind
from weights.report import FileReport

_LIBRARIES = frozenset(
    {"diffusers", "transformers", "sentence_transformers", "peft", "timm", "torch", "flax", "onnxruntime"}
)


def check_code_references(files: Sequence[FileReport]) -> list[Finding]:
    """Findings on every `auto_map` of a checkpoint, one for each file and kind of trouble."""
    paths = {file.path for file in files}
    findings: list[Finding] = []
    for file in files:
        found = {finding.check: finding for finding in _check_file(file, paths)}
        findings += found.values()
    return findings


def _check_file(file: FileReport, paths: set[str]) -> Iterator[Finding]:
    if file.kind != Kind.JSON:
        return
    yield from _check_settings(file)
    for library in _libraries(file):
        if library not in _LIBRARIES:
            yield CC_MODULE.at(file.path, f"The file names the library {library!r}.")
    for reference in _references(file.content):
        repository, _, local = reference.rpartition("--")
        if repository:
            yield CC_REMOTE.at(file.path, f"`auto_map` names code in {repository!r}.", evidence=reference)
            continue
        yield CC_AUTOMAP.at(file.path, "`auto_map` names code in the checkpoint.", evidence=reference)
        module = local.rpartition(".")[0].replace(".", "/") + ".py"
        if str(PurePosixPath(file.path).parent / module) not in paths:
            yield CC_MISSING.at(file.path, f"The module {module} is not among the files.", evidence=reference)


def _check_settings(file: FileReport) -> Iterator[Finding]:
    for item in _objects(file.content):
        if item.get("trust_remote_code") is True:
            yield CC_TRUST.at(file.path, "The file sets `trust_remote_code`.")
        if "_attn_implementation_internal" in item:
            yield CC_KERNEL.at(file.path, "The file sets `_attn_implementation_internal`.")
        for key in ("attn_implementation", "_attn_implementation"):
            value = item.get(key)
            if any("/" in text for text in _texts(value)):
                yield CC_KERNEL.at(file.path, f"The file sets `{key}` to a repository.", evidence=str(value)[:200])


def _libraries(file: FileReport) -> Iterator[str]:
    """Libraries that a Diffusers pipeline, a Sentence Transformers module list or a PEFT adapter has imported."""
    name, content = PurePosixPath(file.path).name, file.content
    if name == "model_index.json" and isinstance(content, dict):
        for value in content.values():
            if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
                yield value[0]
    elif name == "modules.json" and isinstance(content, list):
        for item in content:
            if isinstance(item, dict) and isinstance(item.get("type"), str):
                yield item["type"].partition(".")[0]
    elif name == "adapter_config.json" and isinstance(content, dict):
        mapping = content.get("auto_mapping")
        if isinstance(mapping, dict) and isinstance(mapping.get("parent_library"), str):
            yield mapping["parent_library"].partition(".")[0]


def _references(value: Any) -> Iterator[str]:
    """Every class that an `auto_map` anywhere in `value` names."""
    for item in _objects(value):
        if "auto_map" in item:
            yield from _texts(item["auto_map"])


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object anywhere in `value`."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
