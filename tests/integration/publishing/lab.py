"""Releases on their way out, made through the services of the product, and the worker's part done in the test."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from accounts.models import User
from jobs import running
from jobs.models import Job
from jobs.states import OPEN
from registry.models import Commit, Variant
from registry.states import Level
from release.models import Release
from release.services import drafts, publications, reviews
from tests.factories import Lab, make_commit, make_evidence, make_license, make_variant

CARD = b"---\nlicense: apache-2.0\n---\n\n# A model\n"


@dataclass
class PublishingLab:
    """A lab, with the steps from a new variant to a published release."""

    lab: Lab

    @property
    def manager(self) -> User:
        return self.lab.manager

    def as_(self, user: User) -> dict[str, object]:
        """The arguments that say whose act it is."""
        return {"by": user, "actor": self.lab.actor(user)}

    def variant(self) -> tuple[Variant, Commit]:
        """A variant with a checkpoint whose evidence passes."""
        variant = make_variant(self.lab.organization, by=self.manager)
        weights = variant.name.encode() * 9000
        return variant, self.commit(variant, {"README.md": CARD, "config.json": b"{}", "model.safetensors": weights})

    def commit(self, variant: Variant, files: dict[str, bytes]) -> Commit:
        """A further checkpoint whose evidence passes."""
        made = make_commit(variant, files)
        make_evidence(made.checkpoint)
        return made

    def item(self, level: Level = Level.PUBLIC, **options: object) -> dict[str, object]:
        """A new variant, as it is put into a draft."""
        variant, made = self.variant()
        item = {"variant": variant, "checkpoint": made.checkpoint, "level": level, "license_version": make_license()}
        return item | options

    def draft(self, *items: dict[str, object], targets: tuple[str, ...] = ("hub",)) -> Release:
        """A draft with these items, bound for these targets."""
        release = drafts.create_draft(organization=self.lab.organization, title="A release", **self.as_(self.manager))
        for item in items:
            drafts.put_item(release_id=release.pk, **(self.as_(self.manager) | item))
        drafts.set_targets(release_id=release.pk, names=targets, **self.as_(self.manager))
        return release

    def publish(self, release: Release) -> Release:
        """Have it signed and begin to publish it; the jobs are left to `work`."""
        submitted = reviews.submit(release_id=release.pk, **self.as_(self.manager))
        if submitted.state == "in_review":
            for reviewer in (self.lab.safety, self.lab.legal):
                reviews.approve(release_id=release.pk, seen=submitted.digest, **self.as_(reviewer))
        return publications.publish(release_id=release.pk, **self.as_(self.manager))


def work() -> list[str]:
    """Do every open job of releases, as a worker would, without its pauses; returns how each ended."""
    ended = []
    for job in Job.objects.filter(state__in=[state.value for state in OPEN], kind__startswith="release."):
        Job.objects.filter(pk=job.pk).update(run_after=timezone.now())
        ended.append(running.run(str(job.pk), worker="test"))
    return ended
