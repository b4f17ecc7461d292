"""The leak guard: whether content of a held-back variant is about to leave through another one.

Owns the question, asked of one checkpoint and all that its organization holds back: whole files by their digest, single
tensors by theirs, and casts, quantized copies, tunes, cuts and rearrangements by stored fingerprints. What decides is
what the inspection recognized in a file, never its name. Tensors that a public parent has as well prove nothing, and
against such a parent a tune of it is told from a copy of a held-back tune.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Q

from registry.models import CheckpointFile, Disclosure, FileInspection, Serving, Variant
from registry.selectors import ancestor_ids
from registry.states import Component, Level
from release.leak_index import SMALLEST_BYTES, fingerprints_of, large_blobs_of
from weights.shortlist import Likeness, search

# What members of a family share by nature: tokenizers, templates, cards, licenses, pictures.
SHARED_KINDS = frozenset({"json", "text", "page", "media", "sentencepiece", "pointer", "empty"})
# The same by name, for files that were not inspected yet; those of an inspected file are never asked for their name.
SHARED_NAMES = re.compile(r"(?:\.(?:json|jinja|txt|md|model|py)|(?:^|/)(?:LICENSE|NOTICE)[^/]*)$", re.IGNORECASE)

COPY = 0.9  # similarity from which on a checkpoint without a public parent is taken for a copy
COPY_DIFFERENCE = 0.5  # cosine of the differences from a public parent, for the same
DOUBT_DIFFERENCE = 0.3
DOUBTFUL = 4  # the gravity from which on a person decides
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Sentence:
    """What to say of one held-back variant; graver ones come first."""

    gravity: int
    text: str


def held_back_variants(organization_id: int) -> Iterable[Variant]:
    """Variants of an organization whose weights are held back by a decision in force."""
    decided = Disclosure.objects.filter(component=Component.WEIGHTS, level=Level.HELD_BACK, superseded_at=None)
    return (
        Variant.objects.filter(organization=organization_id, disclosures__in=decided)
        .select_related("organization")
        .order_by("pk")
    )


class Leaks(NamedTuple):
    """Sentences on what a checkpoint carries of held-back variants, the surest first."""

    sure: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    """Likenesses that a common ancestor may explain, and that a person has to decide."""


def leaks(variant: Variant, checkpoint_id: int) -> Leaks:
    """Say which held-back variants' content a checkpoint carries, or may carry.

    The number of queries does not grow with the number of held-back variants.
    """
    held = {one.pk: one for one in held_back_variants(variant.organization_id) if one.pk != variant.pk}
    if not held:
        return Leaks()
    files = _files(Q(checkpoint=checkpoint_id))
    if not files:
        return Leaks()
    theirs = large_blobs_of(held)
    public = _public_blobs(variant, held)
    ours = {blob for blob, _ in files}
    fingerprints = fingerprints_of(ours.union(public, *theirs.values()))
    shared = _shared_weights(files, theirs, public)
    likenesses = search(
        [fingerprints[blob] for blob in sorted(ours) if blob in fingerprints],
        {pk: [fingerprints[blob][0] for blob in sorted(blobs) if blob in fingerprints] for pk, blobs in theirs.items()},
        [fingerprints[blob][0] for blob in sorted(public) if blob in fingerprints],
    )
    sentences = []
    for pk, one in held.items():
        sentence = _sentence(one.repo_id, shared.get(pk, 0), likenesses.get(pk))
        if sentence is not None:
            sentences.append(sentence)
    sentences.sort(key=lambda sentence: sentence.gravity)
    return Leaks(
        tuple(sentence.text for sentence in sentences if sentence.gravity < DOUBTFUL),
        tuple(sentence.text for sentence in sentences if sentence.gravity >= DOUBTFUL),
    )


def _sentence(repo_id: str, files: int, likeness: Likeness | None) -> Sentence | None:
    """The worst that can be said of one held-back variant; None if nothing speaks for its content being here."""
    whose = f"{repo_id}, which is held back"
    if files:
        return Sentence(0, f"{_count(files, 'of its weight files', 'belongs', 'belong')} to {whose}.")
    if likeness is None:
        return None
    which = f" ({', '.join(likeness.names[:SHOWN])}{' …' if len(likeness.names) > SHOWN else ''})"
    if likeness.exact:
        return Sentence(1, f"{_count(likeness.exact, 'of its tensors', 'belongs', 'belong')} to {whose}{which}.")
    alike = f"{likeness.alike} of its {likeness.tensors} matrices{which}"
    if likeness.alike and likeness.difference is not None:
        if likeness.difference >= COPY_DIFFERENCE:
            return Sentence(2, f"{alike} are a changed copy of {whose}: they differ from their public parent alike.")
        if likeness.difference >= DOUBT_DIFFERENCE:
            text = f"{alike} may partly come from {whose}; their public parent explains only some of it."
            return Sentence(DOUBTFUL, text)
        return None
    if likeness.alike and likeness.similarity >= COPY:
        return Sentence(
            2,
            f"{alike} are a cast, quantized or tuned copy of {whose}. "
            "If both come from a public model, name that as their parent.",
        )
    if likeness.rows:
        return Sentence(3, f"{likeness.rows} of its matrices{which} are made of rows of {whose}.")
    if likeness.alike:
        return Sentence(
            DOUBTFUL,
            f"{alike} resemble those of {whose}. If both come from a public model, name that as their parent.",
        )
    return None


def _count(number: int, what: str, one: str, many: str) -> str:
    return f"{number} {what} {one if number == 1 else many}"


def _files(which: Q) -> set[tuple[str, str]]:
    """Content and path of the files that are large enough to say something."""
    rows = CheckpointFile.objects.filter(which, blob__size_bytes__gte=SMALLEST_BYTES)
    return set(rows.values_list("blob_id", "path"))


def _shared_weights(files: set[tuple[str, str]], theirs: Mapping[int, set[str]], public: set[str]) -> dict[int, int]:
    """How many whole files each held-back variant has, too, other than what families share by nature."""
    ours = {blob for blob, _ in files}
    common = {blob for blobs in theirs.values() for blob in blobs & ours} - public
    kinds: dict[str, set[str]] = {}
    for blob, kind in FileInspection.objects.filter(blob__in=common).values_list("blob_id", "report__kind"):
        kinds.setdefault(blob, set()).add(str(kind))
    weights = set()
    for blob, path in files:
        if blob in common:
            is_shared = kinds[blob] <= SHARED_KINDS if blob in kinds else SHARED_NAMES.search(path) is not None
            if not is_shared:
                weights.add(blob)
    return {pk: len(blobs & weights) for pk, blobs in theirs.items() if blobs & weights}


def _public_blobs(variant: Variant, held: Mapping[int, Variant]) -> set[str]:
    """Content of public models that the candidate or a held-back variant may descend from.

    Those are their ancestors here, and whatever the organization serves to everyone. None of them is itself held back.
    """
    ancestors = ancestor_ids({variant.pk, *held})
    served = Serving.objects.filter(
        Q(variant__in=ancestors) | Q(variant__organization=variant.organization_id), level=Level.PUBLIC, until=None
    ).exclude(variant__in=held)
    return {blob for blob, _ in _files(Q(checkpoint__servings__in=served))}
