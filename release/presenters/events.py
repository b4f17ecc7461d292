"""A sentence for each event that releases record, and the events of a release as its timeline shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from audit.models import Event
from registry.presenters import SENTENCES as REGISTRY_SENTENCES
from registry.presenters import sentence as registry_sentence
from registry.states import EvidenceKind
from release.requirements import EVIDENCE_TITLES
from web.formatting import short_digest


@dataclass(frozen=True, slots=True)
class Wording:
    """How one kind of event reads; `detail` names the fact that is quoted below the sentence."""

    sentence: Callable[[Event], str]
    tone: str = "neutral"
    icon: str = ""
    detail: str = ""


def _on(event: Event) -> str:
    return f"{event.facts.get('repo')} on {event.facts.get('target')}"


def _role(event: Event) -> str:
    return str(event.facts.get("role", "")).replace("_", " ")


def _put(event: Event) -> str:
    facts = event.facts
    license_name = f", under {facts['license']}" if facts.get("license") else ""
    level = str(facts.get("level", "")).replace("_", " ")
    return f"Put {facts.get('variant')} at {short_digest(str(facts.get('digest', '')))} in as {level}{license_name}."


def _targets(event: Event) -> str:
    return f"Set the targets: {', '.join(event.facts.get('targets') or ['none'])}."


def _unscheduled(event: Event) -> str:
    reasons = event.facts.get("reasons") or []
    said = " ".join(reason.get("message", "") for reason in reasons)
    return f"Was not published at its hour. {said}".strip()


def _waived(event: Event) -> str:
    code = str(event.facts.get("requirement", "")).removeprefix("evidence.")
    known = EVIDENCE_TITLES[EvidenceKind(code)] if code in set(EvidenceKind) else code
    return f"Waived “{known}” for {event.facts.get('days')} days."


WORDINGS = {
    "release:release:drafted": Wording(lambda e: f"Drafted “{e.facts.get('title')}”.", icon="pencil"),
    "release:release:described": Wording(lambda e: "Changed title, summary or hour.", icon="pencil"),
    "release:item:put": Wording(_put, icon="package"),
    "release:item:removed": Wording(lambda e: f"Took {e.facts.get('variant')} out.", icon="trash"),
    "release:targets:set": Wording(_targets, icon="send"),
    "release:release:submit": Wording(
        lambda e: f"Submitted for review, with digest {short_digest(str(e.facts.get('digest', '')))}.", "info", "send"
    ),
    "release:release:recall": Wording(lambda e: "Took it back to draft.", "warning", "arrow-back-up"),
    "release:release:refuse": Wording(lambda e: "The release was refused.", "danger", "hand-stop"),
    "release:release:approve": Wording(
        lambda e: "Everybody whom the policy asks has signed: approved.", "success", "rosette-discount-check"
    ),
    "release:release:schedule": Wording(
        lambda e: f"Scheduled for {str(e.facts.get('scheduled_for', ''))[:16].replace('T', ' ')} UTC.",
        "info",
        "calendar-time",
    ),
    "release:release:unschedule": Wording(_unscheduled, "warning", "calendar-event"),
    "release:release:publish": Wording(lambda e: "Began to publish.", "info", "cloud-upload"),
    "release:release:go_live": Wording(lambda e: "Observed live on every target.", "success", "world-check"),
    "release:release:withdraw": Wording(lambda e: "Withdrew the release.", "danger", "world-off", "reason"),
    "release:review:approved": Wording(lambda e: f"Signed as {_role(e)}.", "success", "signature", "reason"),
    "release:review:refused": Wording(lambda e: f"Refused as {_role(e)}.", "danger", "hand-stop", "reason"),
    "release:publication:live": Wording(lambda e: f"{_on(e)} was observed live.", "success", "world-check"),
    "release:publication:failed": Wording(lambda e: f"Gave up on {_on(e)}.", "danger", "alert-octagon", "reason"),
    "release:publication:retried": Wording(lambda e: f"Took {_on(e)} up again.", "info", "refresh"),
    "release:publication:withdrawn": Wording(lambda e: f"{_on(e)} was observed hidden.", "muted", "world-off"),
    "release:policy:installed": Wording(lambda e: f"Put {e.subject_label} in force.", icon="scale", detail="note"),
    "release:requirement:waived": Wording(_waived, "warning", "hand-stop", "reason"),
    "release:target:added": Wording(lambda e: f"Added the target {e.subject_label}.", icon="send"),
    "release:target:changed": Wording(lambda e: f"Changed where the target {e.subject_label} leads.", icon="send"),
}


def sentence(event: Event) -> str:
    """The sentence of one event of a release."""
    wording = WORDINGS.get(event.kind)
    return wording.sentence(event) if wording else f"{event.kind}: {event.subject_label}"


def timeline(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Events as the component `timeline` takes them."""
    return [_shown(event) for event in events]


def _shown(event: Event) -> dict[str, Any]:
    wording = WORDINGS.get(event.kind)
    actor = None if event.actor_id is None else event.actor_name
    if wording is None:
        said = registry_sentence(event) if event.kind in REGISTRY_SENTENCES else sentence(event)
        return {"at": event.at, "sentence": said, "actor": actor}
    return {
        "at": event.at,
        "sentence": wording.sentence(event),
        "tone": wording.tone,
        "icon": wording.icon,
        "detail": str(event.facts.get(wording.detail) or "") if wording.detail else "",
        "actor": actor,
    }
