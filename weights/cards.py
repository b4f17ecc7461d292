"""Model cards, license texts and YAML files.

Owns what their text may hold. YAML is read as a stream of events first, so that nothing is built from what is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import yaml

from weights.catalog.leftovers import MD_LICENSE, MD_SHELL, MD_YAML
from weights.findings import Finding
from weights.formats import Kind
from weights.front_matter import FENCED, FrontMatterError, NoMappingError, split_card
from weights.markup import LENGTH_LIMIT, check_markup, has_any
from weights.report import FileReport

ALIAS_LIMIT = 100
YAML_LIMIT_CHARACTERS = 500_000
UNFOLDED_LIMIT = 100_000  # nodes that aliases may stand for
DEPTH_LIMIT = 64

_PIPED = re.compile(
    r"(curl|wget)\b[^\n|]{0,300}?(?P<address>https?://[^\s|'\"]{1,300})[^\n|]{0,300}\|\s{0,20}(sudo\s{1,20})?(ba|z|da)?sh\b|"
    r"(iwr|irm|Invoke-WebRequest)\b[^\n|]{0,300}\|\s{0,20}(iex|Invoke-Expression)|"
    r"(iex|Invoke-Expression)\b[^\n]{0,100}\b(iwr|irm|Invoke-WebRequest|Invoke-RestMethod|DownloadString)\b|"
    r"(python|perl|ruby|node|php)[\d.]{0,5}\s{1,5}-[cer]\s{1,5}[\"']?\$\(\s{0,5}(curl|wget)\b|"
    r"(source|\beval)\s{1,5}[\"']?(<\(|\$\()\s{0,5}(curl|wget)\b|"
    r"(ba|z)?sh\s{1,20}(-c\s{1,20})?[\"']?(<\(|\$\()\s{0,20}(curl|wget)\b|"
    r"python[\d.]{0,5}\s{1,5}-c\s[^\n]{0,300}(urlopen|requests\.get|urllib)|"
    r"pip[\d.]{0,5}\s{1,5}install\s[^\n]{0,200}?(?<!git\+)(?P<package>https?://(?!github\.com/|(\w+\.)*(huggingface\.co|pytorch\.org|"
    r"nvidia\.com|github\.io|pypi\.org|python\.org|aliyun\.com|edu\.cn)/)[^\s'\"]{1,300})",
    re.IGNORECASE,
)
# One of these is in every such command: the last branch has "install" and an address, the others what they run.
_PIPED_WORDS = ("curl", "wget", "iex", "invoke-expression", "urlopen", "requests.get", "urllib", "pip")
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
    fenced = FENCED.match(text)
    body = text[fenced.end() :] if fenced else text
    try:
        metadata, body = split_card(text)
    except NoMappingError:
        pass
    except FrontMatterError as problem:
        findings.append(MD_YAML.at(path, f"The card cannot be read: {problem}."))
    findings += check_markup(body, path)
    for piped in _PIPED.finditer(body[:LENGTH_LIMIT]) if has_any(body, _PIPED_WORDS) else ():
        if not _INSTALLERS.match(piped["address"] or ""):
            findings.append(MD_SHELL.at(path, "The card has such a command.", evidence=piped.group()))
            break
    return findings, {key: value for key, value in metadata.items() if key in ("license", "license_name", "base_model")}


def check_yaml(text: str, path: str) -> list[Finding]:
    """Whether YAML is plain: no tags, few aliases, no repeated keys, bounded size and depth."""
    return read_yaml(text, path)[0]


def read_yaml(text: str, path: str) -> tuple[list[Finding], list[Any]]:
    """Findings on YAML and, if there are none, its documents."""
    if len(text) > YAML_LIMIT_CHARACTERS:
        return [MD_YAML.at(path, f"The YAML has {len(text)} characters.")], []
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
                return [MD_YAML.at(path, f"The YAML has the tag {tag!r}.", offset=event.start_mark.index)], []
            if aliases > ALIAS_LIMIT or depth > DEPTH_LIMIT:
                message = "The YAML has too many aliases or levels."
                return [MD_YAML.at(path, message, offset=event.start_mark.index)], []
        nodes = [node for node in yaml.compose_all(text, Loader=yaml.CSafeLoader) if node is not None]
        if aliases and sum(_unfolded(node, {}) for node in nodes) > UNFOLDED_LIMIT:
            return [MD_YAML.at(path, f"The YAML's aliases stand for more than {UNFOLDED_LIMIT} nodes.")], []
        repeated = _repeated_key(nodes)
        constructor = yaml.constructor.SafeConstructor()
        documents = [constructor.construct_document(node) for node in nodes]  # type: ignore[no-untyped-call]
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        return [MD_YAML.at(path, f"The YAML cannot be read: {str(error).splitlines()[0]}.")], []
    if repeated is not None:
        return [MD_YAML.at(path, f"The key {repeated!r} comes twice.")], []
    return [], documents


def _unfolded(node: yaml.Node, known: dict[int, int]) -> int:
    """How many nodes there are when every alias is written out; one that holds itself has no number."""
    if id(node) in known:
        if not known[id(node)]:
            raise ValueError("an alias holds itself")
        return known[id(node)]
    known[id(node)] = 0
    inner: list[yaml.Node] = []
    if isinstance(node, yaml.SequenceNode):
        inner = node.value
    elif isinstance(node, yaml.MappingNode):
        inner = [part for pair in node.value for part in pair]
    known[id(node)] = 1 + sum(_unfolded(part, known) for part in inner)
    return known[id(node)]


def license_marks(text: str) -> list[str]:
    """Which well-known licenses the text is a copy of."""
    flat = " ".join(text.split()).casefold()
    return [name for name, mark in _LICENSE_MARKS.items() if mark.casefold() in flat[:4000]]


def check_license(files: Sequence[FileReport]) -> list[Finding]:
    """Whether the card's license and the license text at the root are the same, where both are well known."""
    card = next((file for file in files if file.path.lower() == "readme.md"), None)
    texts = [f for f in files if f.kind == Kind.TEXT and is_license_file(f.path) and isinstance(f.content, dict)]
    if card is None or not isinstance(card.content, dict):
        return []
    declared = card.content.get("license")
    names = [name for name in (declared if isinstance(declared, list) else [declared]) if isinstance(name, str)]
    known = [name for name in names if name in _LICENSE_MARKS]
    for file in texts:
        marks = file.content.get("license_marks")
        if known and isinstance(marks, list) and marks and not set(names).intersection(marks):
            message = f"The card says {', '.join(map(repr, names))}; the text is that of {marks[0]!r}."
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
