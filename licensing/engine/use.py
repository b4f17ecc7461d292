"""What the release is used for beside its scope: acceptable-use rules, guardrails, and models that learn from outputs.

Owns the comparison of intended uses with prohibited ones, and the classes of models that outputs may not improve.
"""

from __future__ import annotations

from licensing.engine.case import OutputPurpose, Relation, Uses
from licensing.engine.doubts import Side
from licensing.engine.findings import Findings, Setting
from licensing.engine.reach import Strand
from licensing.engine.triggers import Way
from licensing.terms import Answer, UseScope

LANGUAGE_MODELS = ("language_model", "llm")
GENERATIVE = (*LANGUAGE_MODELS, "generator", "generative", "diffusion", "foundation")
GENERAL = (*LANGUAGE_MODELS, "foundation", "general_purpose")


def check_use_rules(strand: Strand, setting: Setting, findings: Findings) -> bool | None:
    """Hold the intended uses against the prohibited ones; True where all are fine, None where nobody can say."""
    rules, tags = strand.license.terms.acceptable_use, setting.use_tags
    if tags is None:
        return None
    _guardrails(strand, tags, findings)
    met = sorted(tags & set(rules.prohibits))
    if met:
        findings.violate(
            "CF-AUP",
            strand,
            f"Prohibited by {rules.document or 'the license'}: {', '.join(word.replace('_', ' ') for word in met)}.",
            "Give up that use, or use another parent.",
            side=Side.POLICY_ITEMS,
        )
        return False
    if rules.prohibits:
        return True
    told = sorted(tags & setting.book.use_words)
    if rules.document and told:
        findings.ask("CF-AUP", strand, f"Does {rules.document} prohibit {', '.join(told)}? Its items are not recorded.")
    return None


def _guardrails(strand: Strand, tags: frozenset[str], findings: Findings) -> None:
    met = sorted(tag for tag in tags if tag.startswith("guardrail"))
    if met and strand.license.has("OB-GUARDRAIL-KEEP"):
        findings.violate(
            "CF-GUARDRAIL",
            strand,
            "A guardrail is bypassed or weakened, which ends the license.",
            "Keep the guardrails as they are, or use another parent.",
            side=Side.DUTIES,
        )


def check_outputs(strand: Strand, way: Way, setting: Setting, findings: Findings) -> bool | None:
    """Whether a model may learn from what the parent says; True where it may or none does, None where nobody knows."""
    outputs = strand.license.terms.outputs
    if strand.uses != Uses.OUTPUTS or not strand.is_modified or strand.license.is_unknown:
        return True
    if strand.license.terms.use_scope == UseScope.NON_COMMERCIAL and way.is_commercial is not False:
        findings.ask("CF-NC", strand, "Are its outputs bound to non-commercial use? The text doesn't settle it.")
    if outputs.train_other_models != Answer.NO:
        return True
    if outputs.exception and is_of_family(strand, setting):
        return True
    is_meant = is_in_class(outputs.model_class, setting.case.proposed.model_class)
    if is_meant is None and not setting.case.proposed.model_class and is_made_similar(strand):
        is_meant = True  # what is made to perform like it is a model of its class
    if is_meant is False:
        return True
    what = outputs.model_class.replace("_", " ") or "other models"
    if is_meant is None:
        findings.ask("CF-OUTPUT-TRAINING", strand, f"Is the release a {what}? Its outputs may not improve one.")
        return None
    findings.violate(
        "CF-OUTPUT-TRAINING",
        strand,
        f"Its outputs may not create or improve another model of this class: {what}.",
        "Train on outputs of another model, or improve only models of the same family.",
        side=Side.OUTPUTS,
    )
    return False


def is_made_similar(strand: Strand) -> bool:
    """Whether the release is made to perform like the parent."""
    purpose = strand.parent.purpose
    return purpose == OutputPurpose.PERFORM_SIMILARLY or (purpose is None and strand.relation == Relation.DISTILLED)


def is_of_family(strand: Strand, setting: Setting) -> bool:
    """Whether the release itself descends from the family whose outputs it learned from."""
    return any(
        other.license.key == strand.license.key and other.uses == Uses.MATERIALS and other.binds
        for other in setting.strands
    )


def is_in_class(forbidden: str, model_class: str) -> bool | None:
    """Whether a model of this class is of the class that outputs may not improve; None where nobody can say."""
    if forbidden in {"", "any_ai_model", "any_work"}:
        return True
    if not model_class:
        return None
    if forbidden == "large_language_model":
        return _is_any(model_class, LANGUAGE_MODELS)
    if forbidden == "foundational_generative_ai_model":
        return _is_any(model_class, GENERATIVE)
    if forbidden == "foundational_or_large_language_or_general_purpose":
        return True if _is_any(model_class, GENERAL) else (None if _is_any(model_class, GENERATIVE) else False)
    if forbidden == "model_competitive_with_flux_dev":
        return True if "image" in model_class else (None if _is_any(model_class, ("generator", "diffusion")) else False)
    return True if model_class == forbidden else None


def _is_any(model_class: str, words: tuple[str, ...]) -> bool:
    return any(word in model_class for word in words)
