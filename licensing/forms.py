"""A lab's own license as people fill it in: its exact text, and its terms in the words of the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms

from licensing.catalog import shipped
from licensing.policies import TEXT_CHARACTERS
from licensing.presenters import ANSWERS, FLOWS, REACHES, SCOPES, TRIGGERS
from licensing.terms import Answer, FlowDown, ShareAlike

NOT_SAID = ("", "Not said")
PLAIN_ANSWERS = [NOT_SAID, *((key.value, ANSWERS[key].label) for key in (Answer.YES, Answer.NO, Answer.CONDITIONAL))]
YES_NO = [NOT_SAID, ("true", "Yes"), ("false", "No")]
METRICS = [
    ("", "No threshold"),
    ("mau", "Monthly active users"),
    ("annual_revenue_usd", "Yearly revenue in US dollars"),
    ("monthly_revenue_usd", "Monthly revenue in US dollars"),
]
EFFECTS = [
    ("separate_license", "a separate license is needed"),
    ("no_rights", "nothing is granted"),
    ("license_terminates", "the license ends"),
    ("display_required", "a notice must be shown"),
]
MEASURED = [("continuous", "at any time"), ("version_release_date", "when this version was released")]
TESTS = [
    NOT_SAID,
    ("licensee_domicile_or_principal_place_of_business", "The licensee's seat"),
    ("place_of_use_or_distribution", "The place of use"),
]
RELATIONS = [
    ("finetune", "Fine-tunes"),
    ("adapter", "Adapters"),
    ("quantized", "Quantized copies"),
    ("merge", "Merges"),
    ("distilled", "Distilled models"),
    ("outputs", "Models trained on its outputs"),
]
RETALIATION = [
    NOT_SAID,
    ("none", "Suing does not end it"),
    ("patent", "Suing over patents ends it"),
    ("patent_or_copyright", "Suing over patents or copyright ends it"),
    ("any_ip_against_licensor", "Suing the licensor over any such right ends it"),
]
THRESHOLDS = (1, 2)
NESTED = (
    "distribution", "derivatives", "outputs", "acceptable_use", "patent", "termination", "territory", "naming",
)  # fmt: skip
PLAIN = ("commercial_use", "use_scope", "notice_text", "display_text", "share_alike", "notes")
# In which order terms are asked for, and which of the pages' words head them.
SECTIONS = (
    ("The license", "name version text"),
    ("What it allows",
     "commercial_use use_scope redistribution hosting own_terms covers train_other_models output_class"),
    ("Where it stops", "metric_1 op_1 value_1 measured_1 effect_1 metric_2 op_2 value_2 measured_2 effect_2 "
     "excluded_regions territory_test aup_document aup_flow_down aup_mutable aup_prohibits"),
    ("What it asks for", "*"),
    ("Exact words", "notice_text display_text naming_value naming_outputs"),
    ("How far it reaches, and how it ends", "share_alike patent_retaliation revocable unilateral_update delete_on_end"),
    ("For readers", "notes"),
)  # fmt: skip


def _choice(label: str, choices: list[tuple[str, str]], help_text: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(choices=choices, required=False, label=label, help_text=help_text)


def _line(label: str, help_text: str = "", characters: int = 300) -> forms.CharField:
    return forms.CharField(max_length=characters, required=False, label=label, help_text=help_text)


class LicenseForm(forms.Form):
    """What is not said stays unknown, which is never read as "no"."""

    name = forms.CharField(max_length=200, help_text="As it stands above the text.")
    version = forms.CharField(max_length=60, required=False, help_text="Such as 1.0 or a date.")
    text = forms.CharField(
        max_length=TEXT_CHARACTERS,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false"}),
        label="Full text",
        help_text="People will accept exactly this text, named by its SHA-256. It can never be changed afterwards.",
    )
    commercial_use = _choice("May it be used commercially?", PLAIN_ANSWERS)
    use_scope = _choice("For what may it be used?", [NOT_SAID, *((key.value, label) for key, label in SCOPES.items())])
    redistribution = _choice("May it be passed on?", PLAIN_ANSWERS)
    hosting = _choice("Does offering it as a service count as passing it on?", YES_NO)
    own_terms = _choice("May what is made from it have other terms?", PLAIN_ANSWERS)
    covers = forms.MultipleChoiceField(
        choices=RELATIONS, required=False, widget=forms.CheckboxSelectMultiple, label="What counts as made from it?"
    )
    train_other_models = _choice("May other models be trained on its outputs?", PLAIN_ANSWERS)
    output_class = _line("Which other models?", "Such as large_language_model; empty for any.", 80)
    excluded_regions = _line("Countries or regions left out", "Two-letter codes or EU, with commas between.")
    territory_test = _choice("What decides about the territory?", TESTS)
    aup_document = _line("Rules of use stand in", "Such as Acceptable Use Policy, Attachment A.", 200)
    aup_flow_down = _choice(
        "Whom do the rules of use bind?",
        [NOT_SAID, ("none", "There are none"), *((key.value, FLOWS[key]) for key in FlowDown if FLOWS[key])],
    )
    aup_mutable = _choice("May the licensor change the rules of use?", YES_NO)
    aup_prohibits = _line("Forbidden uses", "In words such as military, medical_advice; with commas between.", 2000)
    notice_text = _line("Sentence for the notice file", characters=1000)
    display_text = _line("Words to show", "Such as Built with Acme.")
    naming_value = _line("Names of derivatives begin with", characters=60)
    naming_outputs = _choice("Also for models trained on its outputs?", YES_NO)
    share_alike = _choice(
        "Terms of what is made from it", [NOT_SAID, *((key.value, REACHES[key]) for key in ShareAlike)]
    )
    patent_retaliation = _choice("What does suing do?", RETALIATION)
    revocable = _choice("May the licensor revoke it?", YES_NO)
    unilateral_update = _choice("May the licensor rewrite it?", YES_NO)
    delete_on_end = _choice("Must the material be deleted when it ends?", YES_NO)
    notes = forms.CharField(
        max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}), label="Notes for readers"
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for row in THRESHOLDS:
            self.fields[f"metric_{row}"] = _choice(f"Threshold {row}: what is measured", METRICS)
            self.fields[f"op_{row}"] = _choice(f"Threshold {row}: it holds", [(">", "above"), (">=", "from")])
            self.fields[f"value_{row}"] = forms.IntegerField(
                required=False, min_value=1, label=f"Threshold {row}: amount"
            )
            self.fields[f"measured_{row}"] = _choice(f"Threshold {row}: when", MEASURED)
            self.fields[f"effect_{row}"] = _choice(f"Threshold {row}: and then", EFFECTS)
        triggers = [("", "Not asked for"), *TRIGGERS.items()]
        for id_, sentence in shipped().obligations.items():
            self.fields[id_] = _choice(sentence, triggers, id_)
        stays = [(id_, id_) for id_ in shipped().obligations]
        self.fields["must_carry"] = forms.MultipleChoiceField(
            choices=stays,
            required=False,
            widget=forms.CheckboxSelectMultiple,
            label="Which of these stay attached to whatever is made from it?",
        )

    def sections(self) -> Iterator[tuple[str, list[forms.BoundField]]]:
        """The fields under their headings; the first section is open, the others unfold."""
        duties = [*shipped().obligations, "must_carry"]
        for title, names in SECTIONS:
            yield title, [self[name] for name in (duties if names == "*" else names.split())]

    def clean(self) -> dict[str, Any]:
        """A threshold needs its amount."""
        given = super().clean() or {}
        for row in THRESHOLDS:
            if given.get(f"metric_{row}") and not given.get(f"value_{row}"):
                self.add_error(f"value_{row}", "Say from which amount the threshold holds.")
        return given

    def terms(self) -> dict[str, Any]:
        """The terms as a license version keeps them; what was not said stays unknown."""
        said = _without_unknown(self._stated())
        duties = [
            {"id": id_, "trigger": self.cleaned_data[id_]} for id_ in shipped().obligations if self.cleaned_data[id_]
        ]
        return said | ({"obligations": duties} if duties else {})

    def _stated(self) -> dict[str, Any]:
        given = self.cleaned_data
        regions = _listed(given["excluded_regions"].upper())
        naming = {
            "position": "prefix",
            "value": given["naming_value"],
            "triggers": ["materials", *(["outputs"] if given["naming_outputs"] == "true" else [])],
        }
        return {
            "commercial_use": given["commercial_use"],
            "use_scope": given["use_scope"],
            "thresholds": [self._threshold(row) for row in THRESHOLDS if given[f"metric_{row}"]],
            "territory": {"excluded_regions": regions, "test": given["territory_test"], "applies_to": "all"}
            if regions
            else None,
            "distribution": {
                "allowed": given["redistribution"],
                "hosted_service_is_distribution": _flag(given["hosting"]),
            },
            "notice_text": given["notice_text"],
            "display_text": given["display_text"],
            "naming": naming if given["naming_value"] else None,
            "derivatives": {
                "covers": given["covers"],
                "own_terms": given["own_terms"],
                "must_carry": given["must_carry"],
            },
            "outputs": {"train_other_models": given["train_other_models"], "class": given["output_class"]},
            "acceptable_use": {
                "document": given["aup_document"],
                "mutable": _flag(given["aup_mutable"]),
                "flow_down": given["aup_flow_down"],
                "prohibits": _listed(given["aup_prohibits"].lower().replace(" ", "_").replace(",_", ",")),
            },
            "patent": {"retaliation": given["patent_retaliation"]},
            "termination": {
                "revocable": _flag(given["revocable"]),
                "unilateral_update": _flag(given["unilateral_update"]),
                "delete_on_end": _flag(given["delete_on_end"]),
            },
            "share_alike": given["share_alike"],
            "notes": given["notes"],
        }

    def _threshold(self, row: int) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "metric": given[f"metric_{row}"],
            "op": given[f"op_{row}"] or ">",
            "value": given[f"value_{row}"],
            "measured_at": given[f"measured_{row}"] or "continuous",
            "effect": given[f"effect_{row}"] or "separate_license",
        }


class TextForm(forms.Form):
    """A text of which somebody wants to know which license it is."""

    text = forms.CharField(
        max_length=TEXT_CHARACTERS,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false"}),
        label="License text",
        help_text="It is compared with all texts that are held here, and not kept.",
    )


def initial_of(terms: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the form shows for terms that a version has, so that a new one begins with the old."""
    part = {name: terms.get(name) or {} for name in NESTED}
    found = {name: terms.get(name) for name in PLAIN}
    found |= {
        "redistribution": part["distribution"].get("allowed"),
        "hosting": _said(part["distribution"].get("hosted_service_is_distribution")),
        "own_terms": part["derivatives"].get("own_terms"),
        "covers": part["derivatives"].get("covers"),
        "must_carry": part["derivatives"].get("must_carry"),
        "train_other_models": part["outputs"].get("train_other_models"),
        "output_class": part["outputs"].get("class"),
        "excluded_regions": ", ".join(part["territory"].get("excluded_regions") or ()),
        "territory_test": part["territory"].get("test"),
        "aup_document": part["acceptable_use"].get("document"),
        "aup_flow_down": part["acceptable_use"].get("flow_down"),
        "aup_mutable": _said(part["acceptable_use"].get("mutable")),
        "aup_prohibits": ", ".join(part["acceptable_use"].get("prohibits") or ()),
        "naming_value": part["naming"].get("value"),
        "naming_outputs": _said("outputs" in part["naming"]["triggers"]) if part["naming"].get("triggers") else "",
        "patent_retaliation": part["patent"].get("retaliation"),
        **{name: _said(part["termination"].get(name)) for name in ("revocable", "unilateral_update", "delete_on_end")},
    }
    for row, threshold in zip(THRESHOLDS, terms.get("thresholds") or (), strict=False):
        found |= {
            f"{name}_{row}": threshold.get(key)
            for name, key in (("metric", "metric"), ("op", "op"), ("value", "value"), ("measured", "measured_at"),
                              ("effect", "effect"))
        }  # fmt: skip
    found |= {duty["id"]: duty["trigger"] for duty in terms.get("obligations") or ()}
    return {name: value for name, value in found.items() if value not in (None, "", [])} | more


def _flag(given: str) -> bool | None:
    return {"true": True, "false": False}.get(given)


def _said(flag: bool | None) -> str:
    return "" if flag is None else str(flag).lower()


def _listed(given: str) -> list[str]:
    return [word.strip() for word in given.split(",") if word.strip()]


def _without_unknown(given: dict[str, Any]) -> dict[str, Any]:
    """The same without what was not said, at any depth."""
    inner = {name: _without_unknown(value) if isinstance(value, dict) else value for name, value in given.items()}
    return {name: value for name, value in inner.items() if value not in (None, "", [], {})}
