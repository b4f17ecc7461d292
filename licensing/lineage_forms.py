"""Forms for what verdicts on lineage need and no file tells: licenses of models elsewhere, facts on the licensee."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django import forms

from licensing.models import LicenseVersion
from licensing.selectors import current_versions

MODALITIES = [
    ("", "Not known"),
    ("text", "Text"),
    ("multimodal", "Several kinds"),
    ("image", "Images"),
    ("audio", "Sound"),
    ("video", "Video"),
]
KINDS = [
    ("", "Not said"),
    ("company", "Company"),
    ("university", "University"),
    ("nonprofit", "Non-profit body"),
    ("public_body", "Public body"),
    ("person", "Person"),
]
MONTHS = re.compile(r"\A\s*(\d{4}-\d{2})\s*[:=]\s*([\d,_ ]+?)\s*\Z")


class LicenseChoice(forms.ModelChoiceField):
    """A license in its current version, by name and key."""

    def label_from_instance(self, version: LicenseVersion) -> str:
        return f"{version} ({version.license.key})"


class UpstreamForm(forms.Form):
    """Under which license a model elsewhere is."""

    repo_id = forms.CharField(label="Model", max_length=193, help_text="Its name on the Hub, as organization/name.")
    license_version = LicenseChoice(queryset=LicenseVersion.objects.none(), label="License", empty_label="Choose one")
    modality = forms.ChoiceField(
        choices=MODALITIES, required=False, label="Works on", help_text="Some licenses treat multimodal models apart."
    )
    source = forms.CharField(
        label="Seen in",
        max_length=300,
        help_text="The file and the revision: the text counts, not a card.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["license_version"].queryset = current_versions().order_by("license__key")


class LicenseeForm(forms.Form):
    """What licenses ask about an organization; a field left empty stays unknown, and a person is asked."""

    organization = forms.ChoiceField(label="Organization")
    kind = forms.ChoiceField(choices=KINDS, required=False, label="It is a")
    seat = forms.CharField(
        max_length=3, required=False, label="Seat", help_text="The country, in the two letters of ISO 3166."
    )
    mau_now = forms.IntegerField(min_value=0, required=False, label="Monthly active users now")
    mau_at = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        label="Monthly active users before",
        help_text="One month a line, as 2024-06: 1000. Some licenses count once, in the month before their release.",
    )
    annual_revenue_usd = forms.FloatField(min_value=0, required=False, label="Revenue in a year, US dollars")
    monthly_revenue_usd = forms.FloatField(min_value=0, required=False, label="Revenue in a month, US dollars")

    def __init__(self, *args: Any, organizations: Sequence[str], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["organization"].choices = [(name, name) for name in organizations]

    def clean_mau_at(self) -> dict[str, int]:
        found = {}
        for line in self.cleaned_data["mau_at"].splitlines():
            if not line.strip():
                continue
            told = MONTHS.match(line)
            if told is None:
                raise forms.ValidationError(f"“{line.strip()[:40]}” is no month with a number, as 2024-06: 1000.")
            found[told[1]] = int(re.sub(r"\D", "", told[2]))
        return found

    def said(self) -> dict[str, object]:
        """What was filled in, in the words of a license case."""
        given = {name: value for name, value in self.cleaned_data.items() if name != "organization"}
        return {name: value for name, value in given.items() if value not in (None, "", {})}
