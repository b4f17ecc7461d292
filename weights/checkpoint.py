"""Checking a checkpoint: one file at a time, then all of them together.

Owns the two halves of the work. `inspect_file` reads one file once and needs nothing else, so many workers can share a
checkpoint and a lost worker costs one file; `join` takes what they found and reads nothing. `inspect_folder` is both
for a folder on disk. Opens no network connection and never runs, imports or unpacks what it reads.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from weights.cards import check_license
from weights.catalog.files import FM_UNKNOWN, FS_BIG, FS_CHANGED, FS_COUNT, FS_EMPTY, FS_HUGE
from weights.code_checks import check_code_references
from weights.coherence import check_coherence
from weights.failures import FAULTS, failed
from weights.findings import Finding
from weights.folder import FILES_LIMIT, HUGE_BYTES, list_folder
from weights.formats import HEAD_BYTES, Kind
from weights.gguf_checks import check_gguf_models
from weights.hashing import HashingReader, Progress
from weights.index_checks import check_indexes
from weights.leftovers import check_name, check_tensor_names
from weights.manifest import manifest_digest
from weights.names import check_collisions, check_path
from weights.parsing import parse
from weights.protobuf_files import check_external_data, explained_data
from weights.readers import batches, readers_for
from weights.report import FileReport, Parsed, Report, TensorRecord, worst_first
from weights.sources import Opener, open_source, read_at
from weights.template_places import check_agreement
from weights.value_checks import check_model

BIG_BYTES = 200 * 10**9
RECORDS_BETWEEN_COLLECTIONS = 200_000

_CHECKS_OF_ALL: tuple[Callable[[Sequence[FileReport]], list[Finding]], ...] = (
    check_indexes,
    check_code_references,
    check_model,
    check_coherence,
    check_gguf_models,
    check_agreement,
    check_tensor_names,
    check_license,
    check_external_data,
)

FolderProgress = Callable[[str, int, int, int], None]  # path, bytes done of all files, bytes in all, files done


def inspect_file(
    what: str | os.PathLike[str] | Opener,
    path: str,
    size_bytes: int | None = None,
    progress: Progress | None = None,
    *,
    git_sha1: bool = False,
    fingerprints: bool = True,
) -> FileReport:
    """Read one file once and report on it as the file `path` of a checkpoint.

    `what` is where its bytes are: a place on disk under any name, or an opener of a seekable stream with `size_bytes`.
    Without `fingerprints` the records do not keep them, which for very many tensors saves half of the memory. Raises
    OSError if it cannot be read to its end, and whatever `progress` raises.
    """
    started = time.perf_counter()
    source = open_source(what, size_bytes)
    try:
        head = read_at(source, 0, min(HEAD_BYTES, source.size_bytes))
        watched = _Watched(progress)
        reader = HashingReader(source, progress=watched, git_sha1=git_sha1, keeps_fingerprints=fingerprints)
        try:
            parsed = parse(reader, head, path)
        except FAULTS as error:
            if watched.has_raised:
                raise
            parsed = Parsed(Kind.UNKNOWN, [failed(error, path)])
        digests = reader.digests()
        changed = source.has_changed()
    finally:
        source.close()
    findings = _about_the_file(path, digests.size_bytes) + parsed.findings
    if changed:
        findings.append(FS_CHANGED.at(path, "The file was written to while it was read."))
    return FileReport(
        path=path,
        size_bytes=digests.size_bytes,
        sha256=digests.sha256,
        kind=str(parsed.kind),
        git_sha1=digests.git_sha1,
        findings=findings,
        tensors=parsed.tensors if fingerprints else [_without_fingerprint(record) for record in parsed.tensors],
        content=parsed.content,
        seconds=time.perf_counter() - started,
    )


def join(files: Iterable[FileReport], *, findings: Sequence[Finding] = (), seconds: float | None = None) -> Report:
    """The report on the checkpoint that consists of `files`; ValueError if a path comes twice.

    `findings` are what the caller saw besides, such as links in a folder. `seconds` defaults to the sum over the files.
    """
    reports = sorted(files, key=lambda file: file.path)
    found = list(findings)
    explained = explained_data(reports)
    for file in reports:
        found += (finding for finding in file.findings if finding.check != FM_UNKNOWN.id or file.path not in explained)
    found += check_collisions(file.path for file in reports)
    for check in _CHECKS_OF_ALL:
        try:
            found += check(reports)
        except FAULTS as error:
            found.append(failed(error, ""))
    if len(reports) > FILES_LIMIT and not any(finding.check == FS_COUNT.id for finding in found):
        found.append(FS_COUNT.at("", f"The checkpoint has {len(reports)} files."))
    if not reports and not found:
        found.append(FS_EMPTY.at("", "The checkpoint has no files."))
    tensors = [tensor for file in reports for tensor in file.tensors]
    return Report(
        manifest_digest=manifest_digest(file.entry for file in reports),
        manifest=[file.entry for file in reports],
        findings=worst_first(found),
        tensors=len(tensors),
        parameters=sum(tensor.elements for tensor in tensors),
        seconds=sum(file.seconds for file in reports) if seconds is None else seconds,
        records=tensors,
    )


def inspect_folder(
    root: str | os.PathLike[str],
    *,
    progress: FolderProgress | None = None,
    threads: int = 2,
    fingerprints: bool = True,
) -> Report:
    """Check every file below `root`, `threads` at once and the largest first; OSError if anything cannot be read."""
    started = time.perf_counter()
    listing = list_folder(root)
    total = listing.size_bytes
    partly: dict[str, int] = {}  # bytes done of the files at hand
    finished = finished_bytes = 0

    def tell(path: str, count: int) -> None:
        if progress is not None:
            partly[path] = count
            progress(path, min(finished_bytes + sum(list(partly.values())), total), total, finished)

    def work(batch: Sequence[str]) -> list[FileReport]:
        reader = readers.get()
        try:
            return reader.read(batch)
        finally:
            readers.put(reader)

    reports: list[FileReport] = []
    with (
        _seldom_collecting(),
        readers_for(inspect_file, listing.root, listing.sizes, tell, threads, fingerprints=fingerprints) as readers,
        ThreadPoolExecutor(max_workers=threads) as pool,
    ):
        for batch in pool.map(work, batches(listing.sizes)):
            reports += batch
            finished += len(batch)
            for report in batch:
                finished_bytes += report.size_bytes
                partly.pop(report.path, None)
        return join(reports, findings=listing.findings, seconds=time.perf_counter() - started)


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Look for circles of garbage less often: records are many, live long, and hold none."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], RECORDS_BETWEEN_COLLECTIONS) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Watched:
    """The progress that a caller passed; remembers whether the caller stopped the work by raising."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self.has_raised = False

    def __call__(self, done: int) -> None:
        if self._progress is None:
            return
        try:
            self._progress(done)
        except BaseException:
            self.has_raised = True
            raise


def _without_fingerprint(record: TensorRecord) -> TensorRecord:
    return record if record.sample is None else record._replace(sample=None)


def _about_the_file(path: str, size_bytes: int) -> list[Finding]:
    findings = check_name(path)
    misplaced = check_path(path)
    if misplaced is not None:
        findings.append(misplaced)
    if size_bytes > HUGE_BYTES:
        findings.append(FS_HUGE.at(path, f"The file has {size_bytes} bytes."))
    elif size_bytes > BIG_BYTES:
        findings.append(FS_BIG.at(path, f"The file has {size_bytes} bytes."))
    return findings
