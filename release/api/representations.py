"""Rows as the dictionaries that the API answers; shared by all of its views."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone

from accounts.roles import Actor
from jobs.models import Job
from licensing.models import LicenseVersion
from registry.models import CheckpointFile, Commit, Evidence, Variant
from registry.states import EvidenceKind
from release import policies, selectors
from release.models import Publication, PublicationFile, Release, ReleaseItem, Waiver
from release.presenters import board, publications
from release.requirements import Requirement
from rules import Verdict


def action(name: str, verdict: Verdict) -> dict[str, Any]:
    """A verb with its verdict."""
    return {"name": name, "allowed": verdict.allowed, "reasons": verdict.as_list()}


def release_url(release: Release) -> str:
    """The address of a release in the API."""
    return reverse("release-api:release", args=[release.pk])


def job_url(job: Job) -> str:
    """The address of a piece of work in the API."""
    return f"/api/v1/jobs/{job.pk}/"


def release_row(release: Release) -> dict[str, Any]:
    """A release in a list, whose parts were fetched before."""
    shown = board.row(release)
    return {
        "id": release.pk,
        "url": release_url(release),
        "organization": release.organization.name,
        "title": release.title,
        "state": release.state,
        "next_by": shown.next_by,
        "digest": release.digest,
        "variants": [item.variant.repo_id for item in release.items.all()],
        "updated_at": release.updated_at,
    }


def release(row: Release, actor: Actor) -> dict[str, Any]:
    """A release in full, with the acts as this actor may do them."""
    facts = selectors.facts_of(row)
    acts = policies.acts(facts, actor, timezone.now())
    places = publications.rows(row)
    items = row.items.select_related(
        "variant__organization", "checkpoint", "packaged", "license_version__license", "gate_version"
    )
    return {
        "id": row.pk,
        "url": release_url(row),
        "organization": row.organization.name,
        "title": row.title,
        "summary": row.summary,
        "state": row.state,
        "next_by": board.next_by(facts, [place.row for place in places]),
        "digest": row.digest,
        "policy_version": row.policy.version,
        "scheduled_for": row.scheduled_for,
        "drafted_by": row.drafted_by.username,
        "drafted_at": row.drafted_at,
        "submitted_by": row.submitted_by.username if row.submitted_by else None,
        "submitted_at": row.submitted_at,
        "live_at": row.live_at,
        "withdrawn_at": row.withdrawn_at,
        "targets": list(row.targets.all()),
        "items": [item(one) for one in items],
        "reviews": [_review(one, row) for one in row.reviews.select_related("by")],
        "actions": [action(name, verdict) for name, verdict in acts.items()],
        "jobs": [job_url(place.job) for place in places if place.job and place.job.is_open],
    }


def item(row: ReleaseItem) -> dict[str, Any]:
    """One variant in a release."""
    return {
        "variant": row.variant.repo_id,
        "checkpoint": row.checkpoint.digest,
        "packaged": row.packaged.digest if row.packaged else None,
        "level": row.level,
        "license": license_reference(row.license_version),
        "gate": row.gate_version.number if row.gate_version else None,
        "disclosures": [{**line, "review_on": line["review_on"] or None} for line in row.disclosures],
    }


def license_reference(version: LicenseVersion | None) -> dict[str, str] | None:
    """A license version by what identifies it."""
    if version is None:
        return None
    return {"key": version.license.key, "version": version.version, "text_sha256": version.text_sha256}


def requirement(row: Requirement) -> dict[str, Any]:
    """One point of the policy."""
    names = ("code", "title", "subject", "standing", "explanation", "lifted_by")
    return {name: getattr(row, name) for name in names} | {"evidence": row.evidence_id}


def publication(place: publications.Place, retry: Verdict) -> dict[str, Any]:
    """One variant on one target."""
    row: Publication = place.row
    names = ("id", "repo_id", "state", "url", "remote_commit", "live_at", "withdrawn_at")
    measured = ("files", "files_sent", "files_verified", "bytes_total", "bytes_sent", "waits_for", "next_try_at")
    return {
        **{name: getattr(row, name) for name in names},
        **{name: getattr(place, name) for name in measured},
        "target": row.target.name,
        "job": job(place.job),
        "actions": [action("retry", retry)],
    }


def journal_file(row: PublicationFile) -> dict[str, Any]:
    """One file on its way to a target."""
    return {name: getattr(row, name) for name in ("path", "size_bytes", "sha256", "uploaded_at", "verified_at")}


def job(row: Job | None) -> dict[str, Any] | None:
    """Work under way; None where there is none."""
    if row is None:
        return None
    names = ("state", "stage", "done", "total", "unit", "percent", "seconds_left", "attempts", "run_after")
    errors = {"error_code": row.error_code, "error_message": row.error_message}
    return {"url": job_url(row), **{name: getattr(row, name) for name in names}, **errors}


def waiver(row: Waiver) -> dict[str, Any]:
    """A waiver."""
    return {
        "requirement": row.requirement,
        "checkpoint": row.digest,
        "reason": row.reason,
        "owner": row.owner.username,
        "expires_at": row.expires_at,
    }


def variant_row(row: Variant, state: str) -> dict[str, Any]:
    """A variant in a list."""
    return {
        "name": row.repo_id,
        "url": reverse("release-api:variant", args=[row.organization.name, row.name]),
        "family": row.family.name if row.family else None,
        "summary": row.summary,
        "state": state,
        "downloads": row.downloads,
        "updated_at": row.updated_at,
    }


def file(row: CheckpointFile, url: str) -> dict[str, Any]:
    """One file of a checkpoint."""
    return {
        "path": row.path,
        "size_bytes": row.blob.size_bytes,
        "sha256": row.blob_id,
        "is_large": row.is_large,
        "url": url or None,
    }


def checkpoint(commit: Commit) -> dict[str, Any]:
    """A checkpoint by the commit that points at it."""
    return {
        "digest": commit.checkpoint.digest,
        "commit": commit.oid,
        "title": commit.title,
        "is_released": commit.is_released,
        "file_count": commit.checkpoint.file_count,
        "size_bytes": commit.checkpoint.size_bytes,
        "committed_at": commit.created_at,
    }


def evidence(kind: EvidenceKind, row: Evidence | None, work: Job | None) -> dict[str, Any]:
    """The newest evidence of a kind, made or not."""
    return {
        "kind": kind.value,
        "outcome": row.outcome if row else None,
        "id": row.pk if row else None,
        "summary": row.summary if row else "",
        "tool": row.tool if row else "",
        "tool_version": row.tool_version if row else "",
        "rules_version": row.rules_version if row else "",
        "made_at": row.made_at if row else None,
        "report": row.report if row else None,
        "job": job(work),
    }


def _review(row: Any, release_row: Release) -> dict[str, Any]:
    return {
        "role": row.role,
        "decision": row.decision,
        "by": row.by.username,
        "at": row.at,
        "reason": row.reason,
        "digest": row.digest,
        "is_void": row.digest != release_row.digest or row.by_id == release_row.submitted_by_id,
    }
