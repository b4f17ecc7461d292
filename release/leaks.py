"""The leak guard: whether files or tensors of a held-back variant are about to leave through another one.

Exact content alone: whole files by SHA-256 and tensors by their digest. Casts and quantized copies are not seen yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db.models import QuerySet

from registry.models import CheckpointFile, Disclosure, FileInspection, Variant
from registry.states import Component, Level

# Below this a file or tensor proves nothing: configurations and norms of ones are alike everywhere.
SMALLEST_BYTES = 4096
# Tokenizers, templates, cards and licenses are alike throughout a family.
SHARED_BY_NATURE = re.compile(r"(?:\.(?:json|jinja|txt|md|model|py)|(?:^|/)(?:LICENSE|NOTICE)[^/]*)$", re.IGNORECASE)


def held_back_variants(organization_id: int) -> Iterable[Variant]:
    """Variants of an organization whose weights are held back by a decision in force."""
    decided = Disclosure.objects.filter(component=Component.WEIGHTS, level=Level.HELD_BACK, superseded_at=None)
    return Variant.objects.filter(organization=organization_id, disclosures__in=decided).select_related("organization")


def leaks(variant: Variant, checkpoint_id: int) -> tuple[str, ...]:
    """Sentences that say which held-back variant's content a checkpoint carries; a few queries for each."""
    found = []
    blobs = _weights_of(CheckpointFile.objects.filter(checkpoint=checkpoint_id))
    if not blobs:
        return ()
    tensors: set[str] | None = None
    for held in held_back_variants(variant.organization_id):
        if held.pk == variant.pk:
            continue
        theirs = _weights_of(CheckpointFile.objects.filter(checkpoint__commits__variant=held))
        shared = blobs & theirs
        if shared:
            found.append(f"{len(shared)} of its weight files belong to {held.repo_id}, which is held back.")
            continue
        tensors = _tensors_of(blobs) if tensors is None else tensors
        same = tensors & _tensors_of(theirs)
        if same:
            found.append(f"{len(same)} of its tensors belong to {held.repo_id}, which is held back.")
    return tuple(found)


def _weights_of(files: QuerySet[CheckpointFile]) -> set[str]:
    """The content of all files but those that members of a family share by nature."""
    rows = files.filter(blob__size_bytes__gte=SMALLEST_BYTES).values_list("path", "blob_id")
    return {blob for path, blob in rows if not SHARED_BY_NATURE.search(path)}


def _tensors_of(blobs: set[str]) -> set[str]:
    reports = FileInspection.objects.filter(blob__in=blobs).values_list("report", flat=True)
    return {
        tensor["digest"]
        for report in reports
        for tensor in report.get("tensors", ())
        if tensor.get("digest")
        and tensor.get("size_bytes", 0) >= SMALLEST_BYTES
        and tensor.get("low") != tensor.get("high")
    }
