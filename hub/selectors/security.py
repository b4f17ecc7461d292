"""What validation found in a checkpoint, in the words by which the client shows it.

For people of the organization alone: findings are evidence, and outside nothing is told of it but by a release.
"""

from __future__ import annotations

from typing import Any

from hub.selectors.repositories import Repository
from registry.models import Checkpoint, Evidence
from registry.states import EvidenceKind, Outcome

UNSAFE, SUSPICIOUS, SAFE, QUEUED = "unsafe", "suspicious", "safe", "queued"
WORDS = {"block": UNSAFE, "warn": SUSPICIOUS}


def of_repository(repository: Repository, checkpoint: Checkpoint | None) -> dict[str, Any] | None:
    """Whether the checkpoint was looked through, and in which files something was found."""
    if not repository.access.is_member or checkpoint is None:
        return None
    found = _found(checkpoint)
    issues = [{"path": path, "level": word} for path, word in sorted((found or {}).items()) if path]
    return {"scansDone": found is not None, "filesWithIssues": issues}


def of_files(repository: Repository, checkpoint: Checkpoint | None, paths: list[str]) -> dict[str, dict[str, Any]]:
    """The same for each file by its path."""
    if not repository.access.is_member or checkpoint is None:
        return {}
    found = _found(checkpoint)
    return {
        path: {
            "status": QUEUED if found is None else found.get(path, SAFE),
            "avScan": None,
            "pickleImportScan": None,
        }
        for path in paths
    }


def _found(checkpoint: Checkpoint) -> dict[str, str] | None:
    """The gravest finding by path; None where nothing was looked at yet."""
    evidence = Evidence.objects.filter(checkpoint=checkpoint, kind=EvidenceKind.VALIDATION.value).first()
    if evidence is None or evidence.outcome == Outcome.NOT_RUN:
        return None
    found: dict[str, str] = {}
    for finding in evidence.report.get("findings", []):
        word = WORDS.get(str(finding.get("severity")), "")
        if word and found.get(str(finding.get("path"))) != UNSAFE:
            found[str(finding.get("path"))] = word
    return found
