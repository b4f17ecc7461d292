"""Reads of the registry. Whether a viewer may see a variant is answered above, by `gating`; these don't ask."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from accounts.models import Token, User
from accounts.presenters import HeldRoles
from accounts.roles import NOBODY, Actor, Role
from jobs.models import Job
from jobs.selectors import with_parts
from jobs.services import subject_of
from registry import policies
from registry.evidence_jobs import evidence_jobs
from registry.models import Checkpoint, Commit, Evidence, LineageEdge, Membership, Organization, Ref, Serving, Variant
from registry.states import EvidenceKind, Outcome, RefKind
from rules import Refused

OID = re.compile(r"[0-9a-f]{7,40}")
COMMIT_ID_DIGITS = 40


def actor_for(user: User | None, organization: Organization, token: Token | None = None) -> Actor:
    """Somebody as the policies see them in one organization, through the door that they came by."""
    if user is None or not user.is_authenticated:
        return NOBODY
    roles = Membership.objects.filter(organization=organization, user=user).values_list("role", flat=True)
    return Actor(
        id=user.pk,
        name=user.username,
        roles=frozenset(Role(role) for role in roles),
        scopes=token.scope_set if token else None,
        is_service=user.is_service,
    )


def roles_of(user: User) -> list[HeldRoles]:
    """The roles that somebody holds, by organization."""
    held: dict[Organization, list[Role]] = {}
    rows = Membership.objects.filter(user=user).select_related("organization").order_by("organization__name", "role")
    for row in rows:
        held.setdefault(row.organization, []).append(Role(row.role))
    return [HeldRoles(place.name, place.title, tuple(roles)) for place, roles in held.items()]


def holds_a_role(user: User) -> bool:
    """Whether somebody is a member of any organization."""
    return Membership.objects.filter(user=user).exists()


def organization_named(name: str) -> Organization:
    """The organization of this name, whatever its case; Refused where there is none."""
    found = Organization.objects.filter(name__iexact=name).first()
    if found is None:
        raise Refused.because(policies.UNKNOWN, what="organization", name=name)
    return found


def variant_named(repo_id: str) -> Variant:
    """The variant `organization/name`, whatever its case; Refused where there is none. For commands and services."""
    organization, _, name = repo_id.partition("/")
    found = variants().filter(is_named(organization, name)).first()
    if found is None:
        raise Refused.because(policies.UNKNOWN, what="model", name=repo_id)
    return found


def is_named(organization: str, name: str) -> Q:
    """The condition that a variant is called so, whatever its case; written as its index is."""
    return Q(Exact(Lower("organization__name"), Lower(Value(organization)))) & Q(
        Exact(Lower("name"), Lower(Value(name)))
    )


def variants() -> QuerySet[Variant]:
    """All variants with what naming them needs."""
    return Variant.objects.select_related("organization", "family")


def ancestor_ids(variants: Iterable[int]) -> set[int]:
    """The variants here that some come from, over any number of steps; one query for each step."""
    return _reached(variants, "child", "parent")


def descendant_ids(variants: Iterable[int]) -> set[int]:
    """The variants here that came from some, over any number of steps; one query for each step."""
    return _reached(variants, "parent", "child")


def _reached(variants: Iterable[int], known: str, wanted: str) -> set[int]:
    found: set[int] = set()
    edge = set(variants)
    while edge:
        rows = LineageEdge.objects.filter(**{f"{known}__in": edge, f"{wanted}__isnull": False})
        edge = set(rows.values_list(f"{wanted}_id", flat=True)) - found
        found |= edge
    return found


def serving_of(variant: Variant) -> Serving | None:
    """What outsiders are served of a variant now."""
    return (
        Serving.objects.filter(variant=variant, until=None).select_related("commit__checkpoint", "checkpoint").first()
    )


def commit_at(variant: Variant, revision: str) -> Commit:
    """The commit that a revision names: a branch, a tag, `refs/…`, or a commit id of 7 to 40 digits.

    For those who may see the whole history; Refused where nothing has that name.
    """
    if len(revision) == COMMIT_ID_DIGITS and OID.fullmatch(revision):
        named = variant.commits.filter(oid=revision).select_related("checkpoint").first()
        if named:  # whatever else is called so
            return named
    kind, name = _ref_of(revision)
    refs = Ref.objects.filter(variant=variant, name=name).select_related("commit__checkpoint")
    refs = refs.filter(kind=kind) if kind else refs.exclude(kind=RefKind.PULL)
    found = refs.order_by("kind").first()  # a branch comes before a tag of the same name
    if found:
        return found.commit
    if OID.fullmatch(revision):
        commits = list(variant.commits.filter(oid__startswith=revision).select_related("checkpoint")[:2])
        if len(commits) == 1:
            return commits[0]
    raise Refused.because(policies.REVISION_MISSING, revision=revision, repo=variant.repo_id)


def latest_evidence(checkpoint: Checkpoint) -> dict[EvidenceKind, Evidence]:
    """The newest result of each kind: an attempt that was not run tells nothing of the bytes that a run had told.

    Only where no attempt was run the newest of them stands.
    """
    is_result = Case(When(outcome=Outcome.NOT_RUN, then=0), default=1)
    newest = Evidence.objects.filter(checkpoint=OuterRef("checkpoint"), kind=OuterRef("kind"))
    newest = newest.order_by(is_result.desc(), "-id")
    rows = Evidence.objects.filter(checkpoint=checkpoint, pk=Subquery(newest.values("pk")[:1]))
    return {EvidenceKind(row.kind): row for row in rows}


def evidence_work(checkpoint: Checkpoint) -> dict[EvidenceKind, Job]:
    """The newest job of each kind of evidence of a checkpoint: what runs, waits or has failed."""
    kinds = {job_kind: kind for kind, job_kind in evidence_jobs().items()}
    found: dict[EvidenceKind, Job] = {}
    for job in Job.objects.filter(subject=subject_of(checkpoint), kind__in=kinds).order_by("created_at"):
        found[kinds[job.kind]] = job
    with_parts(found.values())
    return found


def head_of(variant: Variant, branch: str = "main") -> Commit | None:
    """The newest commit of a branch."""
    ref = (
        Ref.objects.filter(variant=variant, kind=RefKind.BRANCH, name=branch)
        .select_related("commit__checkpoint", "commit__author")
        .first()
    )
    return ref.commit if ref else None


def _ref_of(revision: str) -> tuple[str, str]:
    for kind in RefKind:
        prefix = f"refs/{kind.folder}/"
        if revision.startswith(prefix):
            return kind, revision.removeprefix(prefix)
    return "", revision
