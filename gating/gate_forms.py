"""A gate as those write it who keep it: its terms, and one row for each question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from gating.form import FIELDS, HELP_CHARACTERS, LABEL_CHARACTERS
from gating.hub_form import name_of
from gating.models import GateVersion
from gating.policies.review import GRACE_DAYS, PROMPT_CHARACTERS
from gating.states import FieldType
from licensing.models import LicenseVersion
from licensing.selectors import acceptable_versions

BLANK_ROWS = 3


class GateForm(forms.Form):
    """The terms of a gate, but for its questions."""

    prompt = forms.CharField(
        required=False,
        max_length=PROMPT_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 4}),
        label="What requesters read first",
    )
    license_version = forms.ChoiceField(
        required=False,
        label="License to accept",
        help_text="Only licenses whose text is held here: a person accepts exact words, named by their SHA-256.",
    )
    duration_days = forms.IntegerField(min_value=1, max_value=3650, initial=180, label="Access lasts for how many days")
    grace_days = forms.IntegerField(
        min_value=0,
        max_value=365,
        initial=GRACE_DAYS,
        required=False,
        label="Days to accept a changed license",
        help_text="When the license text changes, people with access keep it so long without accepting the new one.",
    )
    is_automatic = forms.BooleanField(required=False, label="Accept at once, without a reviewer")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.versions = {str(version.pk): version for version in acceptable_versions()}
        chosen = self.initial.get("license_version")
        if chosen and str(chosen) not in self.versions:
            self.versions |= {str(row.pk): row for row in LicenseVersion.objects.filter(pk=chosen)}
        self.fields["license_version"].choices = [
            ("", "None"),
            *((key, str(version)) for key, version in self.versions.items()),
        ]

    def terms(self) -> dict[str, Any]:
        """The terms as the service takes them."""
        given = dict(self.cleaned_data)
        grace = GRACE_DAYS if given["grace_days"] is None else given["grace_days"]
        return given | {"license_version": self.versions.get(given["license_version"]), "grace_days": grace}


class QuestionForm(forms.Form):
    """One question; a row whose label is empty is left out."""

    name = forms.CharField(required=False, widget=forms.HiddenInput)
    label = forms.CharField(required=False, max_length=LABEL_CHARACTERS, label="Question")
    type = forms.ChoiceField(choices=[(kind.value, kind.label.capitalize()) for kind in FieldType], label="Answer")
    required = forms.BooleanField(required=False, initial=True, label="Must be answered")
    help = forms.CharField(required=False, max_length=HELP_CHARACTERS, label="Help")
    options = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 2}), label="Choices", help_text="One on each line."
    )

    def question(self, taken: set[str]) -> dict[str, object]:
        """The question as a form's definition has it; a new one is named by its label."""
        given = {name: self.data.get(self.add_prefix(name), "") for name in self.fields}
        name = given["name"] if given["name"] and given["name"] not in taken else name_of(given["label"], taken)
        taken.add(name)
        options = [line.strip() for line in given["options"].splitlines() if line.strip()]
        return {
            "name": name,
            "label": given["label"].strip(),
            "type": given["type"],
            "required": bool(given["required"]),
            "help": given["help"].strip(),
            "options": options if given["type"] == FieldType.SELECT else [],
        }


def blank_forms(gate: GateVersion | None) -> tuple[GateForm, list[QuestionForm]]:
    """The forms as they show the newest version, with a few rows to add to."""
    stored = list(gate.fields) if gate else []
    rows = [{**field, "options": "\n".join(field.get("options") or [])} for field in stored]
    rows += [{}] * min(BLANK_ROWS, FIELDS - len(rows))
    terms = None
    if gate:
        terms = {
            "prompt": gate.prompt,
            "license_version": gate.license_version_id or "",
            "duration_days": gate.duration_days,
            "is_automatic": gate.is_automatic,
            "grace_days": gate.grace_days,
        }
    return GateForm(initial=terms), [
        QuestionForm(initial=row or None, prefix=f"question-{number}") for number, row in enumerate(rows)
    ]


def sent_forms(given: Mapping[str, str]) -> tuple[GateForm, list[QuestionForm]]:
    """The forms as they were sent."""
    rows = [
        QuestionForm(given, prefix=f"question-{number}")
        for number in range(FIELDS)
        if f"question-{number}-label" in given
    ]
    return GateForm(given), rows


def asked_questions(rows: list[QuestionForm]) -> tuple[list[dict[str, object]], list[QuestionForm]]:
    """The definitions of those rows that ask something, and these rows."""
    taken: set[str] = set()
    asking = [row for row in rows if row.data.get(row.add_prefix("label"), "").strip()]
    return [row.question(taken) for row in asking], asking
