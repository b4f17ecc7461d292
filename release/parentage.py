"""Verified lineage: whether the weights of a checkpoint bear out the parents that are named for it.

Owns two questions, asked of one checkpoint: is the content of each parent known again in it, and is the content of some
other variant in it that nobody named? Stored fingerprints answer both, as they do for the leak guard. What weights
cannot show, such as distillation, is said to be unseen and never taken for verified.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q, QuerySet

from licensing.lineage_reads import not_recorded
from registry.models import Checkpoint, CheckpointFile, LineageEdge, Serving, Variant
from registry.selectors import ancestor_ids, descendant_ids, is_named, variants
from registry.states import Level, Relation
from release.card import BadCard, split_card
from release.leak_index import fingerprints_of, large_blobs_of, public_blobs_of
from release.license_terms import declared_parents
from release.packaging import card_text
from weights.shortlist import Likeness, search

WHOLE = 0.5  # share of matrices known again from which on the rest may be new heads, layers or vocabulary
OWN_CHANGES = 0.3  # cosine of the differences from a common ancestor; below it two are siblings
SHOWN = 8


class Standing(StrEnum):
    """What the weights say of one parent."""

    BORNE_OUT = "borne_out"
    IN_PART = "in_part"
    CONTRADICTED = "contradicted"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Parentage:
    """What the weights say of one parent; `sentence` says it in words."""

    parent: str
    relation: Relation | None
    standing: Standing
    sentence: str


@dataclass(frozen=True, slots=True)
class Resemblance:
    """A variant that nobody named, and how much of it is known again."""

    repo_id: str
    sentence: str


def parentage_of(variant: Variant, checkpoint: Checkpoint) -> list[Parentage]:
    """What the weights of a checkpoint say of its parents: those on record, and those that its card names.

    Parents elsewhere are unseen: nothing of them is here to compare with. A handful of queries, however many parents.
    """
    said = _said_of(variant, checkpoint)
    if not said:
        return []
    here = {one.repo_id.casefold(): one for one in comparable_with(variant).filter(_is_any_of(said))}
    likenesses, compared = _search(variant, checkpoint, list(here.values()))
    return [_judged(name, relation, here.get(name.casefold()), likenesses, compared) for name, relation in said.items()]


def comparable_with(variant: Variant) -> QuerySet[Variant]:
    """The variants whose content a member of a variant's organization may be told of: its own, and what is public.

    A name alone must tell nothing of a model that somebody else keeps to themselves, not even that it exists.
    """
    public = Serving.objects.filter(level=Level.PUBLIC, until=None)
    return variants().filter(Q(organization=variant.organization_id) | Q(pk__in=public.values("variant")))


def unnamed_relatives(variant: Variant, checkpoint: Checkpoint, among: Iterable[Variant]) -> list[Resemblance]:
    """Which of some variants are known again in a checkpoint though no lineage joins them, the nearest first.

    What an ancestor explains is left out, so that siblings do not count. Cost grows with the tensors of all of them.
    """
    ancestors = ancestor_ids([variant.pk])
    kin = ancestors | {variant.pk} | descendant_ids([variant.pk])
    strangers = {one.pk: one for one in among if one.pk not in kin}
    explained = set().union(*large_blobs_of(ancestors).values())
    found, _ = _search(variant, checkpoint, list(strangers.values()), explained)
    near = [(strangers[pk], one) for pk, one in found.items() if _counts(one) and not _is_sibling(one)]
    near.sort(key=lambda pair: (-_counts(pair[1]), pair[0].repo_id))
    return [Resemblance(one.repo_id, _known_again(likeness)) for one, likeness in near[:SHOWN]]


def _said_of(variant: Variant, checkpoint: Checkpoint) -> dict[str, Relation | None]:
    """Parents by repository name; what is on record says more than a card, and a broken card says nothing."""
    edges = LineageEdge.objects.filter(child=variant).select_related("parent__organization").order_by("id")
    try:
        declared = declared_parents(split_card(card_text(checkpoint))[0])
    except BadCard:
        declared = []
    return {edge.parent_name: Relation(edge.relation) for edge in edges} | {
        edge.parent: Relation(edge.relation) if edge.relation else None for edge in not_recorded(variant, declared)
    }


def _is_any_of(names: Iterable[str]) -> Q:
    wanted = Q()
    for name in names:
        organization, _, rest = name.partition("/")
        wanted |= is_named(organization, rest)
    return wanted


def _search(
    variant: Variant, checkpoint: Checkpoint, others: list[Variant], explained: Iterable[str] = ()
) -> tuple[dict[int, Likeness], set[int]]:
    """Likenesses by variant, and which could be compared at all; of others' variants only what they serve counts."""
    if not others:
        return {}, set()
    ours = set(CheckpointFile.objects.filter(checkpoint=checkpoint).values_list("blob_id", flat=True))
    own = [one.pk for one in others if one.organization_id == variant.organization_id]
    theirs = large_blobs_of(own) | public_blobs_of(one.pk for one in others if one.pk not in own)
    prints = fingerprints_of({*ours, *explained}.union(*theirs.values()))
    candidate = [prints[blob] for blob in sorted(ours) if blob in prints]
    packed = {pk: [prints[blob][0] for blob in sorted(blobs) if blob in prints] for pk, blobs in theirs.items()}
    held = {pk: parts for pk, parts in packed.items() if parts}
    if not candidate:
        return {}, set()
    public = [prints[blob][0] for blob in sorted(explained) if blob in prints]
    return search(candidate, held, public), set(held)


def _judged(
    name: str, relation: Relation | None, parent: Variant | None, found: dict[int, Likeness], compared: set[int]
) -> Parentage:
    if parent is None:
        return Parentage(name, relation, Standing.UNSEEN, "It is elsewhere, so nothing of it could be compared.")
    if relation == Relation.DISTILLED:
        return Parentage(name, relation, Standing.UNSEEN, "Distillation leaves no weights to know a parent by.")
    likeness = found.get(parent.pk)
    if likeness is not None and _counts(likeness):
        standing = Standing.BORNE_OUT if _counts(likeness) >= WHOLE * likeness.tensors else Standing.IN_PART
        return Parentage(name, relation, standing, _known_again(likeness))
    if relation == Relation.ADAPTER:
        return Parentage(name, relation, Standing.UNSEEN, "An adapter holds changes alone; its base is not in it.")
    if parent.pk not in compared:
        return Parentage(name, relation, Standing.UNSEEN, "One of the two has not been validated yet.")
    return Parentage(name, relation, Standing.CONTRADICTED, "None of its matrices is known again.")


def _counts(likeness: Likeness) -> int:
    return max(likeness.exact, likeness.alike, likeness.rows)


def _is_sibling(likeness: Likeness) -> bool:
    """Whether a common ancestor is all there is to a likeness."""
    return likeness.difference is not None and likeness.difference < OWN_CHANGES and not likeness.exact


def _known_again(likeness: Likeness) -> str:
    known, tensors = _counts(likeness), likeness.tensors
    if likeness.exact == tensors:
        return f"All {tensors} matrices are its own, bit by bit."
    if likeness.rows > max(likeness.exact, likeness.alike):
        return f"{known} of {tensors} matrices are made of its rows."
    equal = f", {likeness.exact} of them bit by bit" if likeness.exact else ""
    return f"{known} of {tensors} matrices are known again{equal} (likeness {likeness.similarity:.3f})."
