"""Reads for the pages of a variant. What a viewer may know was decided by `gating` before; these keep within it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from accounts.roles import Scope
from gating.policies import Access
from gating.selectors import visible_variant
from registry.models import Checkpoint, CheckpointFile, Commit, Disclosure, Evidence, Ref, Serving, Variant
from registry.selectors import commit_at, head_of, serving_of
from registry.states import Level, RefKind
from release import policies
from release.models import Release, ReleaseItem
from release.selectors import smoke
from rules import Refused


@dataclass(frozen=True, slots=True)
class Seen:
    """A variant as one viewer sees it: the commit at hand is the only one that an outsider may know of."""

    variant: Variant
    access: Access
    commit: Commit | None
    serving: Serving | None

    @property
    def is_member(self) -> bool:
        """Whether the viewer may know the whole history."""
        return self.access.is_member


def seen_by(
    user: User, organization: str, name: str, revision: str = "", *, scopes: frozenset[Scope] | None = None
) -> Seen:
    """The variant at a revision, for this viewer; Refused alike for missing and hidden.

    An outsider of a governed organization gets the served commit whatever they name it, as long as they name it
    `main` or by its own id; any other revision is missing.
    """
    variant, access = visible_variant(user, f"{organization}/{name}", scopes=scopes)
    serving = serving_of(variant)
    if access.only_commit_id is not None:
        only = Commit.objects.select_related("checkpoint").get(pk=access.only_commit_id)
        if revision not in ("", "main", only.oid):
            raise Refused.because(policies.REVISION_HIDDEN, revision=revision[:60])
        return Seen(variant, access, only, serving)
    commit = commit_at(variant, revision) if revision else head_of(variant)
    return Seen(variant, access, commit, serving)


def checkpoint_seen(seen: Seen, digest: str) -> Checkpoint | None:
    """The checkpoint of this digest, or the one at hand without a digest; members only, Refused where it is not the
    variant's."""
    if not digest:
        return seen.commit.checkpoint if seen.commit else None
    found = Checkpoint.objects.filter(digest=digest, commits__variant=seen.variant).first()
    if found is None:
        found = Checkpoint.objects.filter(
            digest=digest, pk__in=ReleaseItem.objects.filter(variant=seen.variant).values("packaged")
        ).first()
    if found is None:
        raise Refused.because(policies.CHECKPOINT_FOREIGN, variant=seen.variant.repo_id, digest=digest[:19])
    return found


def commit_of(variant: Variant, digest: str) -> Commit:
    """The newest commit of a variant's checkpoint; Refused where the variant has none of this digest."""
    rows = variant.commits.filter(checkpoint__digest=digest).select_related("checkpoint").order_by("-id")
    found = rows.first()
    if found is None:
        raise Refused.because(policies.NO_CHECKPOINT, variant=variant.repo_id, digest=digest[:19])
    return found


def files_at(seen: Seen) -> QuerySet[CheckpointFile]:
    """The files of the commit at hand; none where nothing was uploaded."""
    rows = CheckpointFile.objects.select_related("blob")
    return rows.filter(checkpoint=seen.commit.checkpoint) if seen.commit else rows.none()


def outside_states(rows: Iterable[Variant]) -> dict[int, str]:
    """What outsiders may see of each variant, by its id: a level, or empty for nothing; one query."""
    rows = list(rows)
    served = dict(Serving.objects.filter(variant__in=rows, until=None).values_list("variant", "level"))
    return {row.pk: _controlled(row) if row.organization.is_direct_control else served.get(row.pk, "") for row in rows}


def _controlled(variant: Variant) -> str:
    if variant.is_private:
        return ""
    return Level.GATED.value if variant.gate_mode else Level.PUBLIC.value


def source_of(variant: Variant, checkpoint: Checkpoint) -> Checkpoint | None:
    """The checkpoint that a packaged one was made from, where that is another."""
    item = (
        ReleaseItem.objects.filter(variant=variant, packaged=checkpoint)
        .exclude(checkpoint=checkpoint)
        .select_related("checkpoint")
        .order_by("-id")
        .first()
    )
    return item.checkpoint if item else None


def hardware_of(variant: Variant, checkpoint: Checkpoint) -> list[dict[str, Any]]:
    """On what a checkpoint runs, as its newest smoke evidence says, or that of what it was packaged from."""
    own = smoke.hardware_of(checkpoint)
    source = None if own else source_of(variant, checkpoint)
    return smoke.hardware_of(source) if source else own


def evidence_history(checkpoint: Checkpoint) -> list[Evidence]:
    """All evidence of a checkpoint, newest first, without the reports."""
    return list(Evidence.objects.filter(checkpoint=checkpoint).defer("report").order_by("-id")[:50])


def refs_of(variant: Variant) -> list[Ref]:
    """Branches and tags."""
    rows = Ref.objects.filter(variant=variant, kind__in=[RefKind.BRANCH, RefKind.TAG])
    return list(rows.select_related("commit__checkpoint"))


def servings_of(variant: Variant) -> list[tuple[Serving, Release | None]]:
    """What was served to outsiders, newest first, with the releases that did it."""
    rows = list(Serving.objects.filter(variant=variant).select_related("checkpoint", "commit")[:50])
    releases = {
        release.digest: release
        for release in Release.objects.filter(
            organization=variant.organization, digest__in={row.release_digest for row in rows}
        )
    }
    return [(row, releases.get(row.release_digest)) for row in rows]


def decisions_of(variant: Variant) -> list[Disclosure]:
    """The decisions in force for each component, as members see them."""
    return list(Disclosure.objects.filter(variant=variant, superseded_at=None).select_related("owner"))


def releases_of(variant: Variant) -> list[Release]:
    """The releases in which a variant is, newest first."""
    return list(Release.objects.filter(items__variant=variant).order_by("-id")[:20])
