"""Cases are read strictly: each fault is refused with the path to its key, and nothing unknown reads as "no"."""

from __future__ import annotations

import json

import pytest

from licensing.cases import CaseRefused, Fields, read_document
from licensing.engine import Disclosure, Purpose, Relation, read_case


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"color": 1}, "color"),
        ({"parents": {}}, "parents"),
        ({"parents": ["llama3.1"]}, "parents[0]"),
        ({"parents": [{"licence": "mit"}]}, "parents[0].licence"),
        ({"parents": [{"license": "mit"}, {"license": "no-such-license"}]}, "parents[1].license"),
        ({"parents": [{"license": "mit AND"}]}, "parents[0].license"),
        ({"parents": [{"license": "gemma"}]}, "parents[0].license"),
        ({"parents": [{"license": 3}]}, "parents[0].license"),
        ({"parents": [{"license": "proprietary"}]}, "parents[0].license"),
        ({"parents": [{"relation": "copied"}]}, "parents[0].relation"),
        ({"parents": [{"uses": "weights"}]}, "parents[0].uses"),
        ({"parents": [{"purpose": "imitate"}]}, "parents[0].purpose"),
        ({"parents": [{"model": ["a/b"]}]}, "parents[0].model"),
        ({"proposed": []}, "proposed"),
        ({"proposed": {"license": "nothing-known"}}, "proposed.license"),
        ({"proposed": {"ships": ["licence"]}}, "proposed.ships[0]"),
        ({"proposed": {"ships": {"license_copy": "yes"}}}, "proposed.ships.license_copy"),
        ({"proposed": {"ships": {"readme": True}}}, "proposed.ships.readme"),
        ({"proposed": {"ships": 3}}, "proposed.ships"),
        ({"proposed": {"ships_text": {"notice": 3}}}, "proposed.ships_text.notice"),
        ({"proposed": {"ships_text": {"slogan": "x"}}}, "proposed.ships_text.slogan"),
        ({"proposed": {"ships_text": 3}}, "proposed.ships_text"),
        ({"actor": {"size": 3}}, "actor.size"),
        ({"actor": {"seat": "Germany"}}, "actor.seat"),
        ({"actor": {"mau_now": -1}}, "actor.mau_now"),
        ({"actor": {"mau_now": 1.5}}, "actor.mau_now"),
        ({"actor": {"mau_now": True}}, "actor.mau_now"),
        ({"actor": {"mau_now": 10**400}}, "actor.mau_now"),
        ({"actor": {"annual_revenue_usd": 1e300}}, "actor.annual_revenue_usd"),
        ({"actor": {"annual_revenue_usd": float("nan")}}, "actor.annual_revenue_usd"),
        ({"actor": {"mau_now": "many"}}, "actor.mau_now"),
        ({"actor": {"mau_at": [1]}}, "actor.mau_at"),
        ({"actor": {"mau_at": {"June": 1}}}, "actor.mau_at.June"),
        ({"actor": {"mau_at": {"2024-13": 1}}}, "actor.mau_at.2024-13"),
        ({"actor": {"mau_at": {"2024-06": "x"}}}, "actor.mau_at.2024-06"),
        ({"actor": {"annual_revenue_usd": "1M"}}, "actor.annual_revenue_usd"),
        ({"release": {"disclosure": "secret"}}, "release.disclosure"),
        ({"release": {"purpose": "fun"}}, "release.purpose"),
        ({"release": {"territory": [3]}}, "release.territory[0]"),
        ({"release": {"use_tags": "x", "audience": "all"}}, "release.audience"),
    ],
)
def test_a_fault_is_refused_by_its_key(given: dict[str, object], key: str) -> None:
    with pytest.raises(CaseRefused) as refused:
        read_case(given)
    assert refused.value.key == key
    assert str(refused.value).startswith(f"{key}: ") and len(refused.value.message) > 10


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"\xff\xfe", "UTF-8"),
        (b"{", "no JSON"),
        (b'"x', "no YAML"),
        (b"a: [1", "no YAML"),
        (b"a: &x 1\nb: *x", "aliases"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b"a: 1\na: 2", "twice"),
        (b"[" * 2000, "deep"),
        (b"- " * 100 + b"x", "deep"),
        (b'{"a": NaN}', "no number"),
        (b"a: 1\n---\nb: 2", "no YAML"),
        (b"!!python/object/apply:os.system [x]", "no YAML"),
        (b"? [1]\n: 2", "key"),
        (b"x" * (4 * 1024 * 1024 + 1), "larger"),
    ],
)
def test_what_is_no_plain_data_is_refused(text: bytes, says: str) -> None:
    with pytest.raises(CaseRefused, match=says):
        read_document(text)


