"""The form in which owners state what no file tells. It reads and keeps what was typed; the rules judge it."""

from __future__ import annotations

from typing import Any

from django import forms

from licensing.openness.framework import FRAMEWORK, Part
from licensing.openness.statements import GATING, MONETIZATION, PLACE_CHARACTERS, STATABLE

NOT_STATED = ("", "Not stated")
YES_NO = (NOT_STATED, ("yes", "Yes"), ("no", "No"))
AVAILABILITY = (
    NOT_STATED,
    ("released", "Released elsewhere"),
    ("gated", "Behind a gate elsewhere"),
    ("absent", "Not released"),
)
FLAGS = {"yes": True, "no": False}


class StatementForm(forms.Form):
    """Everything that can be stated; what is left open stays unknown, and counts neither way."""

    description = forms.ChoiceField(
        required=False,
        label="Description of the training data",
        choices=(
            NOT_STATED,
            ("full", "Complete, what cannot be shared included"),
            ("partial", "In part"),
            ("none", "None"),
        ),
        help_text="Origin, scope, how it was obtained and selected, labeling, processing and filtering of all of it.",
    )
    public_list = forms.ChoiceField(
        required=False, label="Is there a list of the public training data, and where to get it?", choices=YES_NO
    )
    third_party_list = forms.ChoiceField(
        required=False,
        label="Is there a list of training data that others give or sell, and where?",
        choices=YES_NO,
        help_text="Yes, too, where no such data was used and the description says so.",
    )
    training_flop = forms.CharField(
        required=False,
        max_length=30,
        label="Training compute (FLOP)",
        help_text="All of it, from the first pre-training on, such as 3.8e25.",
    )
    usage_public = forms.ChoiceField(
        required=False,
        label="Is it told in public what goes in and out, what it can and cannot do, and how it is integrated?",
        choices=YES_NO,
    )
    monetization = forms.ChoiceField(required=False, label="Money", choices=(NOT_STATED, *MONETIZATION.items()))
    gating = forms.ChoiceField(
        required=False,
        label="What the gate asks",
        choices=(NOT_STATED, *GATING.items()),
        help_text="Only where the weights are behind one.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for part in STATABLE:
            code = part.name.lower()
            self.fields[f"is_{code}"] = forms.ChoiceField(required=False, label="Where it stands", choices=AVAILABILITY)
            self.fields[f"license_{code}"] = forms.CharField(required=False, max_length=300, label="License")
            self.fields[f"place_{code}"] = forms.CharField(required=False, max_length=PLACE_CHARACTERS, label="Place")

    @property
    def general(self) -> list[Any]:
        """The fields that speak of no component."""
        return [self[name] for name in self.fields if not name.startswith(("is_", "license_", "place_"))]

    @property
    def parts(self) -> list[tuple[Any, Any, Any, Any]]:
        """The fields of each component in the framework's order: what it is, then where it stands, license, place."""
        asked = [one for one in FRAMEWORK if one.part in STATABLE]
        return [
            (one, *(self[f"{kind}_{one.part.name.lower()}"] for kind in ("is", "license", "place"))) for one in asked
        ]

    def clean(self) -> dict[str, Any]:
        """A license or place needs a component that is somewhere."""
        given = super().clean() or {}
        for part in STATABLE:
            code = part.name.lower()
            if (given.get(f"license_{code}") or given.get(f"place_{code}")) and not given.get(f"is_{code}"):
                self.add_error(f"is_{code}", f"Say first where it stands: {part.value}.")
        return given

    def said(self) -> dict[str, Any]:
        """What was filled in, as a statement."""
        given = self.cleaned_data
        said: dict[str, Any] = {
            name: given[name].strip()
            for name in ("description", "training_flop", "monetization", "gating")
            if given[name]
        }
        for name in ("public_list", "third_party_list", "usage_public"):
            if given[name]:
                said[name] = FLAGS[given[name]]
        components = {part.value: told for part in STATABLE if (told := self._part(part))}
        return said | ({"components": components} if components else {})

    def _part(self, part: Part) -> dict[str, str]:
        code, given = part.name.lower(), self.cleaned_data
        if not given[f"is_{code}"]:
            return {}
        return {
            "is": given[f"is_{code}"],
            "license": given[f"license_{code}"].strip(),
            "place": given[f"place_{code}"].strip(),
        }


def initial_of(said: dict[str, Any]) -> dict[str, Any]:
    """A stored statement as the form's first values."""
    words = {True: "yes", False: "no"}
    initial = {name: words.get(value, value) if isinstance(value, bool) else value for name, value in said.items()}
    for name, told in (initial.pop("components", None) or {}).items():
        code = Part(name).name.lower()
        initial |= {f"{kind}_{code}": told.get(kind, "") for kind in ("is", "license", "place")}
    return initial
