"""Checks of model checkpoints: path in, report out.

The whole public surface:

    inspect_file(what, path, size_bytes, progress) -> FileReport    one file, read once; the unit of work of a job
    join(file_reports) -> Report                                    what the files say together; reads nothing
    inspect_folder(root) -> Report                                  both, for a folder on disk
    hash_file(what) -> FileDigests                                  SHA-256 (and Git's blob id) alone
    compare(candidate, other) -> Comparison                         copies, casts, tunes, parts; or strangers
    manifest_digest(entries) -> "sha256:<hex>"                      the identity of a checkpoint
    check_path(path), check_paths(paths)                            rules for names, for every way in
    CHECKS, RULESET                                                 every check by id, and the version of them all

Owns formats, checks, digests and fingerprints. Knows no database, web or queue, decides no release, and never runs,
imports, unpickles, renders or unpacks what it reads. `python -m weights DIR` is the same from a shell.
"""

from weights.catalog import CHECKS, RULESET
from weights.checkpoint import inspect_file, inspect_folder, join
from weights.comparison import compare
from weights.findings import Check, Finding, Severity, Verdict
from weights.hashing import FileDigests, hash_file
from weights.manifest import Digest, FileEntry, manifest_digest
from weights.names import check_path, check_paths
from weights.relations import Comparison, Relation, TensorMatch
from weights.report import FileReport, Report, TensorRecord

__all__ = [
    "CHECKS",
    "RULESET",
    "Check",
    "Comparison",
    "Digest",
    "FileDigests",
    "FileEntry",
    "FileReport",
    "Finding",
    "Relation",
    "Report",
    "Severity",
    "TensorMatch",
    "TensorRecord",
    "Verdict",
    "check_path",
    "check_paths",
    "compare",
    "hash_file",
    "inspect_file",
    "inspect_folder",
    "join",
    "manifest_digest",
]
