"""Verdicts and rules: all reasons, one status, codes that are never shared."""

import pytest

from rules import Kind, Reason, Refused, Rule, Verdict, verdict

# Rules of a test are no rules of the product: whoever lists those must not find these.
PRODUCT_RULES = dict(verdict._registered)
WHO = Rule("test.who", "Only a {role} may.", "An owner, by giving the role {role}", Kind.WHO)
WHEN = Rule("test.when", "It is {state}.", "Time")
WHAT = Rule("test.what", "{field} is too long.", "You", Kind.WHAT)
TEST_RULES = {rule.code: rule for rule in (WHO, WHEN, WHAT)}
verdict._registered.clear()
verdict._registered.update(PRODUCT_RULES)


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr(verdict, "_registered", dict(TEST_RULES))


@pytest.mark.parametrize(
    ("kind", "status"),
    [("who", 403), ("when", 409), ("what", 422), ("missing", 404), ("locked", 401), ("pace", 429)],
)
def test_every_kind_has_its_status(kind, status):
    assert Kind(kind).status == status


def test_every_kind_decides_a_status_alone():
    for kind in Kind:
        assert Verdict((Reason("x", "x", "x", kind),)).status == kind.status


def test_who_is_answered_before_when_and_when_before_what():
    reasons = [WHAT.refuse(field="name"), WHEN.refuse(state="live"), WHO.refuse(role="owner")]
    assert Verdict.of(*reasons).status == 403
    assert Verdict.of(*reasons[:2]).status == 409
    assert Verdict.of(*reasons[:1]).status == 422
    assert Verdict().status == 200


def test_a_verdict_keeps_all_reasons_in_order():
    all_three = Verdict.of(WHO.unless(False, role="owner"), WHEN.unless(True), WHAT.unless(False, field="name"))
    assert [reason.code for reason in all_three.reasons] == ["test.who", "test.what"]
    assert all_three.sentence == "Only a owner may. name is too long."
    assert all_three.codes == {"test.who", "test.what"}
    assert not all_three.allowed


def test_all_of_joins_verdicts():
    joined = Verdict.all_of([Verdict(), Verdict.of(WHEN.refuse(state="a")), Verdict.of(WHEN.refuse(state="b"))])
    assert [reason.message for reason in joined.reasons] == ["It is a.", "It is b."]


def test_require_raises_with_the_verdict():
    with pytest.raises(Refused, match="It is live") as caught:
        Verdict.of(WHEN.refuse(state="live")).require()
    assert caught.value.verdict.codes == {"test.when"}
    Verdict().require()


def test_a_reason_names_its_field_only_where_there_is_one():
    assert WHAT.refuse(field="name").as_dict() == {
        "code": "test.what",
        "message": "name is too long.",
        "lifted_by": "You",
        "field": "name",
    }
    assert "field" not in WHEN.refuse(state="x").as_dict()


def test_a_code_is_never_given_to_another_rule(registry):
    assert Rule("test.when", "It is {state}.", "Time") == WHEN  # the same rule again, as a reload would make it
    with pytest.raises(ValueError, match=r"test\.when"):
        Rule("test.when", "Something else.", "Time")
    assert [rule.code for rule in verdict.registered_rules()] == ["test.what", "test.when", "test.who"]
