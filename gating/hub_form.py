"""A gate's form as model cards spell it: the `extra_gated_*` keys of their front matter, in both directions.

Source: Hugging Face Hub documentation, "Gated models", customize requested information.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gating.form import FIELDS, LABEL_CHARACTERS, FormField, read_fields
from gating.states import FieldType

NOT_A_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class CardForm:
    """What a card says of its gate."""

    prompt: str
    fields: tuple[FormField, ...]


def from_card(metadata: Mapping[str, object]) -> CardForm:
    """The form that a card asks for; raises Refused where it cannot be used.

    Cards have labels only, so that names are made of them; every field of a card is required.
    """
    prompt = metadata.get("extra_gated_prompt") or metadata.get("extra_gated_description") or ""
    raw = metadata.get("extra_gated_fields") or {}
    if not isinstance(raw, Mapping) or len(raw) > FIELDS:
        return CardForm(str(prompt), read_fields("not a list"))
    taken: set[str] = set()
    return CardForm(
        str(prompt).strip(), read_fields([_from_card(str(label), what, taken) for label, what in raw.items()])
    )


def to_card(prompt: str, fields: Sequence[FormField]) -> dict[str, object]:
    """The keys that give a card this form; a Hub that reads them makes every field required."""
    said: dict[str, object] = {"extra_gated_prompt": prompt} if prompt else {}
    if fields:
        said["extra_gated_fields"] = {
            field.label: {"type": "select", "options": list(field.options)}
            if field.type == FieldType.SELECT
            else field.type.value
            for field in fields
        }
    return said


def answers_by_name(fields: Sequence[FormField], by_label: Mapping[str, object]) -> dict[str, object]:
    """Answers whose keys are labels, as Hub clients send them, under the names of the form; other keys stay."""
    names = {field.label: field.name for field in fields}
    return {names.get(key, key): value for key, value in by_label.items()}


def answers_by_label(fields: Sequence[FormField], answers: Mapping[str, object]) -> dict[str, str]:
    """Stored answers under their labels, as texts, in the order of the form."""
    said = {field.label: answers[field.name] for field in fields if field.name in answers}
    return {label: ("true" if value is True else str(value)) for label, value in said.items()}


def _from_card(label: str, what: object, taken: set[str]) -> dict[str, object]:
    name = name_of(label, taken)
    if isinstance(what, Mapping):
        options = [
            str(option.get("value", option.get("label", ""))) if isinstance(option, Mapping) else str(option)
            for option in (what.get("options") or [])
        ]
        return {"name": name, "label": label[:LABEL_CHARACTERS], "type": what.get("type"), "options": options}
    return {"name": name, "label": label[:LABEL_CHARACTERS], "type": what}


def name_of(label: str, taken: set[str]) -> str:
    """A name made of a label, unlike all others of the form."""
    words = NOT_A_NAME.sub("_", label.lower()).strip("_")[:50].strip("_")
    base = words if words[:1].isalpha() and words != "license" else f"field_{words}".rstrip("_")
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    taken.add(name)
    return name
