"""Where chat templates are kept: files of their own, keys of configuration files, metadata of GGUF files.

Owns finding them all and the comparison between them. What a template may do is known to `templates`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from weights.catalog.templates import TP_DIFFER
from weights.findings import Finding
from weights.formats import Kind
from weights.report import FileReport
from weights.strict_json import objects_in

DEFAULT = "default"

_KEYS = ("chat_template", "chat_templates")


def is_template_file(path: str) -> bool:
    """Whether the file's name, or its folder's, says that it is a chat template."""
    place = PurePosixPath(path.lower())
    if place.suffix in (".md", ".py", ".json", ".yaml", ".yml"):
        return False
    return place.suffix in (".jinja", ".jinja2", ".j2") or any("chat_template" in part for part in place.parts)


def templates_in(value: Any) -> Iterator[tuple[str, str]]:
    """Name and text of every chat template in a parsed configuration file, at any depth: one, or several by name."""
    for item in objects_in(value):
        for key in _KEYS:
            if key in item:
                yield from _named(item[key], DEFAULT if item is value else "inner")


def _named(found: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(found, str):
        yield name, found
    elif isinstance(found, list):
        for item in found:
            if isinstance(item, dict) and isinstance(item.get("template"), str):
                yield str(item.get("name", name)), item["template"]
    elif isinstance(found, dict):
        for inner, text in found.items():
            if isinstance(text, str):
                yield inner, text


def check_agreement(files: Sequence[FileReport]) -> list[Finding]:
    """Whether all default templates of one folder are equal, but for white space at their ends."""
    findings = []
    first: dict[str, tuple[str, str]] = {}
    for file in files:
        folder = str(PurePosixPath(file.path).parent)
        for text in _defaults(file):
            place, other = first.setdefault(folder, (file.path, text.strip()))
            if other != text.strip():
                findings.append(TP_DIFFER.at(file.path, f"The default template differs from the one in {place}."))
    return findings


def _defaults(file: FileReport) -> list[str]:
    if file.kind == Kind.JSON:
        return [text for name, text in templates_in(file.content) if name == DEFAULT]
    if file.kind == Kind.TEXT and PurePosixPath(file.path).name == "chat_template.jinja" and file.content is not None:
        return [file.content["template"]]
    if file.kind == Kind.GGUF:
        text = file.content["metadata"].get("tokenizer.chat_template")
        return [text] if isinstance(text, str) else []
    return []
