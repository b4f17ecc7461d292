"""Model cards, license texts and YAML files.

Owns what their text may hold. YAML is read as a stream of events first, so that nothing is built from what is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import yaml

from weights.catalog.leftovers import MD_HTML, MD_LICENSE, MD_SHELL, MD_YAML
from weights.findings import Finding
from weights.front_matter import FENCED, FrontMatterError, NoMappingError, split_card
from weights.report import FileReport

ALIAS_LIMIT = 100
YAML_LIMIT_CHARACTERS = 4_000_000
DEPTH_LIMIT = 64

_ACTIVE = re.compile(
    r"<\s*(script|iframe|object|embed|form|meta|link|base)\b[^>]*>|<[a-z][^>]*\son[a-z]+\s*=|(href|src)\s*=\s*[\"']?\s*javascript:|"
    r"\]\(\s*javascript:",
    re.IGNORECASE,
)
_CODE = re.compile(r"^(```|~~~).*?^\1[ \t]*$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_PIPED = re.compile(
    r"(curl|wget)\b[^\n|]*?(?P<address>https?://[^\s|'\"]+)[^\n|]*\|\s*(sudo\s+)?(ba|z|da)?sh\b|"
    r"(iwr|irm|Invoke-WebRequest)\b[^\n|]*\|\s*(iex|Invoke-Expression)|"
    r"(ba|z)?sh\s+(-c\s+)?[\"']?(<\(|\$\()\s*(curl|wget)\b",
    re.IGNORECASE,
)
_INSTALLERS = re.compile(
    r"https?://(astral\.sh|(www\.)?ollama\.(com|ai)|sh\.rustup\.rs|get\.docker\.com|raw\.githubusercontent\.com/(nvm-sh|Homebrew)|"
    r"hf\.co/cli|huggingface\.co|bun\.sh|pixi\.sh)(/|$)"
)
_LICENSE_MARKS = {
    "apache-2.0": "Apache License",
    "mit": "Permission is hereby granted, free of charge, to any person obtaining a copy",
    "gpl-3.0": "GNU GENERAL PUBLIC LICENSE",
    "cc-by-nc-4.0": "Attribution-NonCommercial 4.0 International",
    "cc-by-4.0": "Creative Commons Attribution 4.0 International",
    "llama": "COMMUNITY LICENSE AGREEMENT",
    "openrail": "Open RAIL",
}


def is_license_file(path: str) -> bool:
    """Whether the file at the root is a license text, by its name."""
    return re.fullmatch(r"(licen[cs]e|copying)([-_.].*)?", path, re.IGNORECASE) is not None


def check_card(text: str, path: str) -> tuple[list[Finding], dict[str, Any]]:
    """Findings on a Markdown file, and the metadata at its beginning (empty if there are none, or they are refused)."""
    findings: list[Finding] = []
    metadata: dict[str, Any] = {}
    body = FENCED.sub("", text, count=1)
    try:
        metadata, body = split_card(text)
    except NoMappingError:
        pass
    except FrontMatterError as problem:
        findings.append(MD_YAML.at(path, f"The card cannot be read: {problem}."))
    active = _ACTIVE.search(_CODE.sub("", body))
    if active:
        findings.append(MD_HTML.at(path, "The card has active markup.", evidence=active.group()))
    for piped in _PIPED.finditer(body):
        if not _INSTALLERS.match(piped["address"] or ""):
            findings.append(MD_SHELL.at(path, "The card has such a command.", evidence=piped.group()))
            break
    return findings, {key: value for key, value in metadata.items() if key in ("license", "license_name", "base_model")}


def check_yaml(text: str, path: str) -> list[Finding]:
    """Whether YAML is plain: no tags, few aliases, no repeated keys, bounded size and depth."""
    if len(text) > YAML_LIMIT_CHARACTERS:
        return [MD_YAML.at(path, f"The YAML has {len(text)} characters.")]
    aliases = depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.AliasEvent):
                aliases += 1
            elif isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            tag = getattr(event, "tag", None)
            if (tag and not tag.startswith("tag:yaml.org,2002:")) or (tag and "python" in tag):
                return [MD_YAML.at(path, f"The YAML has the tag {tag!r}.", offset=event.start_mark.index)]
            if aliases > ALIAS_LIMIT or depth > DEPTH_LIMIT:
                return [MD_YAML.at(path, "The YAML has too many aliases or levels.", offset=event.start_mark.index)]
        repeated = _repeated_key(yaml.compose_all(text, Loader=yaml.CSafeLoader))
        list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        return [MD_YAML.at(path, f"The YAML cannot be read: {str(error).splitlines()[0]}.")]
    if repeated is not None:
        return [MD_YAML.at(path, f"The key {repeated!r} comes twice.")]
    return []


def license_marks(text: str) -> list[str]:
    """Which well-known licenses the text is a copy of."""
    flat = " ".join(text.split()).casefold()
    return [name for name, mark in _LICENSE_MARKS.items() if mark.casefold() in flat[:4000]]


def check_license(files: Sequence[FileReport]) -> list[Finding]:
    """Whether the card's license and the license text at the root are the same, where both are well known."""
    card = next((file for file in files if file.path.lower() == "readme.md"), None)
    texts = [file for file in files if is_license_file(file.path) and isinstance(file.content, dict)]
    if card is None or not isinstance(card.content, dict):
        return []
    declared = card.content.get("license")
    for file in texts:
        marks = file.content["license_marks"]
        if declared in _LICENSE_MARKS and marks and declared not in marks:
            message = f"The card says {declared!r}; the text is that of {marks[0]!r}."
            return [MD_LICENSE.at(PurePosixPath(file.path).name, message)]
    return []


def _repeated_key(documents: Any) -> str | None:
    waiting = [node for node in documents if node is not None]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            if len(set(keys)) < len(keys):
                return str(next(key for key in keys if keys.count(key) > 1))
            waiting += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
    return None
