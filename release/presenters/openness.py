"""Openness on the pages of a variant: what is shown of it now, what was stated, and what drafts would make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.urls import reverse

from licensing.openness.assessment import DISCLAIMER
from licensing.openness.eu import LIFTED, EuAnswer
from licensing.openness.eu import SOURCE as EU_SOURCE
from licensing.openness.mof import SOURCE as MOF_SOURCE
from licensing.openness.osaid import SOURCE as OSAID_SOURCE
from licensing.openness.statements import GATING, MONETIZATION
from licensing.openness_presenters import CLASSES, EU, LABELS, OSAID, progress, wheel
from licensing.openness_reads import Openness
from registry.models import Variant
from release.models import ReleaseItem
from release.packaging import openness_of_item
from release.states import ReleaseState
from rules import Refused
from web.tones import Status

OPEN_STATES = (ReleaseState.DRAFT, ReleaseState.IN_REVIEW, ReleaseState.APPROVED, ReleaseState.SCHEDULED)
SHOWN_PLANS = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """What a release that is under way would make of a variant."""

    title: str
    url: str
    label: Status
    level: Status


def context(found: Openness) -> dict[str, Any]:
    """The wheel and the three statements of an assessment."""
    answers = found.assessment
    following = answers.mof.level.next
    return {
        "found": found,
        "assessment": answers,
        "wheel": wheel(answers),
        "label": LABELS[answers.label.label],
        "level": CLASSES[answers.mof.level],
        "next_level": CLASSES[following] if following else None,
        "progress": progress(answers),
        "osaid": OSAID[answers.osaid.answer],
        "checklist": [(item, OSAID[item.answer]) for item in answers.osaid.items],
        "eu": EU[answers.eu.answer],
        "conditions": [(condition, EU[condition.answer]) for condition in answers.eu.conditions],
        "lifted": LIFTED if answers.eu.answer is EuAnswer.YES else (),
        "claims_beyond": [
            {
                "severity": excess.severity,
                "check": "openness.claim",
                "message": excess.message,
                "path": "README.md",
                "evidence": f"line {excess.claim.line} of the text" if excess.claim.line else "metadata",
                "fix": excess.fix,
            }
            for excess in found.excesses
        ],
        "sources": {"mof": MOF_SOURCE, "osaid": OSAID_SOURCE, "eu": EU_SOURCE},
        "disclaimer": DISCLAIMER,
    }


def planned(variant: Variant) -> list[Plan]:
    """What the newest releases that are still under way would make of it."""
    items = (
        ReleaseItem.objects.filter(variant=variant, release__state__in=OPEN_STATES)
        .select_related("release", "variant__organization", "checkpoint", "license_version__license", "gate_version")
        .order_by("-release_id")[:SHOWN_PLANS]
    )
    found = [(item, openness_of_item(item).assessment) for item in items]
    return [
        Plan(
            item.release.title,
            reverse("release:cockpit", args=[item.release_id]),
            LABELS[assessment.label.label],
            CLASSES[assessment.mof.level],
        )
        for item, assessment in found
    ]


def statement(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A stored statement in words, as pairs of what and how."""
    words = {True: "yes", False: "no"}
    pairs = [
        ("Description of the data", said.get("description")),
        ("List of public data", words.get(said.get("public_list"))),
        ("List of data from others", words.get(said.get("third_party_list"))),
        ("Training compute", f"{said['training_flop']} FLOP" if said.get("training_flop") else None),
        ("Usage told in public", words.get(said.get("usage_public"))),
        ("Money", MONETIZATION.get(str(said.get("monetization")))),
        ("The gate", GATING.get(str(said.get("gating")))),
    ]
    for name, told in (said.get("components") or {}).items():
        pairs.append((name, ", ".join(part for part in (told["is"], told.get("license"), told.get("place")) if part)))
    return [(name, value) for name, value in pairs if value]


def tell(form: forms.Form, refused: Refused) -> None:
    """Put a refusal into the form, at the field that its sentence begins with where there is one."""
    for reason in refused.verdict.reasons:
        field = reason.message.partition(":")[0]
        form.add_error(field if field in form.fields else None, reason.message)
