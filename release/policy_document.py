"""What a release policy may say. Pure: refuses a document that names what does not exist, by its place in it."""

from __future__ import annotations

from accounts.roles import REVIEWER_ROLES
from registry.states import EvidenceKind, Level, Outcome
from rules import Kind, Refused, Rule

BAD_POLICY = Rule(
    "release.bad_policy", "The policy is refused at {place}: {problem}", "Whoever writes it, by mending it", Kind.WHAT
)


def check_document(document: object) -> None:
    """Raise Refused, naming the place, unless the document is a policy."""
    sections = _mapping(document, "the top", {"evidence", "approvals"}, needs_all=True)
    levels = {level.value for level in Level}
    for level, asked in _mapping(sections["evidence"], "evidence", levels, needs_all=True).items():
        kinds = {kind.value for kind in EvidenceKind}
        for kind, outcomes in _mapping(asked, f"evidence.{level}", kinds).items():
            _words(outcomes, f"evidence.{level}.{kind}", {Outcome.PASS.value, Outcome.WARN.value})
    for level, roles in _mapping(sections["approvals"], "approvals", levels, needs_all=True).items():
        _words(roles, f"approvals.{level}", {role.value for role in REVIEWER_ROLES})


def _mapping(value: object, place: str, known: set[str], *, needs_all: bool = False) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Refused.because(BAD_POLICY, place=place, problem="it is no mapping.")
    unknown = sorted(set(value) - known)
    if unknown:
        raise Refused.because(BAD_POLICY, place=place, problem=f"“{unknown[0]}” is unknown; there are {sorted(known)}.")
    missing = sorted(known - set(value)) if needs_all else []
    if missing:
        raise Refused.because(BAD_POLICY, place=place, problem=f"“{missing[0]}” is missing.")
    return value


def _words(value: object, place: str, known: set[str]) -> None:
    if not isinstance(value, list) or len(set(map(str, value))) != len(value):
        raise Refused.because(BAD_POLICY, place=place, problem="it is no list of different words.")
    for word in value:
        if word not in known:
            raise Refused.because(BAD_POLICY, place=place, problem=f"“{word}” is none of {sorted(known)}.")
