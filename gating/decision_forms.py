"""What those fill in who decide: a reason, a grant. What is allowed is said by the policies."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.utils import ErrorDict

from gating.policies.review import REASON_CHARACTERS
from rules import Verdict


class _Unjudged(forms.Form):
    """A form that draws and carries; the service judges, for pages and programs alike."""

    def full_clean(self) -> None:
        """Judge nothing."""
        self._errors = ErrorDict()
        if self.is_bound:
            self.cleaned_data = {}

    def refuse(self, verdict: Verdict) -> None:
        """Show each reason at its field, those without one above the form."""
        for reason in verdict.reasons:
            self.add_error(reason.field if reason.field in self.fields else None, reason.message)


WHY = {"reject": "Reason for rejecting", "reopen": "Reason for reopening", "revoke": "Reason for revoking"}


class ReasonForm(_Unjudged):
    """Why a request is decided so; the requester reads it. The prefix is the verb."""

    reason = forms.CharField(
        max_length=REASON_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="The requester reads it.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["reason"].label = WHY.get(str(self.prefix), "Reason")


class GrantForm(_Unjudged):
    """Somebody who gets access without having asked."""

    user = forms.CharField(
        max_length=96,
        label="User name",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    days = forms.IntegerField(
        min_value=1, max_value=3650, required=False, label="For how many days", help_text="Empty: as the gate says."
    )
