"""What can be stated, and how it is refused."""

from __future__ import annotations

import pytest

from licensing.openness.assessment import assess
from licensing.openness.facts import Availability, Component, DataInformation, Disclosed, Extent
from licensing.openness.framework import Part
from licensing.openness.osaid import OsaidAnswer
from licensing.openness.statements import BadStatement, stated_of


def test_a_whole_statement() -> None:
    found = stated_of(
        {
            "components": {"Datasets": {"is": "gated", "license": " cc-by-4.0 ", "place": "https://example.org"}},
            "description": "partial",
            "public_list": False,
            "third_party_list": None,
            "training_flop": 3e24,
            "usage_public": True,
            "monetization": "none",
            "gating": "",
        },
        "Ada on 1 May",
    )
    part = found.components[Part.DATASETS]
    assert (part.availability, part.license, found.by) == (Availability.GATED, "cc-by-4.0", "Ada on 1 May")
    assert (found.description, found.has_public_list, found.has_third_party_list) == (Extent.PARTIAL, False, None)
    assert (found.training_flop, found.is_usage_public, found.gating) == (3e24, True, None)
    assert stated_of({"components": None, "training_flop": "", "description": None}).training_flop is None


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"flop": 1}, "flop"),
        ({"components": []}, "components"),
        ({"components": {"Model card": {"is": "absent"}}}, "components.Model card"),
        ({"components": {"Datasets": "absent"}}, "components.Datasets"),
        ({"components": {"Datasets": {"is": "absent", "why": ""}}}, "components.Datasets"),
        ({"components": {"Datasets": {"is": "unknown"}}}, "components.Datasets"),
        ({"components": {"Datasets": {"is": "released", "place": 7}}}, "components.Datasets"),
        ({"components": {"Datasets": {"is": "released", "license": "x" * 301}}}, "components.Datasets"),
        ({"components": {"Datasets": {"is": "released", "place": "a\nb"}}}, "components.Datasets"),
        ({"description": "good"}, "description"),
        ({"monetization": 3}, "monetization"),
        ({"public_list": "yes"}, "public_list"),
        ({"training_flop": True}, "training_flop"),
        ({"training_flop": "lots"}, "training_flop"),
        ({"training_flop": -1}, "training_flop"),
        ({"training_flop": "1e400"}, "training_flop"),
        ({"training_flop": 10**400}, "training_flop"),
    ],
)
def test_refused_with_its_field(said: dict[str, object], field: str) -> None:
    with pytest.raises(BadStatement) as refused:
        stated_of(said)
    assert refused.value.field == field and refused.value.message


def test_code_behind_a_gate_and_code_that_nobody_spoke_of_are_undetermined() -> None:
    parts = {part: Component(part, Availability.RELEASED, "mit") for part in Part}
    gated = parts | {Part.TRAINING_CODE: Component(Part.TRAINING_CODE, Availability.GATED, "mit")}
    unknown = parts | {Part.TRAINING_CODE: Component(Part.TRAINING_CODE, Availability.UNKNOWN)}
    for components, lacks_facts in ((gated, False), (unknown, True)):
        found = assess(Disclosed(components=components, data=DataInformation(Extent.FULL, True, True)))
        (line,) = found.osaid.unsettled
        assert (found.osaid.answer, line.name) == (OsaidAnswer.UNDETERMINED, "Training code")
        assert line.lacks_facts is lacks_facts
