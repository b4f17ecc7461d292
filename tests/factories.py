"""Rows for tests, made by the services that make them in life, so that test data cannot be illegal."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from unittest.mock import patch

from django.db import transaction
from django.utils import timezone

import jobs.services as jobs
from accounts.models import User
from accounts.roles import Actor, Role, Scope
from accounts.services import create_token, create_user
from gating.models import GateVersion
from gating.services.gates import set_gate
from jobs import running
from jobs.models import Job
from jobs.running import Lease
from licensing.catalog import shipped
from licensing.models import License, LicenseVersion
from licensing.selectors import version_of
from licensing.services import load_catalog
from registry.evidence_jobs import evidence_jobs
from registry.models import Checkpoint, Commit, Evidence, Organization, Serving, Variant
from registry.selectors import actor_for
from registry.services import commits, content, variants
from registry.services.evidence import record_evidence
from registry.states import EvidenceKind, Level, Outcome
from release.models import Release
from release.services import drafts, publications, reviews
from release.services.policies import default_document, install_policy
from release.services.targets import put_target
from release.states import TargetKind

_numbers = itertools.count(1)


def make_user(username: str = "", **options: object) -> User:
    """A person who can sign in with the password `password`."""
    name = username or f"user-{next(_numbers)}"
    return create_user(**{"username": name, "password": "password", **options})


def make_token(user: User, *scopes: str, **options: object) -> str:
    """The secret of a new token; without scopes it has them all."""
    chosen = scopes or tuple(Scope)
    return create_token(**{"user": user, "name": "test", "scopes": chosen, "expires_days": 30, **options}).secret


def make_organization(name: str = "", **options: object) -> Organization:
    """A namespace, governed unless `is_direct_control`."""
    return variants.create_organization(**{"name": name or f"lab-{next(_numbers)}", **options})


def make_member(organization: Organization, role: Role, username: str = "") -> User:
    """A new person with one role."""
    user = make_user(username)
    variants.add_member(organization=organization, user=user, role=role, by=None)
    return user


def make_variant(organization: Organization | None = None, name: str = "", **options: object) -> Variant:
    """A variant without files, made by a new owner unless `by` names somebody."""
    organization = organization or make_organization()
    by = options.pop("by", None) or make_member(organization, Role.OWNER)
    name = name or f"model-{next(_numbers)}"
    return variants.create_variant(**{"organization": organization, "name": name, "by": by, **options})


def make_commit(variant: Variant, files: Mapping[str, bytes] | None = None, **options: object) -> Commit:
    """A commit that makes these files the whole content of a branch."""
    given = files or {"README.md": b"# A model\n", "config.json": f'{{"n": {next(_numbers)}}}'.encode()}
    placed = {
        path: commits.Placed(content.receive([data], organization=variant.organization).sha256)
        for path, data in given.items()
    }
    changes = commits.Changes(add=placed, replace_all=True)
    return commits.commit(
        **{"variant": variant, "changes": changes, "title": "Upload", "author": variant.created_by, **options}
    )


def serve(variant: Variant, level: Level = Level.GATED, commit: Commit | None = None) -> Serving:
    """What a release leaves when it is live here: a checkpoint on the released line, served at a level."""
    source = commit or make_commit(variant)
    now = timezone.now()
    with transaction.atomic():
        stop_serving(variant)
        released = commits.commit_released(
            variant=variant, checkpoint=source.checkpoint, title="Release", author=None, at=now
        )
        return Serving.objects.create(
            variant=variant,
            checkpoint=source.checkpoint,
            commit=released,
            level=level,
            release_digest=f"sha256:{next(_numbers):064x}",
            since=now,
        )


def stop_serving(variant: Variant) -> None:
    """End what is served of a variant."""
    Serving.objects.filter(variant=variant, until=None).update(until=timezone.now())


# --- releases ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lab:
    """An organization with a person for each role that releases need, a target here, and the default policy."""

    organization: Organization
    manager: User
    safety: User
    legal: User
    security: User
    auditor: User
    pipeline: User

    def actor(self, user: User) -> Actor:
        """A signed-in member as the policies see them."""
        return actor_for(user, self.organization)


def make_lab(name: str = "") -> Lab:
    """A governed organization that can release."""
    install_policy(document=default_document(), by=None)
    organization = make_organization(name)
    put_target(
        organization=organization, name="here", title="This instance", kind=TargetKind.HERE, by=None, is_default=True
    )
    number = next(_numbers)
    people = {
        "manager": Role.RELEASE_MANAGER,
        "safety": Role.SAFETY_REVIEWER,
        "legal": Role.LEGAL_REVIEWER,
        "security": Role.SECURITY_REVIEWER,
        "auditor": Role.AUDITOR,
        "pipeline": Role.AUTOMATION,
    }
    made = {key: make_member(organization, role, f"{key}-{number}") for key, role in people.items()}
    return Lab(organization, **made)


def make_license(key: str = "apache-2.0") -> LicenseVersion:
    """The current version of a license of the shipped catalog, of which no more is loaded."""
    if not License.objects.filter(key=key).exists():
        catalog = shipped()
        load_catalog(replace(catalog, entries=tuple(entry for entry in catalog.entries if entry.key == key)))
    return version_of(key)


def make_gate(variant: Variant, by: User, duration_days: int = 180) -> GateVersion:
    """A gate with one question, written by an access reviewer or release manager."""
    fields = [{"name": "purpose", "label": "What will you use it for?", "type": "text", "required": True}]
    return set_gate(variant=variant, fields=fields, license_version=None, duration_days=duration_days, by=by)


def make_evidence(checkpoint: Checkpoint, outcome: Outcome = Outcome.PASS, **options: object) -> list[Evidence]:
    """Evidence of every kind with this outcome, written under the lease of a job as workers do."""
    kinds = options.pop("kinds", set(EvidenceKind))
    made = []
    for kind, job_kind in evidence_jobs().items():
        if kind in kinds:
            made.append(_evidence(checkpoint, kind, job_kind, outcome, **options))
    return made


def _evidence(
    checkpoint: Checkpoint, kind: EvidenceKind, job_kind: str, outcome: Outcome, **options: object
) -> Evidence:
    queued = jobs.enqueue(job_kind, subject=checkpoint)
    claimed = jobs.claim(str(queued.pk), worker="test")
    evidence = record_evidence(
        Lease(claimed),
        **{
            "checkpoint": checkpoint,
            "kind": kind,
            "outcome": outcome,
            "summary": f"{kind.value}: {outcome.value}",
            "tool": "test",
            "tool_version": "1",
            **options,
        },
    )
    jobs.succeed(claimed)
    return evidence


def make_draft(lab: Lab, level: Level = Level.PUBLIC, *, variant: Variant | None = None, **options: object) -> Release:
    """A draft by the manager with one variant, whose checkpoint has passed everything, under Apache 2.0."""
    variant = variant or make_variant(lab.organization)
    commit = options.pop("commit", None) or make_commit(variant)
    if options.pop("has_evidence", True):
        make_evidence(commit.checkpoint)
    actor = lab.actor(lab.manager)
    release = drafts.create_draft(
        organization=lab.organization, title=str(options.pop("title", "First wave")), by=lab.manager, actor=actor
    )
    if level == Level.GATED and not GateVersion.objects.filter(variant=variant).exists():
        make_gate(variant, lab.manager)
    is_explained = {"reason_code": "safety", "review_on": timezone.localdate() + timedelta(days=90)}
    drafts.put_item(
        release_id=release.pk,
        variant=variant,
        checkpoint=commit.checkpoint,
        level=level,
        by=lab.manager,
        actor=actor,
        **{
            "license_version": make_license() if level != Level.HELD_BACK else None,
            **(is_explained if level == Level.HELD_BACK else {}),
            **options,
        },
    )
    return Release.objects.get(pk=release.pk)


def submit(lab: Lab, release: Release) -> Release:
    """Hand a draft to the reviewers, by the manager."""
    return reviews.submit(release_id=release.pk, by=lab.manager, actor=lab.actor(lab.manager))


def approve(lab: Lab, release: Release, *users: User) -> Release:
    """Sign a release by these people; by default by all whom the default policy asks."""
    for user in users or (lab.safety, lab.legal):
        release = reviews.approve(release_id=release.pk, by=user, actor=lab.actor(user), seen=release.digest)
    return release


def make_approved(lab: Lab, level: Level = Level.PUBLIC, **options: object) -> Release:
    """A release that everybody has signed."""
    release = submit(lab, make_draft(lab, level, **options))
    return release if level == Level.HELD_BACK else approve(lab, release)


def make_live(lab: Lab, level: Level = Level.PUBLIC, **options: object) -> Release:
    """A release that is live, on this instance, carried out as workers do."""
    release = make_approved(lab, level, **options)
    publications.publish(release_id=release.pk, by=lab.manager, actor=lab.actor(lab.manager))
    run_jobs("release.publish")
    return Release.objects.get(pk=release.pk)


def run_jobs(kind: str) -> list[str]:
    """Do every due job of a kind now, in this process; returns how each ended.

    Leases are not renewed meanwhile: that is done over a connection that sees nothing of a test's own transaction.
    """
    due = Job.objects.filter(kind=kind, state="queued").order_by("pk").values_list("pk", flat=True)
    with patch.object(running, "REPORT_EVERY_SECONDS", 600.0):
        return [running.run(str(pk), worker="test") for pk in due]
