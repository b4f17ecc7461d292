"""What the page of components is made of: one specimen of every variant, each naming itself as such.

Owns no fact: nothing here is read from or written to the database.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone

from rules import Kind, Reason, Verdict
from web.countries import CountryField
from web.pagination import KeyPage
from web.tones import OUTCOMES, Status, Tone

DIGEST = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
OTHER_DIGEST = "sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"

REFUSED = Verdict(
    (
        Reason("specimen_role", "Only safety reviewers sign here.", "An owner of acme, by giving the role.", Kind.WHO),
        Reason("specimen_submitter", "You submitted this release.", "Another safety reviewer.", Kind.WHO),
    )
)

CARD = """---
license: apache-2.0
---
# Nimbus Nano

A *small* model with [documentation](https://example.org/nimbus), `code`, and an image ![architecture](x.png).

| bits | perplexity |
| ---- | ---------- |
| 16   | 12.41      |
| 4    | 12.97      |

<script>alert("never run")</script>
"""


class SpecimenForm(forms.Form):
    """Every kind of field that a page may ask for."""

    name = forms.CharField(max_length=40, help_text="As it stands in your contract.")
    purpose = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), label="What will you use it for?")
    country = CountryField()
    until = forms.DateField(
        widget=forms.DateInput, required=False, label="Needed until", help_text="Access ends on this day."
    )
    decision = forms.ChoiceField(
        widget=forms.RadioSelect, choices=[("grant", "Grant access"), ("refuse", "Refuse, with a reason")]
    )
    agrees = forms.BooleanField(label="I accept the license, version 2.1")


def all_of_them(request: HttpRequest) -> dict[str, Any]:
    """The context of the page of components."""
    now = timezone.now()
    return {
        "pills": [Status(tone.value.replace("_", " ").capitalize(), tone) for tone in Tone],
        "outcomes": list(OUTCOMES),
        "tones": list(Tone),
        "digest": DIGEST,
        "other_digest": OTHER_DIGEST,
        "moments": [now - timedelta(seconds=20), now - timedelta(hours=3), now + timedelta(days=90)],
        "day": date(2026, 11, 22),
        "refused": REFUSED,
        "allowed": Verdict(),
        "findings": _findings(),
        "requirements": _requirements(),
        "release_steps": _release_steps(now),
        "broken_steps": _broken_steps(),
        "events": _events(now),
        "files": _files(),
        "facts": {
            "License": "Apache-2.0",
            "Parameters": "3.2 million",
            "Precision": "bfloat16",
            "Context": "2 048 tokens",
        },
        "tabs": _tabs(request.path),
        "page": KeyPage([], older="?after=40", newer="?before=60"),
        "blank_form": SpecimenForm(prefix="blank"),
        "faulty_form": SpecimenForm({"faulty-name": "x" * 41, "faulty-decision": "grant"}, prefix="faulty"),
        "months": [("Jun", 1210), ("Jul", 1890), ("Aug", 1740), ("Sep", 2630), ("Oct", 3480), ("Nov", 3120)],
        "daily": [12, 18, 15, 22, 30, 28, 41, 39, 36, 48, 52, 47, 60],
        "levels": [("Public", 12, "success"), ("Gated", 7, "gated"), ("Held back", 4, "muted")],
        "card_text": CARD,
    }


def _findings() -> list[dict[str, str]]:
    return [
        {
            "severity": "block",
            "check": "ST-OVERLAP",
            "path": "model-00002-of-00003.safetensors",
            "tensor": "model.layers.11.mlp.up_proj.weight",
            "message": "Two tensors share bytes 4 096 to 8 192: a loader may read either.",
            "fix": "Write the file again with the safetensors library; never edit its header.",
        },
        {
            "severity": "warn",
            "check": "WV-ZERO",
            "path": "model.safetensors",
            "tensor": "lm_head.weight",
            "message": "31 % of the tensor is one run of zeros.",
            "evidence": "rows 22 016 to 31 999 of 32 000",
            "fix": "Compare with the training checkpoint; a copy may have been cut short.",
        },
        {
            "severity": "note",
            "check": "ST-ALIGN",
            "path": "model.safetensors",
            "message": "Tensor data starts unaligned.",
        },
    ]


def _requirements() -> list[dict[str, Any]]:
    return [
        {
            "outcome": "met",
            "label": "File hashes and structure",
            "detail": "14 files, 6.4 GiB, rule set 7",
            "evidence_url": "#requirements",
            "evidence_label": "Validation report",
        },
        {
            "outcome": "running",
            "label": "Smoke inference",
            "detail": "int4, 3 of 8 prompts",
            "next_by": "nobody: it runs",
        },
        {
            "outcome": "unmet",
            "label": "Approval by security",
            "reasons": [Reason("specimen_open", "No security reviewer has signed this digest.", "", Kind.WHEN)],
            "next_by": "security reviewers of acme",
        },
        {
            "outcome": "waived",
            "label": "Openness assessment",
            "detail": "Until 31 Jan 2027: the data card is being written.",
            "evidence_url": "#requirements",
            "evidence_label": "Waiver",
        },
        {
            "outcome": "not_run",
            "label": "Leak guard",
            "detail": "Not run is not met.",
            "next_by": "the release manager, by starting it",
        },
    ]


def _release_steps(now: Any) -> list[dict[str, Any]]:
    return [
        {"label": "Draft", "state": "done", "at": now - timedelta(days=6)},
        {"label": "In review", "state": "done", "at": now - timedelta(days=5)},
        {"label": "Approved", "state": "done", "at": now - timedelta(days=1)},
        {"label": "Publishing", "state": "current", "note": "2 of 3 files"},
        {"label": "Live", "state": "upcoming"},
    ]


def _broken_steps() -> list[dict[str, Any]]:
    return [
        {"label": "Upload", "state": "done"},
        {"label": "Read back", "state": "failed", "note": "a digest differs"},
        {"label": "Gate", "state": "skipped"},
        {"label": "Flip to public", "state": "upcoming"},
    ]


def _events(now: Any) -> list[dict[str, Any]]:
    return [
        {
            "at": now - timedelta(minutes=12),
            "tone": "success",
            "icon": "signature",
            "actor": "Ada Okafor",
            "sentence": "Approved for safety",
            "detail": "Bound to release digest 9f86d081884c.",
        },
        {
            "at": now - timedelta(hours=2),
            "tone": "info",
            "icon": "upload",
            "actor": "Mika Laine",
            "sentence": "Submitted for review",
            "url": "#timeline",
        },
        {"at": now - timedelta(days=1), "tone": "danger", "sentence": "Validation failed: ST-OVERLAP"},
    ]


def _files() -> list[dict[str, Any]]:
    return [
        {"path": "README.md", "size_bytes": 4_211, "sha256": OTHER_DIGEST},
        {"path": "config.json", "size_bytes": 687, "sha256": DIGEST},
        {"path": "weights/model-00001-of-00002.safetensors", "size_bytes": 4_976_698_672, "sha256": DIGEST},
        {"path": "weights/model-00002-of-00002.safetensors", "size_bytes": 1_459_729_952, "sha256": ""},
    ]


def _tabs(path: str) -> list[dict[str, Any]]:
    return [
        {"label": "Overview", "url": path, "is_current": True, "icon": "box"},
        {"label": "Files", "url": f"{path}?tab=files", "count": 14},
        {"label": "Evidence", "url": f"{path}?tab=evidence", "count": 3},
        {"label": "Lineage", "url": f"{path}?tab=lineage"},
    ]
