"""What a legal reviewer fills in to add a license; what is allowed is said by the policies."""

from __future__ import annotations

from typing import Any

from django import forms

from licensing.policies import TEXT_CHARACTERS
from licensing.presenters import ANSWERS, SCOPES
from licensing.terms import Answer

NOT_SAID = ("", "Not said")
PLAIN_ANSWERS = [NOT_SAID, *((key.value, ANSWERS[key].label) for key in (Answer.YES, Answer.NO, Answer.CONDITIONAL))]


class LicenseForm(forms.Form):
    """A lab's own license: its exact text, and the terms that matter most as data."""

    name = forms.CharField(max_length=200, help_text="As it stands above the text.")
    version = forms.CharField(max_length=60, required=False, help_text="Such as 1.0 or a date.")
    text = forms.CharField(
        max_length=TEXT_CHARACTERS,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false"}),
        label="Full text",
        help_text="People will accept exactly this text, named by its SHA-256. It can never be changed afterwards.",
    )
    commercial_use = forms.ChoiceField(choices=PLAIN_ANSWERS, required=False, label="May it be used commercially?")
    use_scope = forms.ChoiceField(
        choices=[NOT_SAID, *((key.value, label) for key, label in SCOPES.items())],
        required=False,
        label="For what may it be used?",
    )
    redistribution = forms.ChoiceField(choices=PLAIN_ANSWERS, required=False, label="May it be passed on?")
    notes = forms.CharField(
        max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}), label="Notes for readers"
    )

    def terms(self) -> dict[str, Any]:
        """The terms as a license version keeps them; what was not said stays unknown."""
        given = self.cleaned_data
        said: dict[str, Any] = {name: given[name] for name in ("commercial_use", "use_scope", "notes") if given[name]}
        if given["redistribution"]:
            said["distribution"] = {"allowed": given["redistribution"]}
        return said
