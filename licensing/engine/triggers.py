"""When a duty falls due: what the trigger words of the catalog mean for the way in which a release goes.

Owns the meaning of each trigger. The answer is yes, no, or None where the text leaves room for both. Where nobody said
how the release goes, everything that could fall due does: whoever meets that meets what is due.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from licensing.engine.book import KnownLicense
from licensing.engine.case import Circumstances, Disclosure, Purpose
from licensing.engine.reach import Reach, Strand
from licensing.terms import Kind, Obligation


@dataclass(frozen=True, slots=True)
class Way:
    """How a release goes, as one license sees it."""

    is_distributed: bool
    is_hosted: bool
    is_product: bool
    is_output_published: bool
    passes_on: bool  # distributed, or hosted where the license counts that as distribution
    is_commercial: bool | None

    @property
    def reaches_others(self) -> bool:
        """Whether anybody else comes to the material at all."""
        return self.is_distributed or self.is_hosted or self.is_product


def way_of(release: Circumstances, license: KnownLicense) -> Way:
    """The way of a release in the eyes of a license."""
    how = release.disclosure
    is_open = how is None
    is_distributed = is_open or how in {Disclosure.PUBLIC, Disclosure.GATED}
    is_hosted = is_open or how == Disclosure.HOSTED_API
    is_product = is_open or how == Disclosure.PRODUCT
    counts_hosting = license.terms.is_hosting_distribution is True
    return Way(
        is_distributed=is_distributed,
        is_hosted=is_hosted,
        is_product=is_product,
        is_output_published=is_open or how in {Disclosure.OUTPUTS_ONLY, Disclosure.HOSTED_API, Disclosure.PRODUCT},
        passes_on=is_distributed or (counts_hosting and (is_hosted or is_product)),
        is_commercial=None if release.purpose is None else release.purpose == Purpose.COMMERCIAL,
    )


def firing(strand: Strand, way: Way) -> dict[str, bool | None]:
    """Which triggers fire, by their words; None where the text leaves room."""
    made = strand.is_modified
    any_way = way.is_distributed or way.is_hosted or way.is_product
    return {
        "always": True,
        "distribute": way.passes_on,
        "distribute_modified": way.passes_on and made,
        "distribute_not_hosted": way.is_distributed,
        "distribute_or_host": any_way,
        "distribute_or_product": any_way,
        # A hosted model under a public name of its own is "made available", arguably.
        "distribute_model": made and (way.is_distributed or (None if way.is_hosted else False)),
        "distribute_model_made_with_materials_or_outputs": made and (way.is_distributed or way.is_hosted),
        "host_modified": made and (way.is_hosted or way.is_product),
        "host_for_third_parties": way.is_hosted or (None if way.is_product else False),
        "commercial_use": way.is_commercial,
        "publish_output": way.is_output_published,
        "public_statement_about_derivative": made and any_way,
        "cosmos_model_only": any_way and strand.is_cosmos,
        # Settled by the thresholds, which know the product's size.
        "threshold_product_ui": False,
        "large_product": False,
    }


# The duties of a license that reach a model which only learned from outputs; the others need the materials.
def reaches_outputs(obligation_id: str, trigger: str, strand: Strand) -> bool:
    """Whether a duty reaches a release that was only trained on what the parent says."""
    terms = strand.license.terms
    if obligation_id == "OB-NAME-PREFIX":
        return terms.naming is not None and "outputs" in terms.naming.triggers
    if obligation_id == "OB-DISPLAY":
        return trigger in {"distribute_model_made_with_materials_or_outputs", "cosmos_model_only"}
    if obligation_id == "OB-NO-OUTPUT-TRAINING":
        return True
    if obligation_id in {"OB-RESEARCH-ONLY", "OB-NC-ONLY", "OB-NON-PRODUCTION"}:
        return scope_reaches_outputs(strand)
    if obligation_id == "OB-GEO-LIMIT":
        return terms.territory is not None and terms.territory.covers_outputs is True
    if obligation_id == "OB-AUP-COMPLY":
        return terms.outputs.model_class == "any_work"
    return False


def scope_reaches_outputs(strand: Strand) -> bool:
    """Whether outputs stay bound to what the license may be used for: where it says so, or claims them as its own."""
    outputs = strand.license.terms.outputs
    return outputs.does_licensor_claim is True or (
        outputs.train_other_models is not None
        and outputs.train_other_models.value == "conditional"
        and outputs.model_class == "any_ai_model"
        and any(word in outputs.exception for word in ("research", "non-commercial"))
    )


def is_due(obligation: Obligation, strand: Strand, triggers: Mapping[str, bool | None]) -> bool | None:
    """Whether a duty of the strand's license is due for this release; an unknown trigger leaves room."""
    if strand.reach == Reach.NOTHING:
        return False
    if strand.reach == Reach.OUTPUTS and not reaches_outputs(obligation.id, obligation.trigger, strand):
        return False
    if strand.reach == Reach.DATA:
        # What binds the data binds whoever holds it; a model that learned from it is not the data.
        return obligation.trigger == "always" and strand.license.kind == Kind.DATA_INTERNAL_USE
    return triggers.get(obligation.trigger)
