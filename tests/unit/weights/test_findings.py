"""Checks, findings and the verdict they give."""

from __future__ import annotations

import pytest

from weights import CHECKS, Finding, Severity, Verdict, catalog
from weights.catalog.files import FS_NAME
from weights.findings import EVIDENCE_LIMIT, printable, verdict_of


def finding(severity: Severity) -> Finding:
    return Finding("X", severity, "a", "m")


@pytest.mark.parametrize(
    ("severities", "verdict"),
    [
        ([], Verdict.PASS),
        ([Severity.NOTE], Verdict.PASS),
        ([Severity.NOTE, Severity.WARN], Verdict.WARN),
        ([Severity.WARN, Severity.BLOCK, Severity.NOTE], Verdict.BLOCK),
    ],
)
def test_verdict_is_the_worst_finding(severities: list[Severity], verdict: Verdict) -> None:
    assert verdict_of(map(finding, severities)) is verdict


def test_finding_round_trip() -> None:
    full = FS_NAME.at("a", "m", tensor="t", offset=3, evidence="e")
    assert Finding.from_json(full.to_json()) == full
    assert Finding.from_json(finding(Severity.WARN).to_json()) == finding(Severity.WARN)


def test_text_from_a_file_is_made_harmless() -> None:
    found = FS_NAME.at("a", "m", evidence="red\x1b[31m\u202e" + "x" * 1000, tensor="a\nb")
    assert found.evidence is not None
    assert found.evidence.startswith("red\\x1b[31m\\u202exxx")
    assert len(found.evidence) == EVIDENCE_LIMIT
    assert found.tensor == "a\\nb"


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("\n\n", 3, "\\n…"), ("\ud800", 10, "\\ud800")],
)
def test_printable(text: str, limit: int, shown: str) -> None:
    assert printable(text, limit) == shown


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.id)
def test_every_check_says_what_it_means_and_what_to_do(check) -> None:  # type: ignore[no-untyped-def]
    assert check.title
    assert not check.title.endswith(".")
    assert check.meaning.endswith((".", ".)"))
    assert check.fix.endswith(".")
    assert check.id == check.id.upper()


def test_an_id_belongs_to_one_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "GROUPS", (*catalog.GROUPS, catalog.GROUPS[0]))
    with pytest.raises(ValueError, match="two checks"):
        catalog._collect()