@pytest.mark.parametrize("text", [b"[1]", b"3", b"null", b'"words"'])
def test_a_case_is_a_mapping(text: bytes) -> None:
    with pytest.raises(CaseRefused, match="mapping"):
        read_case(read_document(text))


def test_yaml_reads_as_people_mean_it() -> None:
    read = read_document(
        b"seat: NO\nmonth: 2024-06\nday: 2024-06-01\nusers: 7e8\nversion: 1.10\nfine: true\nnone: null\n"
    )
    assert read == {
        "seat": "NO",
        "month": "2024-06",
        "day": "2024-06-01",
        "users": 7e8,
        "version": 1.10,
        "fine": True,
        "none": None,
    }


def test_json_and_yaml_are_one() -> None:
    given = {"parents": [{"license": "MIT", "relation": "merge"}], "release": {"territory": "worldwide"}}
    as_yaml = b"parents:\n- license: MIT\n  relation: merge\nrelease: {territory: worldwide}\n"
    assert read_case(read_document(json.dumps(given).encode())) == read_case(read_document(as_yaml))


def test_what_is_absent_or_null_is_unknown() -> None:
    case = read_case({})
    assert case == read_case(dict.fromkeys(["parents", "proposed", "actor", "release"]))
    assert case.parents is None and case.release.disclosure is None and case.release.use_tags is None
    assert case.actor.mau_now is None and case.proposed.ships is None
    assert not case.proposed.releases_nothing
    assert read_case({"proposed": {"license": None}}).proposed.releases_nothing
    assert read_case({"parents": []}).parents == ()


def test_all_keys_are_read() -> None:
    case = read_case(
        {
            "parents": [
                {
                    "license": "llama3.1",
                    "model": "a/b",
                    "modality": "Text",
                    "relation": "outputs",
                    "uses": "outputs",
                    "purpose": "different_task",
                    "declared_in_card": "mit",
                }
            ],
            "proposed": {
                "license": "proprietary",
                "name": "c/d",
                "model_class": "image_generator",
                "ships": {"notice": True, "display": None},
                "ships_text": {"notice": "N", "display": ["A", "B"]},
            },
            "actor": {
                "kind": "Non-Profit",
                "seat": "de",
                "mau_now": 3,
                "mau_at": {"2024-06": 4},
                "annual_revenue_usd": 5.5,
                "monthly_revenue_usd": 6,
                "receives_as": "end_user",
            },
            "release": {"disclosure": "gated", "territory": ["EU"], "purpose": "research", "use_tags": ["military"]},
        }
    )
    assert case.parents and case.parents[0].relation == Relation.OUTPUTS and case.parents[0].modality == "text"
    assert case.proposed.does_ship("notice") is True and case.proposed.does_ship("display") is None
    assert case.proposed.ships_text == {"notice": ("N",), "display": ("A", "B")}
    assert (case.actor.kind, case.actor.seat, case.actor.mau_at) == ("non_profit", "DE", {"2024-06": 4})
    assert case.release.disclosure == Disclosure.GATED and case.release.purpose == Purpose.RESEARCH


def test_plain_texts_are_looked_through_for_every_item() -> None:
    assert read_case({"proposed": {"ships_text": "X"}}).proposed.ships_text == {"notice": ("X",), "display": ("X",)}


def test_too_many_parents_are_refused() -> None:
    with pytest.raises(CaseRefused, match="5001"):
        read_case({"parents": [{}] * 5001})


def test_fields_read_flags_and_refuse_keys_that_are_no_text() -> None:
    fields = Fields({"a": True, "b": None})
    assert fields.flag("a") is True and fields.flag("b") is None
    with pytest.raises(CaseRefused):
        Fields({"a": "yes"}).flag("a")
    with pytest.raises(CaseRefused):
        Fields({1: 2})
