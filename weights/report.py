"""What a check of one file, and of a whole checkpoint, leaves behind.

Owns the two reports and their JSON form, which is what a platform stores: a file's report is complete in itself, so
that the reports of many files, made by many workers, can be joined later without reading a byte again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from weights.catalog import CHECKS, RULESET
from weights.findings import Finding, Severity, Verdict, verdict_of
from weights.manifest import FileEntry
from weights.tensor_names import forms_of

TOOL = "imprimatur-weights 1.0"

_ORDER = {Severity.BLOCK: 0, Severity.WARN: 1, Severity.NOTE: 2}


class TensorRecord(NamedTuple):
    """One tensor: what the file states and what the walk over its bytes found.

    `digest` is BLAKE3 of the raw bytes with the BLAKE3 of the type's name as key, so it survives renaming and
    re-sharding.
    `low`, `high`, `zeros` and `zero_run`, the longest run of zeros, are of all values; `mean` and `rms` are of a
    sample: every n-th value of each mebibyte, 256 at least or all there are, without what is not finite.
    `sample` is the tensor's fingerprint, see `fingerprints`; keep it as secret as the names.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    elements: int
    size_bytes: int
    digest: str | None = None
    low: float | int | None = None
    high: float | int | None = None
    zeros: int = 0
    nans: int = 0
    infinities: int = 0
    sample: str | None = None
    zero_run: int = 0
    mean: float | None = None
    rms: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Every field by name."""
        return self._asdict() | {"shape": list(self.shape)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TensorRecord:
        """The record that `to_json` wrote."""
        return cls(**{**value, "shape": tuple(value["shape"])})


@dataclass(slots=True)
class Parsed:
    """What the parser of one format found; `kind` may correct the first guess."""

    kind: str
    findings: list[Finding] = field(default_factory=list)
    tensors: list[TensorRecord] = field(default_factory=list)
    content: Any = None


@dataclass(slots=True)
class FileReport:
    """All that is known of one file; `content` is what the folder's checks need of it (JSON, reduced where large)."""

    path: str
    size_bytes: int
    sha256: str
    kind: str
    git_sha1: str | None = None
    findings: list[Finding] = field(default_factory=list)
    tensors: list[TensorRecord] = field(default_factory=list)
    content: Any = None
    seconds: float = 0.0
    ruleset: str = RULESET
    _forms: list[str] | None = field(default=None, init=False, repr=False, compare=False)

    def forms(self) -> list[str]:
        """Of each tensor the form of its name, see `tensor_names`; looked at once, and several checks ask."""
        if self._forms is None or len(self._forms) != len(self.tensors):
            self._forms = forms_of([tensor.name for tensor in self.tensors])
        return self._forms

    @property
    def entry(self) -> FileEntry:
        """The file's line in the manifest."""
        return FileEntry(self.path, self.size_bytes, self.sha256)

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and numbers."""
        return {
            "path": self.path,
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "kind": self.kind,
            "git_sha1": self.git_sha1,
            "findings": [finding.to_json() for finding in self.findings],
            "tensors": [tensor.to_json() for tensor in self.tensors],
            "content": self.content,
            "seconds": round(self.seconds, 6),
            "ruleset": self.ruleset,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> FileReport:
        """The report that `to_json` wrote."""
        return cls(
            path=value["path"],
            size_bytes=value["size_bytes"],
            sha256=value["sha256"],
            kind=value["kind"],
            git_sha1=value["git_sha1"],
            findings=[Finding.from_json(finding) for finding in value["findings"]],
            tensors=[TensorRecord.from_json(tensor) for tensor in value["tensors"]],
            content=value["content"],
            seconds=value["seconds"],
            ruleset=value["ruleset"],
        )


@dataclass(slots=True)
class Report:
    """The verdict on a checkpoint and everything it rests on.

    `records` are its tensors with their fingerprints: for comparing, and never part of the JSON form.
    """

    manifest_digest: str
    manifest: list[FileEntry]
    findings: list[Finding]
    tensors: int
    parameters: int
    seconds: float
    tool: str = TOOL
    ruleset: str = RULESET
    records: list[TensorRecord] = field(default_factory=list, repr=False, compare=False)

    @property
    def verdict(self) -> Verdict:
        """The worst finding in one word."""
        return verdict_of(self.findings)

    @property
    def files(self) -> int:
        """How many files the checkpoint has."""
        return len(self.manifest)

    @property
    def bytes(self) -> int:
        """The sum of the files' sizes."""
        return sum(entry.size_bytes for entry in self.manifest)

    def to_json(self) -> dict[str, Any]:
        """The form that docs/reference describes; `files`, `tensors`, `parameters` and `bytes` are counts."""
        return {
            "verdict": self.verdict.value,
            "manifest_digest": self.manifest_digest,
            "findings": [finding.to_json() for finding in self.findings],
            "files": self.files,
            "tensors": self.tensors,
            "parameters": self.parameters,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 6),
            "tool": self.tool,
            "ruleset": self.ruleset,
            "manifest": [entry.to_json() for entry in self.manifest],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Report:
        """The report that `to_json` wrote."""
        return cls(
            manifest_digest=value["manifest_digest"],
            manifest=[FileEntry.from_json(entry) for entry in value["manifest"]],
            findings=[Finding.from_json(finding) for finding in value["findings"]],
            tensors=value["tensors"],
            parameters=value["parameters"],
            seconds=value["seconds"],
            tool=value["tool"],
            ruleset=value["ruleset"],
        )

    def dumps(self, **more: Any) -> str:
        """`to_json` as indented text, each finding with what it means and what to do, and `more` beside it."""
        told = [finding.to_json() | _about(finding) for finding in self.findings]
        return json.dumps(self.to_json() | {"findings": told} | more, indent=2, ensure_ascii=False) + "\n"


def _about(finding: Finding) -> dict[str, str]:
    check = CHECKS.get(finding.check)
    return {"meaning": check.meaning, "fix": check.fix} if check else {"meaning": "", "fix": ""}


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Findings by severity, then path, then check."""
    return sorted(findings, key=lambda f: (_ORDER[f.severity], f.path, f.check, f.tensor or "", f.message))
