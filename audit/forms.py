"""What people look for in the record."""

from __future__ import annotations

from django import forms

from audit import presenters
from audit.selectors import Filters


class FilterForm(forms.Form):
    """Filters of the list and of its export."""

    kind = forms.ChoiceField(required=False, label="Part", help_text="Of the product.")
    actor = forms.CharField(required=False, max_length=150, label="Who", help_text="A user name, or “system”.")
    subject = forms.CharField(required=False, max_length=300, label="What", help_text="A name as the list shows it.")
    day = forms.DateField(required=False, label="Day", help_text="In UTC.", widget=forms.DateInput)

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        choices = [("", "Everything"), *presenters.source_choices()]
        given = str(self.data.get("kind", ""))[:80]
        if given and given not in dict(choices):  # a link may ask for a single kind
            choices.append((given, given))
        self.fields["kind"].choices = choices

    def filters(self) -> Filters:
        """What is looked for, of a form without errors."""
        found = self.cleaned_data
        return Filters(found["kind"], found["actor"].strip(), found["subject"].strip(), found["day"])
