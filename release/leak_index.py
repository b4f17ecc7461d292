"""Fingerprints to know content again by, kept packed: read for many blobs at once, made where they are missing."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Max

from registry.models import CheckpointFile, Commit, FileInspection, Serving
from registry.states import Level
from release.models import BlobFingerprints
from weights import TensorRecord
from weights.shortlist import VERSION, pack

# Below this a file proves nothing: configurations are alike everywhere.
SMALLEST_BYTES = 4096
CHUNK = 20  # reports in memory at once; one may have tens of megabytes


def large_blobs_of(variants: Iterable[int]) -> dict[int, set[str]]:
    """The blobs of all checkpoints of some variants, by variant, large enough to say something; two queries."""
    commits = Commit.objects.filter(variant__in=list(variants))
    return _blobs_by_variant(commits.values_list("variant", "checkpoint"))


def public_blobs_of(variants: Iterable[int]) -> dict[int, set[str]]:
    """The same of what everyone may read now, and of no other checkpoint."""
    servings = Serving.objects.filter(variant__in=list(variants), level=Level.PUBLIC, until=None)
    return _blobs_by_variant(servings.values_list("variant", "checkpoint"))


def _blobs_by_variant(checkpoints: Iterable[tuple[int, int]]) -> dict[int, set[str]]:
    of_checkpoint: dict[int, set[int]] = {}
    for variant, checkpoint in checkpoints:
        of_checkpoint.setdefault(checkpoint, set()).add(variant)
    rows = CheckpointFile.objects.filter(checkpoint__in=of_checkpoint, blob__size_bytes__gte=SMALLEST_BYTES)
    found: dict[int, set[str]] = {}
    for checkpoint, blob in rows.values_list("checkpoint", "blob_id"):
        for variant in of_checkpoint[checkpoint]:
            found.setdefault(variant, set()).add(blob)
    return found


def fingerprints_of(blobs: Iterable[str]) -> dict[str, tuple[bytes, list[str]]]:
    """Packed fingerprints and tensor names by blob, of those that were inspected and hold tensors.

    Makes what is missing or older than the newest inspection; a handful of queries where nothing is.
    """
    wanted = sorted(set(blobs))
    newest = dict(
        FileInspection.objects.filter(blob__in=wanted, is_complete=True)
        .order_by()
        .values("blob_id")
        .annotate(newest=Max("pk"))
        .values_list("blob_id", "newest")
    )
    found: dict[str, tuple[bytes, list[str]]] = {}
    known = BlobFingerprints.objects.filter(blob__in=list(newest), version=VERSION)
    for blob, inspection, packed, names in known.values_list("blob_id", "inspection_id", "packed", "names").iterator():
        if inspection == newest[blob]:
            found[blob] = bytes(packed), names
    missing = [inspection for blob, inspection in newest.items() if blob not in found]
    for start in range(0, len(missing), CHUNK):
        found |= _make(missing[start : start + CHUNK])
    return {blob: kept for blob, kept in found.items() if kept[0]}


def _make(inspections: list[int]) -> dict[str, tuple[bytes, list[str]]]:
    made, rows = {}, []
    for inspection in FileInspection.objects.filter(pk__in=inspections).only("blob_id", "report"):
        records = [TensorRecord.from_json(tensor) for tensor in inspection.report.get("tensors", ())]
        packed, names = pack(records)
        made[inspection.blob_id] = packed, names
        rows.append(
            BlobFingerprints(
                blob_id=inspection.blob_id,
                inspection_id=inspection.pk,
                version=VERSION,
                packed=packed,
                names=names,
            )
        )
    BlobFingerprints.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["blob"],
        update_fields=["inspection_id", "version", "packed", "names"],
    )
    return made
