"""A license case as people fill it in: rows of parents, what is proposed, by whom, to whom. It judges nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms

from licensing.engine import Disclosure, OutputPurpose, Purpose, Relation, Uses
from licensing.engine.book import UNRECORDED_KEY
from licensing.engine.case import SHIPPABLE, Actor, Parent
from web.countries import COUNTRIES

NOT_SAID = ("", "Not known")
NOTHING = "nothing"
RELATIONS = {
    Relation.FINETUNE: "Fine-tuned from it",
    Relation.ADAPTER: "An adapter for it",
    Relation.QUANTIZED: "Quantized from it",
    Relation.MERGE: "Merged from it",
    Relation.DISTILLED: "Distilled from it",
    Relation.OUTPUTS: "Trained on what it generates",
    Relation.DATA: "Trained on this data set",
    Relation.NONE: "The thing itself",
}
USES = {
    Uses.MATERIALS: "Its weights are inside or adapted",
    Uses.OUTPUTS: "Only its outputs",
    Uses.DATA: "Its data",
}
PURPOSES = {OutputPurpose.PERFORM_SIMILARLY: "To perform similarly", OutputPurpose.DIFFERENT_TASK: "For another task"}
DISCLOSURES = {
    Disclosure.PUBLIC: "Public",
    Disclosure.GATED: "Gated",
    Disclosure.HOSTED_API: "Hosted, behind an API",
    Disclosure.PRODUCT: "Inside a product",
    Disclosure.OUTPUTS_ONLY: "Its outputs only",
    Disclosure.INTERNAL: "Inside the organization",
}
AIMS = {Purpose.COMMERCIAL: "Commercial", Purpose.RESEARCH: "Research"}
SHIPS = {
    "license_copy": "A copy of each license",
    "notice": "The notice file with its sentence",
    "notices": "Copyright and attribution notices",
    "display": "The words to show",
    "state_changes": "A statement of what was changed",
    "aup_flowdown": "The use restrictions as a binding term",
    "attribution": "Attribution",
    "source": "The source",
    "registered": "Registration with the licensor is done",
}
MODALITIES = ("text", "multimodal", "image", "audio", "video")
KINDS = ("person", "company", "university", "public_body", "nonprofit")
MOST_ROWS = 50
FIRST_ROWS = 1
# Figures of a company: judged, but never put into an address that people pass on.
PRIVATE = ("mau_now", "mau_month", "mau_then", "annual_revenue_usd", "monthly_revenue_usd")


def _choice(label: str, words: Mapping[Any, str], help_text: str = "") -> forms.ChoiceField:
    choices = [NOT_SAID, *((str(key.value) if hasattr(key, "value") else key, said) for key, said in words.items())]
    return forms.ChoiceField(choices=choices, required=False, label=label, help_text=help_text)


def _line(label: str, help_text: str = "", characters: int = 200, **attrs: str) -> forms.CharField:
    widget = forms.TextInput(attrs=attrs)
    return forms.CharField(max_length=characters, required=False, label=label, help_text=help_text, widget=widget)


def _number(label: str) -> forms.IntegerField:
    return forms.IntegerField(min_value=0, required=False, label=label)


class ParentForm(forms.Form):
    """One thing that the release is made from."""

    license = _line("License", "Key of the catalog, or an SPDX expression.", list="license-keys", autocomplete="off")
    model = _line("Model or data set", "As on the Hub.")
    relation = _choice("How the release comes from it", RELATIONS)
    uses = _choice("What of it is used", USES)
    purpose = _choice("What the outputs are for", PURPOSES)
    modality = _choice("What it works on", {word: word.capitalize() for word in MODALITIES})
    declared_in_card = _line("License that its card claims", "Where it differs.", list="license-keys")

    def stated(self) -> dict[str, str]:
        """What was filled in."""
        return {name: word for name, word in self.cleaned_data.items() if word}


class CaseForm(forms.Form):
    """What is proposed, by whom, to whom and what for."""

    license = _line(
        "License of the release",
        "Key, SPDX expression, “proprietary” for own terms, or “nothing” where nothing is handed over.",
        list="license-keys",
        autocomplete="off",
    )
    name = _line("Name of the release", "As organization/model.")
    model_class = _choice(
        "What it is",
        {
            "large_language_model": "Large language model",
            "image_generator": "Image generator",
            "other": "Something else",
        },
    )
    is_shipping_said = forms.BooleanField(required=False, label="The list below is all that the release ships")
    ships = forms.MultipleChoiceField(
        choices=[(word, SHIPS[word]) for word in SHIPPABLE],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="What the release ships",
    )
    notice = forms.CharField(
        required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}), label="Its notice, word by word"
    )
    display = _line("Words that it shows", characters=500)
    kind = _choice("Who releases it", {word: word.replace("_", " ").capitalize() for word in KINDS})
    seat = forms.ChoiceField(choices=[NOT_SAID, *COUNTRIES.items()], required=False, label="Seat")
    mau_now = _number("Monthly active users now")
    mau_month = forms.RegexField(
        r"\A[0-9]{4}-(0[1-9]|1[0-2])\Z", required=False, label="A month that counts", help_text="Such as 2024-06."
    )
    mau_then = _number("Monthly active users in that month")
    annual_revenue_usd = _number("Yearly revenue of the group, US dollars")
    monthly_revenue_usd = _number("Monthly revenue of the group, US dollars")
    disclosure = _choice("How it is disclosed", DISCLOSURES)
    territory = _line("Where", "Regions with commas between, or worldwide.")
    purpose = _choice("What for", AIMS)
    use_tags = _line("Intended uses", "In the words of the catalog, such as military; with commas between.", 500)

    @property
    def proposed(self) -> list[forms.BoundField]:
        """The fields about the release."""
        return [self[name] for name in ("license", "name", "model_class", "notice", "display")]

    @property
    def circumstances(self) -> list[forms.BoundField]:
        """The fields about where it goes."""
        return [self[name] for name in ("disclosure", "purpose", "territory", "use_tags")]

    @property
    def actor(self) -> list[forms.BoundField]:
        """The fields about who releases it."""
        return [self[name] for name in ("kind", "seat", *PRIVATE)]

    def stated(self) -> dict[str, Any]:
        """The case without its parents; what was not said is absent, which means unknown."""
        given = self.cleaned_data
        texts = {name: [given[name]] for name in ("notice", "display") if given[name]}
        proposed: dict[str, Any] = {name: given[name] for name in ("name", "model_class") if given[name]}
        if given["license"]:
            proposed["license"] = None if given["license"] == NOTHING else given["license"]
        if given["is_shipping_said"]:
            proposed["ships"] = given["ships"]
        if texts:
            proposed["ships_text"] = texts
        names = ("kind", "seat", "mau_now", "annual_revenue_usd", "monthly_revenue_usd")
        actor: dict[str, Any] = {name: given[name] for name in names if given[name] not in (None, "")}
        if given["mau_month"] and given["mau_then"] is not None:
            actor["mau_at"] = {given["mau_month"]: given["mau_then"]}
        release: dict[str, Any] = {name: given[name] for name in ("disclosure", "purpose") if given[name]}
        release |= {name: _listed(given[name]) for name in ("territory", "use_tags") if given[name]}
        return {"proposed": proposed, "actor": actor, "release": release}


class CheckForm:
    """The whole form: as many rows of parents as were sent, and the rest."""

    def __init__(self, given: Mapping[str, str] | None = None, *, rows: int | None = None) -> None:
        self.data = given
        count = _rows_in(given) if given is not None else FIRST_ROWS
        self.parents = [ParentForm(given, prefix=f"parent-{row}") for row in range(rows or count)]
        self.case = CaseForm(given)

    def is_valid(self) -> bool:
        """Whether each field can be read."""
        forms_valid = [
            form.is_valid() for form in (*self.parents, self.case)
        ]  # each one, so that each shows its faults
        return all(forms_valid)

    def as_case(self) -> dict[str, Any]:
        """The case in the format of the checker; rows that say nothing are left out."""
        parents = [row for form in self.parents if (row := form.stated())]
        is_from_nothing = not parents and self.data is not None and self.data.get("is_from_nothing")
        return ({"parents": parents} if parents or is_from_nothing else {}) | self.case.stated()

    @property
    def shared(self) -> str:
        """The inputs as the query of an address, without the figures of a company."""
        if self.data is None:
            return ""
        names = [f"{form.prefix}-{name}" for form in self.parents for name in form.fields]
        pairs = [(name, self.data.get(name, "")) for name in (*names, *(set(self.case.fields) - {*PRIVATE, "ships"}))]
        sent = self.data.getlist("ships") if hasattr(self.data, "getlist") else []
        return urlencode([*sorted((name, word) for name, word in pairs if word), *(("ships", word) for word in sent)])


def moved_rows(given: Any, *, add: bool = False, remove: int | None = None) -> Any:
    """What was sent, with one more row of parents or one fewer; the rows after it move up."""
    changed = given.copy()
    rows = [{name: changed.pop(f"parent-{row}-{name}", [""])[-1] for name in ParentForm.base_fields}
            for row in range(_rows_in(given))]  # fmt: skip
    if remove is not None and 0 <= remove < len(rows):
        del rows[remove]
    if add and len(rows) < MOST_ROWS:
        rows.append(dict.fromkeys(ParentForm.base_fields, ""))
    for row, fields in enumerate(rows or [dict.fromkeys(ParentForm.base_fields, "")]):
        for name, word in fields.items():
            changed[f"parent-{row}-{name}"] = word
    return changed


def inputs_of(parents: tuple[Parent, ...], *, name: str, license: str, actor: Actor) -> dict[str, str]:
    """What the form shows for a lineage that is on record."""
    found: dict[str, str] = {"name": name, "license": license, "disclosure": "public", "territory": "worldwide"}
    for row, parent in enumerate(parents[:MOST_ROWS]):
        said = {
            "license": "" if parent.license == UNRECORDED_KEY else parent.license,
            "model": parent.model,
            "relation": parent.relation,
            "uses": parent.uses,
            "purpose": parent.purpose,
            "modality": parent.modality,
            "declared_in_card": parent.declared_in_card,
        }
        found |= {f"parent-{row}-{key}": str(getattr(word, "value", word) or "") for key, word in said.items()}
    figures = {"mau_now": actor.mau_now, "annual_revenue_usd": actor.annual_revenue_usd,
               "monthly_revenue_usd": actor.monthly_revenue_usd}  # fmt: skip
    found |= {key: str(int(value)) for key, value in figures.items() if value is not None}
    found |= {key: word for key, word in (("kind", actor.kind), ("seat", actor.seat)) if word}
    for month, users in list(actor.mau_at.items())[-1:]:
        found |= {"mau_month": month, "mau_then": str(users)}
    return found


def _rows_in(given: Mapping[str, str]) -> int:
    numbers = [name.split("-")[1] for name in given if name.startswith("parent-") and name.count("-") >= 2]
    rows = [int(number) for number in numbers if number.isascii() and number.isdigit() and len(number) < 4]
    return min(max(rows, default=-1) + 1, MOST_ROWS) or FIRST_ROWS


def _listed(given: str) -> list[str]:
    return [word.strip() for word in given.split(",") if word.strip()]
