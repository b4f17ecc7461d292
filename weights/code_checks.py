"""Configuration that makes a loader import code.

Owns the search for such references in JSON files, at any depth. The code itself is flagged where it is read, in
`documents`; nothing here runs or imports any.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from weights.catalog.folder import CC_AUTOMAP, CC_MISSING, CC_REMOTE
from weights.findings import Finding
from weights.report import FileReport


def check_code_references(files: Sequence[FileReport]) -> list[Finding]:
    """Findings on every `auto_map` of a checkpoint, one for each file and kind of trouble."""
    paths = {file.path for file in files}
    findings: list[Finding] = []
    for file in files:
        found = {finding.check: finding for finding in _check_file(file, paths)}
        findings += found.values()
    return findings


def _check_file(file: FileReport, paths: set[str]) -> Iterator[Finding]:
    for reference in _references(file.content):
        repository, _, local = reference.rpartition("--")
        if repository:
            yield CC_REMOTE.at(file.path, f"`auto_map` names code in {repository!r}.", evidence=reference)
            continue
        yield CC_AUTOMAP.at(file.path, "`auto_map` names code in the checkpoint.", evidence=reference)
        module = local.rpartition(".")[0].replace(".", "/") + ".py"
        if str(PurePosixPath(file.path).parent / module) not in paths:
            yield CC_MISSING.at(file.path, f"The module {module} is not among the files.", evidence=reference)


def _references(value: Any) -> Iterator[str]:
    """Every class that an `auto_map` anywhere in `value` names."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "auto_map" in item:
                yield from _texts(item["auto_map"])
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
