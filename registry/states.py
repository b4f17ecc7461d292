"""The enumerations of the registry: levels, components, relations, outcomes."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """A disclosure level, from widest to none."""

    PUBLIC = "public"
    GATED = "gated"
    HELD_BACK = "held_back"


class ReasonCode(StrEnum):
    """Why something is gated or held back."""

    COST = "cost"
    STRATEGIC = "strategic"
    SAFETY = "safety"
    SECURITY = "security"
    LEGAL = "legal"
    PRIVACY = "privacy"
    NOT_READY = "not_ready"


class Component(StrEnum):
    """What can be disclosed on its own. Source: Model Openness Framework 1.0, section 5."""

    WEIGHTS = "weights"
    ARCHITECTURE = "architecture"
    TOKENIZER = "tokenizer"
    INFERENCE_CODE = "inference_code"
    TRAINING_CODE = "training_code"
    TRAINING_DATA = "training_data"
    DATA_CARD = "data_card"
    EVALUATION_RESULTS = "evaluation_results"
    MODEL_CARD = "model_card"
    TECHNICAL_REPORT = "technical_report"


class Relation(StrEnum):
    """How a variant came from its parent, in the words of model cards' `base_model_relation`."""

    FINETUNE = "finetune"
    ADAPTER = "adapter"
    QUANTIZED = "quantized"
    MERGE = "merge"
    DISTILLED = "distilled"


class EvidenceKind(StrEnum):
    """What a piece of evidence is about."""

    VALIDATION = "validation"
    LICENSE = "license"
    SMOKE = "smoke"
    OPENNESS = "openness"


class Outcome(StrEnum):
    """What evidence says. Not run is never pass."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    NOT_RUN = "not_run"


class RefKind(StrEnum):
    """What a name points at a commit as."""

    BRANCH = "branch"
    TAG = "tag"
    PULL = "pull"
    """The head of a pull request, by its number; it belongs to that and is made, moved and kept with it."""

    @property
    def folder(self) -> str:
        """Where such names stand below `refs/`."""
        return {RefKind.BRANCH: "heads", RefKind.TAG: "tags", RefKind.PULL: "pr"}[self]
