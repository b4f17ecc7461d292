"""What must hold of openness whatever is disclosed: more openness never counts for less, not knowing never for more."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from licensing.openness.cases import check
from licensing.openness.framework import ASKED, OpennessClass, Part, required_for

LICENSES = (
    None, "unlicensed", "unknown", "apache-2.0", "cc-by-4.0", "openmdw-1.1", "llama3.1", "gemma", "cc-by-nc-4.0", "own",
)  # fmt: skip
OPEN = ("apache-2.0", "cc-by-4.0", "cc0-1.0", "openmdw-1.0")
NAMES = [part.value for part in Part]
OSAID = {"no": 0, "undetermined": 1, "yes": 2}
EU = {"no": 0, "review": 1, "arguable": 2, "yes": 3}
LABELS = {"held back": 0, "gated weights": 1, "open weights": 2, "open source AI": 3}

flags = st.sampled_from([True, False, None])
components = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(LICENSES), max_size=17) | st.fixed_dictionaries(
    {name: st.sampled_from(OPEN) for name in NAMES}
)
cases = st.fixed_dictionaries(
    {
        "components": components,
        "global_licenses": st.dictionaries(
            st.sampled_from(["code", "data", "document", "distribution"]), st.sampled_from(LICENSES)
        ),
        "data_information": st.fixed_dictionaries(
            {
                "description": st.sampled_from(["full", "partial", "none", None]),
                "public_data_list": flags,
                "third_party_data_list": flags,
            }
        ),
        "eu": st.fixed_dictionaries(
            {
                "training_flop": st.sampled_from([None, 1e22, 1e24, 1e25, 2e25]),
                "weights_architecture_usage_public": flags,
                "monetisation": st.sampled_from([None, "none", "optional services", "dual license", "partnerships"]),
                "gating": st.sampled_from([None, "none", "safety verification", "country of origin", "form"]),
                "license_family": st.sampled_from([None, "permissive", "rail", "research", "community"]),
            }
        ),
        "facts": st.fixed_dictionaries({"data_card_is_stub": flags}),
    }
)


def ranks(case: dict[str, Any]) -> tuple[int, int, int, int]:
    found = check(case)
    level = OpennessClass(found["mof_class"]).rank
    return level, OSAID[found["osaid"]], EU[found["eu_exemption"]], LABELS[found["label"]]


@settings(max_examples=40, deadline=None)
@given(case=cases, name=st.sampled_from(NAMES), license=st.sampled_from(OPEN))
def test_one_more_open_component_never_lowers_the_class(case: dict[str, Any], name: str, license: str) -> None:
    more = case | {"components": case["components"] | {name: license}}
    assert ranks(more)[0] >= ranks(case)[0]


@settings(max_examples=40, deadline=None)
@given(case=cases, name=st.sampled_from(NAMES))
def test_an_osi_license_in_place_of_any_never_lowers_an_answer(case: dict[str, Any], name: str) -> None:
    if name in case["components"]:
        more = case | {"components": case["components"] | {name: "apache-2.0"}}
        assert all(after >= before for after, before in zip(ranks(more), ranks(case), strict=True))


@settings(max_examples=40, deadline=None)
@given(case=cases, data=st.data())
def test_what_becomes_unknown_never_becomes_a_yes(case: dict[str, Any], data: st.DataObject) -> None:
    section = data.draw(st.sampled_from(["data_information", "eu"]))
    key = data.draw(st.sampled_from(sorted(case[section])))
    less = case | {section: case[section] | {key: None}}
    before, after = check(case), check(less)
    assert after["osaid"] != "yes" or before["osaid"] == "yes" or key == "gating"
    if key == "license_family":
        return  # without the family the license itself still decides, which the family can only make worse
    assert after["eu_exemption"] != "yes" or before["eu_exemption"] == "yes"


@settings(max_examples=40, deadline=None)
@given(case=cases)
def test_answers_agree_with_each_other(case: dict[str, Any]) -> None:
    found = check(case)
    level = OpennessClass(found["mof_class"])
    counting = {component["name"] for component in found["components"] if component["counts"]}
    asked = {part.value for part in required_for(level)}
    if Part.RESEARCH_PAPER.value in counting:
        asked.discard(Part.TECHNICAL_REPORT.value)
    assert asked <= counting
    assert (found["mof_blockers"] == []) == (level is OpennessClass.OPEN_SCIENCE)
    assert not counting & set(found["mof_blockers"])
    assert all(ASKED[Part(name)].is_required for name in found["mof_blockers"])
    assert (found["osaid"] == "no") == bool(found["osaid_missing"])
    assert (found["label"] == "open source AI") == (found["osaid"] == "yes")
