"""The card that leaves: metadata as demanded, body untouched, odd front matter refused."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from release.card import METADATA_LIMIT_BYTES, BadCard, CardDemands, compose_card, split_card

BODY = "# Nimbus\n\nText.\n"


def demands(**values: object) -> CardDemands:
    """What a release demands."""
    return CardDemands(values)


def test_a_card_that_says_everything_keeps_its_bytes() -> None:
    text = "---\nlicense:   mit   # ours\n---\n\n" + BODY
    assert compose_card(text, demands(license="mit", license_name=None)) == text
    assert compose_card(BODY, demands()) == BODY


def test_what_is_missing_is_added_and_the_rest_stays_in_order() -> None:
    text = "---\nlanguage: [en]\ntags:\n- tiny\n---\n" + BODY
    made = compose_card(text, demands(license="apache-2.0", gated="manual"))
    metadata, body = split_card(made)
    assert list(metadata) == ["language", "tags", "license", "gated"]
    assert metadata["language"] == ["en"]
    assert body.lstrip("\n") == BODY


def test_what_contradicts_is_replaced_and_what_must_go_goes() -> None:
    made = compose_card("---\nlicense: mit\nbase_model: acme/secret\n---\n", demands(license="other", base_model=None))
    assert split_card(made)[0] == {"license": "other"}
    assert "secret" not in made


def test_a_card_without_metadata_gets_some() -> None:
    assert compose_card(BODY, demands(license="mit")) == f"---\nlicense: mit\n---\n\n{BODY}"
    assert split_card(compose_card("", demands(license="mit")))[0] == {"license": "mit"}


def test_line_ends_and_marks_of_other_systems_are_understood() -> None:
    metadata, body = split_card("\ufeff---\r\nlicense: mit\r\n---\r\n# Title\r\n")
    assert metadata == {"license": "mit"}
    assert body == "# Title\r\n"


def test_dashes_in_the_body_are_no_metadata() -> None:
    text = "# Title\n\n---\nlicense: mit\n---\n"
    assert split_card(text) == ({}, text)


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ("license: [mit", "line"),
        ("- a\n- b", "no mapping"),
        ("1: a", "no mapping"),
        ("a: &x 1\nb: *x", "alias"),
        ("license: mit\nlicense: gpl", "a second time"),
        ("a: !!python/object/apply:os.system ['true']", "line"),
        ("a: " + "x" * METADATA_LIMIT_BYTES, "larger than"),
        ("[" * 5000, "line"),
    ],
)
def test_metadata_that_readers_could_read_differently_is_refused(front: str, said: str) -> None:
    with pytest.raises(BadCard) as bad:
        split_card(f"---\n{front}\n---\n")
    assert said in str(bad.value) or "Error" in str(bad.value)


def test_a_huge_card_is_refused() -> None:
    with pytest.raises(BadCard, match="larger than"):
        split_card("x" * ((1 << 20) + 1))


@given(
    body=st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=200),
    values=st.dictionaries(
        st.from_regex(r"[a-z][a-z_]{0,10}", fullmatch=True),
        st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.lists(st.text(max_size=8), max_size=3),
        max_size=5,
    ),
)
def test_whatever_is_demanded_is_what_every_reader_finds(body: str, values: dict[str, object]) -> None:
    try:
        before, rest = split_card(body)
    except BadCard:
        return
    made = compose_card(body, CardDemands(values))
    metadata, after = split_card(made)
    assert all(metadata.get(key) == value for key, value in values.items())
    assert {key: value for key, value in metadata.items() if key not in values} == {
        key: value for key, value in before.items() if key not in values
    }
    assert after.removeprefix("\n") == rest.removeprefix("\n")
    if made.startswith("---\n"):
        assert yaml.safe_load(made.split("---\n")[1]) == metadata or metadata == {}
