"""What people fill in about releases. A form reads and keeps what was typed; whether it may be done is asked of the
services."""

from __future__ import annotations

from typing import Any

from django import forms

from registry.presenters import RELATIONS
from rules import Verdict

TALL = {"rows": 3}


def tell(form: forms.Form, verdict: Verdict) -> None:
    """Put a refusal's reasons into a form, each at the field that it names."""
    for reason in verdict.reasons:
        form.add_error(reason.field if reason.field in form.fields else None, reason.message)


class ReleaseForm(forms.Form):
    """A new draft."""

    organization = forms.ModelChoiceField(queryset=None, empty_label=None)
    title = forms.CharField(
        max_length=150, help_text="What you would call it in a sentence, such as “Nimbus 3, first wave”."
    )
    summary = forms.CharField(
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs=TALL),
        help_text="Why, and why now. Reviewers read this first.",
    )

    def __init__(self, *args: Any, organizations: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["organization"].queryset = organizations


class DescriptionForm(forms.Form):
    """Title, summary, hour and targets of a draft."""

    title = forms.CharField(max_length=150)
    summary = forms.CharField(max_length=4000, required=False, widget=forms.Textarea(attrs=TALL))
    targets = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, help_text="Where it goes once it is approved."
    )
    scheduled_for = forms.DateTimeField(
        required=False,
        label="Publish at (UTC)",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="Part of what is signed. Leave it empty to publish by hand once everybody has signed.",
    )

    def __init__(self, *args: Any, targets: list[Any], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["targets"].choices = [(target.name, target.title) for target in targets]


class ApproveForm(forms.Form):
    """A signature on the digest that was shown."""

    seen = forms.CharField(widget=forms.HiddenInput)
    note = forms.CharField(
        max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2}), help_text="Kept with your signature."
    )


class RefuseForm(forms.Form):
    """A refusal of the digest that was shown."""

    seen = forms.CharField(widget=forms.HiddenInput)
    reason = forms.CharField(
        max_length=1000, widget=forms.Textarea(attrs=TALL), help_text="What must change. The submitter reads this."
    )


class PublishForm(forms.Form):
    """The last look before bytes leave."""

    understood = forms.BooleanField(
        label="I have read what becomes visible, and to whom.",
        error_messages={"required": "Tick the box to say that you have read it."},
    )


class WithdrawForm(forms.Form):
    """Taking back what is out."""

    reason = forms.CharField(max_length=1000, widget=forms.Textarea(attrs=TALL), help_text="Kept on record for good.")
    understood = forms.BooleanField(
        label="I have read what cannot be taken back.",
        error_messages={"required": "Tick the box to say that you have read it."},
    )


class ParentForm(forms.Form):
    """Where a variant came from."""

    parent = forms.CharField(max_length=193, help_text="organization/name, here or on the Hub.")
    relation = forms.ChoiceField(label="How", choices=[(one.value, label) for one, label in RELATIONS.items()])


class WaiverForm(forms.Form):
    """Doing without one piece of evidence, for some days."""

    what = forms.ChoiceField(label="Evidence to do without")
    reason = forms.CharField(
        max_length=500, widget=forms.Textarea(attrs=TALL), help_text="Why it can be borne. Kept on record."
    )
    days = forms.IntegerField(min_value=1, max_value=90, initial=14, help_text="From 1 to 90; it ends by itself.")

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["what"].choices = choices
