"""JSON that some readers take and others refuse."""

from __future__ import annotations

import math

import pytest

from weights.strict_json import JsonLimits, JsonRefusedError, RepeatedKeyError, TooCostlyError, parse_strict


def test_ordinary_json_is_read() -> None:
    content = '{"a": [1, -2.5e3, true, null, "é\\u00e9\\ud83d\\ude00"], "b": {"c": {}}}'.encode()
    assert parse_strict(b"1").value == 1
    assert parse_strict(content).value == {"a": [1, -2500.0, True, None, "éé😀"], "b": {"c": {}}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff", "UTF-8"),
        (b'\xef\xbb\xbf{"a": 1}', "BOM"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": "\\udc00"}', "surrogate"),
        (b'{"\\ud800": 1}', "surrogate"),
        (b'["\\ud800\\u0041"]', "surrogate"),
        (b"[" * 100_000, "deep"),
        (b"[" * 65 + b"]" * 65, "deep"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "deep"),
        (b"[" + b"9" * 500 + b"]", "number"),
        (b"[0." + b"9" * 500 + b"]", "number"),
        (b"{,}", "Expecting"),
        (b"01", "Extra"),
        (b"", "Expecting"),
        (b"{'a': 1}", "Expecting"),
    ],
)
def test_doubtful_json_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(JsonRefusedError, match=message):
        parse_strict(content)


def test_a_repeated_key_is_named() -> None:
    with pytest.raises(RepeatedKeyError) as caught:
        parse_strict(b'{"x": {"b": 1, "a": 1, "\\u0061": 2}}')
    assert caught.value.key == "a"


def test_cost_is_bounded_before_parsing() -> None:
    with pytest.raises(TooCostlyError):
        parse_strict(b"[1,2,3]", JsonLimits(marks=2))


def test_limits_on_numbers() -> None:
    limits = JsonLimits(digits=3, floats=False, negatives=False)
    assert parse_strict(b"[999]", limits).value == [999]
    for content in (b"[1000]", b"[-1]", b"[-0]", b"[1.5]", b"[1e1]"):
        with pytest.raises(JsonRefusedError):
            parse_strict(content, limits)


def test_words_that_json_lacks_may_be_allowed() -> None:
    document = parse_strict(b"[NaN, -Infinity]", allow_nonfinite=True)
    assert document.nonfinite == ["NaN", "-Infinity"]
    assert math.isnan(document.value[0])
    assert document.value[1] == -math.inf


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a": {"b": 1}, "c": {"b": 1}}', {"a": {"b": 1}, "c": {"b": 1}}),
        (b'{"a": ":", "b": "x:y", ":": [{"c": ":"}]}', {"a": ":", "b": "x:y", ":": [{"c": ":"}]}),
        (b'{"a" : 1, "b": "\\":"}', {"a": 1, "b": '":'}),
        (b"null", None),
    ],
)
def test_colons_in_texts_are_no_keys(content: bytes, expected: object) -> None:
    assert parse_strict(content).value == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"a": {"b": 1, "b": 2}, "c": oops}', "the key 'b' comes twice"),
        (b'{"a": 1, "a": 2, "c": ":"}', "the key 'a' comes twice"),
        (b'{"a": [1, "' + b"\\ud800" + b'"]}', "surrogate"),
        (b'{"a": ' * 70 + b"1" + b"}" * 70, "nested more than 64 deep"),
        (b'{"a": ' * 5000 + b"1" + b"}" * 5000, "nested too deeply"),
        (b'{"a": ' + b"1" * 401 + b"}", "not allowed here"),
        (b'{"a": ' + b" " * 7 + b"-" + b"1" * 400 + b"}", "not allowed here"),
    ],
)
def test_what_comes_first_is_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(JsonRefusedError, match=reason):
        parse_strict(content)
