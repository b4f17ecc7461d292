"""The registry's words as they are shown: levels, components, relations, evidence, and its events' sentences."""

from __future__ import annotations

from collections.abc import Callable

from audit.models import Event
from registry.states import Component, EvidenceKind, Level, ReasonCode, RefKind, Relation
from web.formatting import size
from web.tones import OUTCOMES, Status, Tone

LEVELS = {
    Level.PUBLIC: Status("Public", Tone.SUCCESS, "world"),
    Level.GATED: Status("Gated", Tone.GATED, "lock-open"),
    Level.HELD_BACK: Status("Held back", Tone.NEUTRAL, "lock"),
}
NOT_DISCLOSED = Status("Not disclosed", Tone.MUTED, "eye-off")

REASONS = {
    ReasonCode.COST: "Cost",
    ReasonCode.STRATEGIC: "Strategic",
    ReasonCode.SAFETY: "Safety",
    ReasonCode.SECURITY: "Security",
    ReasonCode.LEGAL: "Legal",
    ReasonCode.PRIVACY: "Privacy",
    ReasonCode.NOT_READY: "Not ready",
}

COMPONENTS = {component: component.value.replace("_", " ").capitalize() for component in Component}

RELATIONS = {
    Relation.FINETUNE: "Fine-tuned from",
    Relation.ADAPTER: "Adapter of",
    Relation.QUANTIZED: "Quantized from",
    Relation.MERGE: "Merged from",
    Relation.DISTILLED: "Distilled from",
}

EVIDENCE = {
    EvidenceKind.VALIDATION: "Validation",
    EvidenceKind.LICENSE: "License",
    EvidenceKind.SMOKE: "Smoke inference",
    EvidenceKind.OPENNESS: "Openness",
}


def level(value: str) -> Status:
    """The status of a stored level; of none, that nothing is disclosed."""
    return LEVELS[Level(value)] if value else NOT_DISCLOSED


def outcome_words(value: str) -> str:
    """An outcome inside a sentence."""
    return OUTCOMES[value].label.lower()


def _settings(event: Event) -> str:
    facts = event.facts
    visibility = "private" if facts.get("is_private") else "visible to everybody"
    gate = f", gate {facts['gate_mode']}" if facts.get("gate_mode") else ", no gate"
    return f"Set {event.subject_label} to {visibility}{gate}."


SENTENCES: dict[str, Callable[[Event], str]] = {
    "registry:organization:created": lambda e: f"Created the organization {e.subject_label}.",
    "registry:member:added": lambda e: (
        f"Made {e.facts.get('user')} {str(e.facts.get('role')).replace('_', ' ')} of {e.subject_label}."
    ),
    "registry:family:created": lambda e: f"Created the family {e.subject_label}.",
    "registry:variant:created": lambda e: f"Created {e.subject_label}.",
    "registry:variant:described": lambda e: f"Described {e.subject_label}.",
    "registry:variant:settings_changed": _settings,
    "registry:variant:renamed": lambda e: f"Renamed {e.facts.get('former')} to {e.subject_label}.",
    "registry:variant:deleted": lambda e: (
        f"Deleted {e.subject_label}; because of what is on record it is kept as {e.facts['kept_as']}."
        if e.facts.get("kept_as")
        else f"Deleted {e.subject_label}."
    ),
    "registry:lineage:added": lambda e: (
        f"Recorded that {e.subject_label} comes from {e.facts.get('parent')} ({e.facts.get('relation')})."
    ),
    "registry:lineage:removed": lambda e: (
        f"Took back that {e.subject_label} comes from {e.facts.get('parent')} ({e.facts.get('relation')})."
    ),
    "registry:checkpoint:committed": lambda e: (
        f"Committed “{e.facts.get('title')}” to {e.facts.get('branch')} of {e.subject_label}."
    ),
    "registry:storage:collected": lambda e: (
        f"Removed {e.facts.get('blobs')} blobs and {e.facts.get('strays')} stray files that nothing needs, "
        f"{size(e.facts.get('size_bytes'))} in all."
    ),
    "registry:storage:verified": lambda e: (
        f"Read {e.facts.get('checked')} blobs again: {e.facts.get('missing')} missing, "
        f"{e.facts.get('damaged')} damaged, {e.facts.get('strays')} without a row."
    ),
    "registry:ref:created": lambda e: f"Named a commit of {e.subject_label}: {_ref(e)}.",
    "registry:ref:deleted": lambda e: f"Forgot the {_ref(e)} of {e.subject_label}.",
    "registry:probe:declared": lambda e: f"Declared what smoke inference reads of {e.subject_label}{_loss(e)}.",
    "registry:evidence:stopped": lambda e: (
        f"Stopped making evidence: {EVIDENCE.get(e.facts.get('kind_of_evidence'), 'of some kind').lower()}."
    ),
    "registry:evidence:recorded": lambda e: (
        f"Recorded evidence: {EVIDENCE[EvidenceKind(e.facts['kind_of_evidence'])].lower()}, "
        f"{outcome_words(e.facts['outcome'])}."
    ),
}


def _ref(event: Event) -> str:
    kind, _, name = str(event.facts.get("ref", "")).partition(":")
    return f"pull request {name}" if kind == RefKind.PULL else f"{kind} “{name}”"


def _loss(event: Event) -> str:
    bits = event.facts.get("bits_per_byte")
    return f", with a loss of {bits:.4f} bits per byte" if isinstance(bits, float) else ""


def sentence(event: Event) -> str:
    """The sentence of one of the registry's events."""
    made = SENTENCES.get(event.kind)
    return made(event) if made else f"{event.kind}: {event.subject_label}"
