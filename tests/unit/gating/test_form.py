"""Forms: what one may ask, what answers it, and how cards spell it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gating.form import FormField, check_answers, read_fields, stored_fields
from gating.hub_form import answers_by_label, answers_by_name, from_card, to_card
from gating.states import FieldType
from rules import Refused
from web.countries import COUNTRIES

TEXT = {"name": "purpose", "label": "What for?", "type": "text"}


def faults(raw: object) -> list[str]:
    with pytest.raises(Refused) as caught:
        read_fields(raw)
    assert caught.value.verdict.codes == {"gating.bad_form"}
    return [reason.message for reason in caught.value.verdict.reasons]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("text", "a list of at most 20"),
        ({}, "a list of at most 20"),
        ([TEXT] * 21, "a list of at most 20"),
        (["text"], "a field is a mapping"),
        ([TEXT, TEXT], "the same name"),
        ([TEXT, {**TEXT, "name": "other", "label": "WHAT FOR?"}], "the same label"),
        ([{**TEXT, "name": "Purpose"}], "a name has"),
        ([{**TEXT, "name": "license"}], "a name has"),
        ([{**TEXT, "name": 3}], "a name has"),
        ([{**TEXT, "label": ""}], "a label has"),
        ([{**TEXT, "label": "two\nlines"}], "a label has"),
        ([{**TEXT, "label": "turned \u202e around"}], "a label has"),
        ([{**TEXT, "type": "file"}], "a type is one of"),
        ([{**TEXT, "required": "yes"}], "'required' is"),
        ([{**TEXT, "help": "x" * 501}], "a help has"),
        ([{**TEXT, "options": ["a"]}], "only a select"),
        ([{**TEXT, "colour": "red"}], "has no colour"),
        ([{**TEXT, "type": "select"}], "1 to 100 options"),
        ([{**TEXT, "type": "select", "options": "abc"}], "1 to 100 options"),
        ([{**TEXT, "type": "select", "options": ["a", "a "]}], "given twice"),
        ([{**TEXT, "type": "select", "options": [""]}], "an option has"),
    ],
)
def test_a_form_that_cannot_be_used_says_why(raw: object, said: str) -> None:
    assert any(said in fault for fault in faults(raw))


def test_a_form_survives_storing() -> None:
    fields = read_fields(
        [TEXT, {"name": "k", "label": "K", "type": "select", "options": ["a", "b"], "required": False}]
    )
    assert stored_fields([field.as_dict() for field in fields]) == fields


FIELDS = st.builds(
    FormField,
    name=st.from_regex(r"\A[a-z][a-z0-9_]{0,10}\Z").filter(lambda name: name != "license"),
    label=st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20),
    type=st.sampled_from([FieldType.TEXT, FieldType.CHECKBOX, FieldType.COUNTRY, FieldType.DATE]),
    required=st.booleans(),
)
FORMS = st.lists(FIELDS, max_size=5, unique_by=(lambda field: field.name, lambda field: field.label.casefold()))


@given(fields=FORMS, data=st.data())
def test_whatever_is_answered_is_either_refused_by_name_or_stored_as_it_should_be(
    fields: list[FormField], data: st.DataObject
) -> None:
    names = [field.name for field in fields]
    values = st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.lists(st.text(), max_size=2)
    answers = data.draw(st.dictionaries(st.sampled_from([*names, "other"]), values) if names else st.just({}))
    clean, verdict = check_answers(fields, answers)
    refused = {reason.field for reason in verdict.reasons}
    assert refused <= {*names, "other"}
    assert not refused & clean.keys()
    for field in fields:
        if field.required and field.name not in refused:
            assert field.name in clean
        answer = clean.get(field.name)
        if answer is None:
            continue
        if field.type == FieldType.CHECKBOX:
            assert answer is True
        else:
            assert isinstance(answer, str) and answer == answer.strip() != "" and "\x00" not in answer
        if field.type == FieldType.COUNTRY:
            assert answer in COUNTRIES


def test_answers_that_are_no_mapping_are_refused() -> None:
    assert check_answers((), ["a"])[1].codes == {"gating.unknown_field"}


def test_a_card_and_a_form_say_the_same() -> None:
    card = {
        "extra_gated_prompt": "For research only.",
        "extra_gated_fields": {
            "Company": "text",
            "Country": "country",
            "Specific date": "date_picker",
            "I want to use this model for": {
                "type": "select",
                "options": ["Research", "Education", {"label": "Other", "value": "other"}],
            },
            "I agree to use this model for non-commercial use ONLY": "checkbox",
        },
    }
    form = from_card(card)
    assert [field.name for field in form.fields] == [
        "company",
        "country",
        "specific_date",
        "i_want_to_use_this_model_for",
        "i_agree_to_use_this_model_for_non_commercial_use_o",
    ]
    again = to_card(form.prompt, form.fields)
    assert again["extra_gated_prompt"] == card["extra_gated_prompt"]
    assert list(again["extra_gated_fields"]) == list(card["extra_gated_fields"])
    assert from_card(again).fields == form.fields
    given = answers_by_name(form.fields, {"Company": "Acme", "unheard": "x"})
    assert given == {"company": "Acme", "unheard": "x"}
    assert answers_by_label(form.fields, {"country": "CH", "company": "Acme", form.fields[4].name: True}) == {
        "Company": "Acme",
        "Country": "CH",
        "I agree to use this model for non-commercial use ONLY": "true",
    }


def test_labels_that_make_the_same_name_are_kept_apart() -> None:
    fields = from_card(
        {"extra_gated_fields": {"Who?": "text", "who!": "text", "许可": "text", "License": "text"}}
    ).fields
    assert [field.name for field in fields] == ["who", "who_2", "field", "field_license"]


@pytest.mark.parametrize("fields", [["a"], {str(number): "text" for number in range(21)}, {"a": "file"}, {"a": None}])
def test_a_card_whose_form_cannot_be_used_is_refused(fields: object) -> None:
    with pytest.raises(Refused):
        from_card({"extra_gated_fields": fields})


def test_a_card_without_a_gate_makes_an_empty_form() -> None:
    assert from_card({}).fields == () and to_card("", ()) == {}
