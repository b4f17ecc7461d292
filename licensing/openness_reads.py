"""Reads for openness: what is on record of a variant and a checkpoint, as the pure rules take it.

Whether a viewer may see it is asked above; these don't ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from licensing.card import words
from licensing.models import LicenseVersion, OpennessStatement
from licensing.openness.assessment import Assessment, assess
from licensing.openness.claims import Claim, Excess, claims_of, excesses
from licensing.openness.files import shown_by
from licensing.openness.gathering import OnRecord, gather
from licensing.openness.statements import Stated, stated_of
from licensing.selectors import licenses_in_card, offers
from registry.blobs import blob_store
from registry.models import Checkpoint, Disclosure, Serving, Variant
from registry.states import Component, Level
from weights.front_matter import FrontMatterError, split_card

CARD = "README.md"
CARD_BYTES = 1 << 20
RELEASE_LICENSE = "the license of the release"
CARD_LICENSE = "as the card declares"


@dataclass(frozen=True, slots=True)
class Openness:
    """How open a variant is with a checkpoint: the assessment, and what its card claims beyond it.

    `assumed` is empty where the level is decided or served; else it says what was assumed for want of a decision.
    """

    assessment: Assessment
    claims: tuple[Claim, ...]
    excesses: tuple[Excess, ...]
    card_problem: str = ""
    assumed: str = ""


def openness_of(variant: Variant, checkpoint: Checkpoint, *, is_inside: bool = True) -> Openness:
    """As decided and served now; where nothing is decided, as if the checkpoint were released to everybody.

    Who is not `is_inside` is not told of decisions, nor who stated what.
    """
    decided = {
        Component(row.component): Level(row.level)
        for row in Disclosure.objects.filter(variant=variant, superseded_at=None)
    }
    serving = Serving.objects.filter(variant=variant, until=None).first()
    level = Level(serving.level) if serving else decided.get(Component.WEIGHTS)
    offered = offers([variant]).get(variant.pk)
    assumed = "" if level else "Nothing is decided yet: this is what a release of it to everybody would amount to."
    return assess_as(
        variant,
        checkpoint,
        level=level or Level.PUBLIC,
        license_version=offered,
        decided=decided,
        assumed=assumed,
        is_inside=is_inside,
    )


def assess_as(
    variant: Variant,
    checkpoint: Checkpoint,
    *,
    level: Level,
    license_version: LicenseVersion | None,
    decided: Mapping[Component, Level],
    assumed: str = "",
    is_inside: bool = True,
) -> Openness:
    """How open it is when it leaves at this level under this license; reads the card and the newest statement."""
    metadata, body, problem = read_card(checkpoint)
    license, origin, declared = _license(metadata, license_version)
    files = checkpoint.files.values_list("path", "blob_id")
    record = OnRecord(
        level=None if level is Level.HELD_BACK else level,
        license=license,
        license_origin=origin,
        declared=declared,
        shown=shown_by(files, body, metadata),
        decided=decided,
        stated=newest_statement(variant),
        is_inside=is_inside,
    )
    assessment = assess(gather(record))
    claims = claims_of(body, metadata)
    return Openness(assessment, claims, excesses(claims, assessment), problem, assumed)


def newest_statement(variant: Variant) -> Stated:
    """What was stated last; nothing where nobody stated anything."""
    row = OpennessStatement.objects.filter(variant=variant).order_by("-id").first()
    return stated_of(row.said, f"{row.by_name} on {row.made_at:%d %B %Y}") if row else Stated()


def statements_of(variant: Variant) -> list[OpennessStatement]:
    """The statements, newest first."""
    return list(OpennessStatement.objects.filter(variant=variant).select_related("by")[:20])


def read_card(checkpoint: Checkpoint) -> tuple[dict[str, object], str, str]:
    """Metadata and body of a checkpoint's card, and why it cannot be read where it cannot."""
    file = checkpoint.files.select_related("blob").filter(path=CARD).first()
    if file is None:
        return {}, "", "There is no README.md."
    with blob_store().open(file.blob_id) as source:
        raw = source.read(CARD_BYTES)
    text = raw.decode("utf-8", errors="replace").replace("\x00", " ")
    try:
        metadata, body = split_card(text)
    except FrontMatterError as problem:
        return {}, text, f"The card's metadata cannot be read: {problem}."
    return metadata, body, ""


def _license(metadata: Mapping[str, object], chosen: LicenseVersion | None) -> tuple[str | None, str, str]:
    """The license that holds, where it comes from, and what the card declares where that is another one."""
    said = next(iter(words(metadata.get("license"))), "")
    name = next(iter(words(metadata.get("license_name"))), "")
    declared = name if said.lower() == "other" and name else said
    if chosen is None:
        return (declared or None, CARD_LICENSE if declared else "the card states no license", "")
    meant = {license.key for license in licenses_in_card(said, name)} if said else set()
    agrees = not declared or chosen.license.key in meant or said.lower() == chosen.license.hub_license.lower()
    return chosen.license.key, RELEASE_LICENSE, "" if agrees else declared[:200]
