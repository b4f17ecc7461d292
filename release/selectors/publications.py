"""Reads of what became of releases on their targets."""

from __future__ import annotations

from django.db.models import Count, Exists, OuterRef, Q, Sum
from django.db.models.functions import Coalesce

import jobs.services as jobs
from gating.models import Grant
from jobs.models import Job
from jobs.states import OPEN
from registry.models import Disclosure
from registry.states import Component, Level
from release import policies
from release.models import Publication, PublicationFile, Release, ReleaseItem
from release.states import PublicationState, ReleaseState
from rules import Refused


def publication_of(release: Release, publication_id: int) -> Publication:
    """One publication of a release; Refused as missing where it is another's."""
    found = release.publications.filter(pk=publication_id).select_related("target").first()
    if found is None:
        raise Refused.because(policies.NOT_IN_RELEASE, variant=f"publication {publication_id}")
    return found


def publication_work(publications: list[Publication]) -> dict[int, Job]:
    """The newest job of each publication: what runs, waits or has failed."""
    subjects = {jobs.subject_of(publication): publication.pk for publication in publications}
    found: dict[int, Job] = {}
    for job in Job.objects.filter(subject__in=subjects).order_by("created_at"):
        found[subjects[job.subject]] = job
    return found


def open_jobs(publication: Publication, kind: str) -> list[Job]:
    """The work of a kind on a publication that is still to be done."""
    return list(Job.objects.filter(kind=kind, subject=jobs.subject_of(publication), state__in=OPEN))


def successor_of(publication: Publication) -> Publication | None:
    """The publication that a later release put, or is putting, into the same repository; None while this is the
    last one."""
    return (
        Publication.objects.filter(
            target=publication.target_id, repo_id=publication.repo_id, pk__gt=publication.pk, withdrawn_at=None
        )
        .exclude(release__state=ReleaseState.WITHDRAWN)
        .select_related("release")
        .order_by("-pk")
        .first()
    )


def journal_sums(publications: list[Publication]) -> dict[int, dict[str, int]]:
    """How many files and bytes of each publication there are, were sent and were read back; one query."""
    sent, verified = Q(uploaded_at__isnull=False), Q(verified_at__isnull=False)
    rows = (
        PublicationFile.objects.filter(publication__in=publications)
        .order_by()
        .values("publication")
        .annotate(
            files=Count("pk"),
            sent=Count("pk", filter=sent),
            verified=Count("pk", filter=verified),
            bytes_total=Coalesce(Sum("size_bytes"), 0),
            bytes_sent=Coalesce(Sum("size_bytes", filter=sent), 0),
        )
    )
    return {row.pop("publication"): {name: int(value) for name, value in row.items()} for row in rows}


def live_publications(variant_ids: list[int]) -> dict[int, list[Publication]]:
    """Where these variants are observed live, by the variant's id."""
    rows = (
        Publication.objects.filter(
            item__variant__in=variant_ids, state__in=(PublicationState.LIVE, PublicationState.DRIFTED)
        )
        .select_related("target", "item")
        .order_by("target__name", "-id")
    )
    found: dict[int, dict[int, Publication]] = {}
    for row in rows:
        found.setdefault(row.item.variant_id, {}).setdefault(row.target_id, row)
    return {variant: list(places.values()) for variant, places in found.items()}


def live_items(variant_ids: list[int]) -> dict[int, ReleaseItem]:
    """The items that are what outsiders see of some variants now, by the variant's id; none where nothing is out."""
    in_force = Disclosure.objects.filter(
        variant=OuterRef("variant"),
        component=Component.WEIGHTS,
        superseded_at=None,
        release_digest=OuterRef("release__digest"),
    )
    rows = (
        ReleaseItem.objects.filter(Exists(in_force), variant__in=variant_ids, release__state=ReleaseState.LIVE)
        .exclude(level=Level.HELD_BACK)
        .select_related("packaged", "release")
        .order_by("release__live_at")
    )
    return {row.variant_id: row for row in rows}


def holders_of(variant_ids: list[int]) -> dict[int, int]:
    """How many people were ever granted each variant, by its id."""
    rows = Grant.objects.filter(variant__in=variant_ids).order_by().values("variant")
    return {row["variant"]: row["people"] for row in rows.annotate(people=Count("user", distinct=True))}
