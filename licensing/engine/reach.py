"""How far a parent's license reaches into the release: whether it is made of the material, of what it says, or of data.

Owns the way from a relation to a reach. The license's own word on what counts as a derivative goes before the rule for
the relation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from licensing.engine.assessment import Origin
from licensing.engine.book import KnownLicense
from licensing.engine.case import OutputPurpose, Parent, Relation, Uses
from licensing.terms import Answer, Kind

WEIGHTS = frozenset({Relation.FINETUNE, Relation.ADAPTER, Relation.QUANTIZED, Relation.MERGE})
# Open licenses ask nothing of who learns from outputs; a copyleft text reaches the work, not what it says.
FREE_OUTPUTS = frozenset({Kind.PERMISSIVE, Kind.PERMISSIVE_CUSTOM, Kind.PUBLIC_DOMAIN, Kind.COPYLEFT, Kind.SHARE_ALIKE})
SIMILAR = "model_made_to_perform_similarly"
NO_CONTRADICTION = {
    Relation.FINETUNE: {Uses.MATERIALS},
    Relation.ADAPTER: {Uses.MATERIALS},
    Relation.QUANTIZED: {Uses.MATERIALS},
    Relation.MERGE: {Uses.MATERIALS},
    Relation.DISTILLED: {Uses.MATERIALS, Uses.OUTPUTS},
    Relation.OUTPUTS: {Uses.OUTPUTS},
    Relation.DATA: {Uses.DATA, Uses.OUTPUTS},
    Relation.NONE: {Uses.MATERIALS, Uses.OUTPUTS, Uses.DATA},
}


class Reach(StrEnum):
    """What the release is to the license of a parent."""

    SERVED = "the thing itself"
    DERIVATIVE = "a derivative"
    ARGUABLE = "a derivative in the stricter reading"
    OUTPUTS = "made of what it says"
    DATA = "trained on it"
    NOTHING = "out of its reach"


@dataclass(frozen=True, slots=True)
class Strand:
    """One license of one parent, and how it reaches the release."""

    license: KnownLicense
    parent: Parent
    origin: Origin
    relation: Relation
    uses: Uses
    reach: Reach
    exception: str = ""
    question: str = ""

    @property
    def is_modified(self) -> bool:
        """Whether the release is something other than the parent itself."""
        return self.reach != Reach.SERVED

    @property
    def binds(self) -> bool:
        """Whether the license binds what is done with the release as it binds what is done with the parent."""
        return self.reach in {Reach.SERVED, Reach.DERIVATIVE, Reach.ARGUABLE}

    @property
    def is_cosmos(self) -> bool | None:
        """Whether the parent is one of the models that must be displayed as built on NVIDIA Cosmos."""
        return "cosmos" in self.parent.model.lower() if self.parent.model else None


def strand_of(license: KnownLicense, parent: Parent, release_name: str, exception: str = "") -> Strand:
    """How the license of a parent reaches a release."""
    relation, uses, question = told_apart(parent.relation, parent.uses)
    origin = Origin(
        model=parent.model,
        license_key=license.key,
        license_label=license.label,
        license_name=license.name,
        source=license.source,
        path=(release_name or "this release", *parent.path),
        also=parent.also,
    )
    strand = Strand(license, parent, origin, relation, uses, Reach.NOTHING, exception, question)
    if uses == Uses.DATA:
        return replace(strand, reach=Reach.DATA)
    if relation == Relation.NONE:
        return replace(strand, reach=Reach.SERVED)
    if uses == Uses.MATERIALS:
        return _material(strand)
    return _outputs(strand)


def told_apart(relation: Relation | None, uses: Uses | None) -> tuple[Relation, Uses, str]:
    """Relation and use, each told from the other where one is missing; a question where they contradict."""
    if relation is None and uses is None:
        return Relation.FINETUNE, Uses.MATERIALS, "How is the release made from it: of its weights, outputs or as data?"
    if relation is None:
        told = {Uses.MATERIALS: Relation.FINETUNE, Uses.OUTPUTS: Relation.OUTPUTS, Uses.DATA: Relation.DATA}
        return told[uses or Uses.MATERIALS], uses or Uses.MATERIALS, ""
    if uses is None:
        told_uses = {Relation.DISTILLED: Uses.OUTPUTS, Relation.OUTPUTS: Uses.OUTPUTS, Relation.DATA: Uses.DATA}
        return relation, told_uses.get(relation, Uses.MATERIALS), ""
    if uses in NO_CONTRADICTION[relation]:
        return relation, uses, ""
    question = f"“{relation}” and “uses: {uses}” contradict each other; which is true?"
    # The stricter of the two: weights before outputs, outputs before data.
    strictest = Uses.MATERIALS if relation in WEIGHTS or uses == Uses.MATERIALS else Uses.OUTPUTS
    return (relation if relation in WEIGHTS else Relation.FINETUNE), strictest, question


def _material(strand: Strand) -> Strand:
    """Weights inside or adapted: a derivative, whose reach is arguable for a bare adapter under some texts."""
    covers = strand.license.terms.derivatives.covers
    if strand.license.is_unknown:
        return replace(strand, reach=Reach.DERIVATIVE)
    if not covers:
        question = strand.question or (
            "The terms don't say what counts as a derivative of it; how far do they reach into this release?"
        )
        return replace(strand, reach=Reach.DERIVATIVE, question=question)
    if strand.relation == Relation.ADAPTER:
        if Relation.ADAPTER.value not in covers:
            question = "Is an adapter that is shipped alone a derivative, or a separable work outside the license?"
            return replace(strand, reach=Reach.ARGUABLE, question=question)
        # Source: the texts of Llama, RAIL and Stability name or cover adapters; those of Apache, GPL and CC don't.
        is_silent = (
            strand.license.kind in {*FREE_OUTPUTS, Kind.NON_COMMERCIAL} and not strand.license.terms.outputs.model_class
        )
        return replace(strand, reach=Reach.ARGUABLE if is_silent else Reach.DERIVATIVE)
    return replace(strand, reach=Reach.DERIVATIVE)


def _outputs(strand: Strand) -> Strand:
    """Trained on what the parent says, or to imitate it."""
    license, terms = strand.license, strand.license.terms
    if license.kind in FREE_OUTPUTS:
        return strand
    covers = {"outputs", "distilled"} & set(terms.derivatives.covers)
    training = terms.outputs.train_other_models
    if training is None:
        question = strand.question or "May outputs of it train other models at all?"
        return replace(strand, reach=Reach.OUTPUTS, question=question)
    if not covers:
        return replace(strand, reach=Reach.OUTPUTS)
    if training == Answer.CONDITIONAL and terms.outputs.model_class == SIMILAR:
        purpose = strand.parent.purpose
        if purpose is None and strand.relation == Relation.DISTILLED:
            purpose = OutputPurpose.PERFORM_SIMILARLY
        if purpose == OutputPurpose.DIFFERENT_TASK:
            return strand
        if purpose is None:
            question = strand.question or (
                "Is the release made to perform like it? Then it is a derivative; otherwise the outputs are free."
            )
            return replace(strand, reach=Reach.DERIVATIVE, question=question)
    return replace(strand, reach=Reach.DERIVATIVE)
