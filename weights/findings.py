"""Severities, checks and findings: the words in which every verdict on a checkpoint is told.

Owns what a check is and what it says when it fires. Which checks exist is listed in `weights.catalog`; what they look
at is known to the parsers alone. Decides nothing about releases: a verdict here is evidence, never permission.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

EVIDENCE_LIMIT = 200
MESSAGE_LIMIT = 600


class Severity(StrEnum):
    """How much weight a finding has in the verdict."""

    BLOCK = "block"  # may not be released
    WARN = "warn"  # a named person must accept it, with a reason
    NOTE = "note"  # worth knowing; does not change the verdict


class Verdict(StrEnum):
    """The worst finding of a checkpoint, in one word."""

    PASS = "pass"
    WARN = "warn"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check saw, in one file or in the folder as a whole (`path` is then empty)."""

    check: str
    severity: Severity
    path: str
    message: str
    tensor: str | None = None
    offset: int | None = None
    evidence: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Every field, the severity as its word."""
        return {
            "check": self.check,
            "severity": self.severity.value,
            "path": self.path,
            "message": self.message,
            "tensor": self.tensor,
            "offset": self.offset,
            "evidence": self.evidence,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Finding:
        """The finding that `to_json` wrote."""
        return cls(
            check=value["check"],
            severity=Severity(value["severity"]),
            path=value["path"],
            message=value["message"],
            tensor=value.get("tensor"),
            offset=value.get("offset"),
            evidence=value.get("evidence"),
        )


@dataclass(frozen=True, slots=True)
class Check:
    """A rule with a stable id: what it means when it fires, and what to do then."""

    id: str
    severity: Severity
    title: str
    meaning: str
    fix: str
    source: str = ""

    def at(
        self,
        path: str,
        message: str,
        *,
        tensor: str | None = None,
        offset: int | None = None,
        evidence: str | None = None,
    ) -> Finding:
        """A finding of this check; text from the file is made printable and cut to a bounded length."""
        return Finding(
            check=self.id,
            severity=self.severity,
            path=path,
            message=printable(message, MESSAGE_LIMIT),
            tensor=None if tensor is None else printable(tensor, EVIDENCE_LIMIT),
            offset=offset,
            evidence=None if evidence is None else printable(evidence, EVIDENCE_LIMIT),
        )


def printable(text: str, limit: int) -> str:
    """`text` with what a terminal or page could act on escaped, no longer than `limit` characters."""
    if text.isprintable() and len(text) <= limit:
        return text
    cut = text[:limit]
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in cut)
    return shown if len(shown) <= limit and len(text) <= limit else shown[: limit - 1] + "…"


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """The verdict that the worst of `findings` gives; none, or notes alone, pass."""
    severities = {finding.severity for finding in findings}
    if Severity.BLOCK in severities:
        return Verdict.BLOCK
    return Verdict.WARN if Severity.WARN in severities else Verdict.PASS
