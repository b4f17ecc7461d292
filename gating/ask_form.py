"""The gate's form as browsers fill it in. It draws; whether answers answer is said by the service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django import forms
from django.forms.utils import ErrorDict

from gating.form import ANSWER_CHARACTERS, LICENSE, FormField
from gating.states import FieldType
from licensing.models import LicenseVersion
from rules import Verdict
from web.countries import CountryField


class AskForm(forms.Form):
    """One field for each question, and a box whose value is the digest of the license text above it."""

    def __init__(
        self,
        fields: Iterable[FormField],
        license_version: LicenseVersion | None,
        given: Mapping[str, str] | None = None,
        initial: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(given, initial=dict(initial or {}), auto_id="answer-%s")
        self.questions = tuple(fields)
        for question in self.questions:
            self.fields[question.name] = _field(question)
        if license_version is not None:
            self.fields[LICENSE] = forms.BooleanField(
                label=f"I have read and accept {license_version}.",
                help_text=f"You accept exactly the text above, SHA-256 {license_version.text_sha256}.",
                widget=DigestBox(license_version.text_sha256),
            )

    def full_clean(self) -> None:
        """Judge nothing: the service does, for pages and programs alike."""
        self._errors = ErrorDict()
        if self.is_bound:
            self.cleaned_data = {}

    def answers(self) -> dict[str, str]:
        """What was sent for each question, as it was sent."""
        return {question.name: self.data[question.name] for question in self.questions if question.name in self.data}

    @property
    def accepted_sha256(self) -> str:
        """The digest that came with the ticked box; empty where it is not ticked."""
        return str(self.data.get(LICENSE, ""))

    def refuse(self, verdict: Verdict) -> None:
        """Show each reason at its field, those without one above the form."""
        for reason in verdict.reasons:
            self.add_error(reason.field if reason.field in self.fields else None, reason.message)


class DigestBox(forms.CheckboxInput):
    """A box that sends the digest of the text that was shown, and stays ticked only for that one."""

    def __init__(self, sha256: str) -> None:
        super().__init__(check_test=lambda value: value == sha256, attrs={"value": sha256})
        self.sha256 = sha256

    def format_value(self, value: object) -> str:
        """The digest, ticked or not."""
        return self.sha256

    def value_from_datadict(self, data: Mapping[str, str], files: object, name: str) -> str:
        """What was sent."""
        return str(data.get(name, ""))


def _field(question: FormField) -> forms.Field:
    common = {"label": question.label, "help_text": question.help, "required": question.required}
    if question.type == FieldType.CHECKBOX:
        return forms.BooleanField(**common)
    if question.type == FieldType.SELECT:
        choices = [("", "Choose"), *((option, option) for option in question.options)]
        return forms.ChoiceField(choices=choices, **common)
    if question.type == FieldType.COUNTRY:
        return CountryField(**common)
    if question.type == FieldType.DATE:
        return forms.DateField(widget=forms.DateInput, **common)
    return forms.CharField(max_length=ANSWER_CHARACTERS, **common)
