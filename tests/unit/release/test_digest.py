"""The release digest covers everything that reviewers sign, and nothing else."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from registry.states import Level
from release.digest import release_digest
from release.facts import DisclosureFacts, TargetFacts
from release.states import ReleaseState
from tests.unit.release.makers import NOW, OTHER, SIGNED, evidence, item, lines, release

BASE = release(
    items=(item(Level.GATED), item(repo_id="acme/b")), targets=(TargetFacts("a", "here"), TargetFacts("b", "here"))
)


def with_item(**changes: object):
    """The release with its first item changed."""
    return dataclasses.replace(BASE, items=(dataclasses.replace(BASE.items[0], **changes), BASE.items[1]))


def with_line(**changes: object):
    """The release with one line of its first item changed."""
    first, *rest = BASE.items[0].disclosures
    return with_item(disclosures=(dataclasses.replace(first, **changes), *rest))


@pytest.mark.parametrize(
    "changed",
    [
        dataclasses.replace(BASE, organization="other"),
        dataclasses.replace(BASE, policy_digest=OTHER),
        dataclasses.replace(BASE, scheduled_for=NOW),
        dataclasses.replace(BASE, targets=BASE.targets[:1]),
        dataclasses.replace(BASE, targets=(TargetFacts("a", "hub"), BASE.targets[1])),
        dataclasses.replace(BASE, targets=(TargetFacts("a", "here", "https://x"), BASE.targets[1])),
        dataclasses.replace(BASE, targets=(TargetFacts("a", "here", "", "ns"), BASE.targets[1])),
        dataclasses.replace(BASE, items=BASE.items[:1]),
        with_item(checkpoint=OTHER),
        with_item(packaged=OTHER),
        with_item(level=Level.PUBLIC),
        with_item(license_digest="mit@1:2:3"),
        with_item(gate="2:2"),
        with_item(repo_id="acme/renamed"),
        with_item(disclosures=BASE.items[0].disclosures[:-1]),
        with_line(component="training_data"),
        with_line(level=Level.PUBLIC),
        with_line(reason_code="legal"),
        with_line(note="x"),
        with_line(owner="bob"),
        with_line(review_on=date(2030, 1, 1)),
    ],
)
def test_any_change_of_what_is_signed_changes_the_digest(changed) -> None:
    assert release_digest(changed) != release_digest(BASE)


@pytest.mark.parametrize(
    "changed",
    [
        dataclasses.replace(BASE, title="Another title"),
        dataclasses.replace(BASE, state=ReleaseState.LIVE),
        dataclasses.replace(BASE, votes=SIGNED),
        dataclasses.replace(BASE, submitted_by_id=77),
        dataclasses.replace(BASE, items=BASE.items[::-1], targets=BASE.targets[::-1]),
        with_item(evidence=evidence(None), waived=frozenset({"evidence.smoke"})),
        with_item(disclosures=BASE.items[0].disclosures[::-1]),
    ],
)
def test_what_decides_nothing_and_mere_order_leave_it(changed) -> None:
    assert release_digest(changed) == release_digest(BASE)


def test_neighboring_fields_cannot_be_shifted_into_each_other() -> None:
    def line(note: str, owner: str) -> DisclosureFacts:
        return dataclasses.replace(lines(Level.GATED)[0], note=note, owner=owner)

    one, other = line('x","y', "z"), line("x", 'y","z')
    assert release_digest(with_item(disclosures=(one,))) != release_digest(with_item(disclosures=(other,)))


def test_the_digest_is_stable() -> None:
    """A change here voids every signature that was ever given; make it only together with a new version word."""
    assert release_digest(release()) == ("sha256:caf08e8c8b9ecf2b10409f399fb00f0004f90aeac2586ab6f66742aa76406c8d")
