"""The rules of licensing: who adds a license, and when an acceptance counts."""

from __future__ import annotations

from accounts.roles import Actor, Role, Scope
from licensing.texts import is_storable
from rules import Kind, Rule, Verdict

TEXT_CHARACTERS = 200_000
RESERVED_KEYS = frozenset(
    {"acceptances", "check", "compare", "identify", "licensee", "lineage", "new", "openness", "spdx", "upstream"}
)

UNKNOWN_LICENSE = Rule(
    "licensing.unknown_license",
    "There is no license {key} in the catalog.",
    "A legal reviewer, by adding it",
    Kind.MISSING,
)
UNKNOWN_LISTED = Rule(
    "licensing.unknown_listed",
    "The SPDX license list has no license {id}.",
    "Nobody; the list is published by SPDX",
    Kind.MISSING,
)
UNKNOWN_VERSION = Rule(
    "licensing.unknown_version",
    "{name} has no such version.",
    "Nobody; open the license without a version",
    Kind.MISSING,
)
NOT_A_LEGAL_REVIEWER = Rule(
    "licensing.not_a_legal_reviewer",
    "Licenses are added by legal reviewers.",
    "An owner of an organization, by giving you the role",
    Kind.WHO,
)
WRITE_SCOPE_MISSING = Rule(
    "licensing.write_scope_missing",
    "The token may not be used to write.",
    "You, with a token that has the scope write",
    Kind.WHO,
)
NAME_MISSING = Rule(
    "licensing.name_missing", "Give the license a name of 1 to 200 characters.", "You, with a name", Kind.WHAT, "name"
)
NAME_WITHOUT_KEY = Rule(
    "licensing.name_without_key",
    "No key can be made of this name: it holds no letter or digit of the English alphabet.",
    "You, with a name that does",
    Kind.WHAT,
    "name",
)
VERSION_TOO_LONG = Rule(
    "licensing.version_too_long",
    "A version has at most 60 characters.",
    "You, with a shorter one",
    Kind.WHAT,
    "version",
)
TEXT_MISSING = Rule(
    "licensing.text_missing",
    "A license is added with its full text: it is what people accept.",
    "You, with the text",
    Kind.WHAT,
    "text",
)
TEXT_TOO_LONG = Rule(
    "licensing.text_too_long",
    "The text has {count} characters; {limit} are allowed.",
    "You, with a shorter one",
    Kind.WHAT,
    "text",
)
TEXT_NOT_STORABLE = Rule(
    "licensing.text_not_storable",
    "The text holds characters that cannot be stored.",
    "You, by removing control characters",
    Kind.WHAT,
    "text",
)
TERMS_MALFORMED = Rule(
    "licensing.terms_malformed", "The terms cannot be read: {problem}.", "You, by correcting them", Kind.WHAT, "terms"
)
BAD_CASE = Rule("licensing.bad_case", "This case cannot be judged: {problem}.", "You, by correcting it", Kind.WHAT)
BAD_KEY = Rule(
    "licensing.bad_key",
    "A key is made of lower-case letters, digits, “.”, “+” and “-”.",
    "You, with another key",
    Kind.WHAT,
    "key",
)
KEY_RESERVED = Rule(
    "licensing.key_reserved",
    "{key} is a word of our own addresses, and so no key of a license.",
    "You, with another name",
    Kind.WHAT,
    "name",
)
KEY_TAKEN = Rule(
    "licensing.key_taken",
    "The catalog has a license {key} already.",
    "You, with another name",
    Kind.WHAT,
    "name",
)
TEXT_KNOWN = Rule(
    "licensing.text_known",
    "This text is held already, as {name}.",
    "Nobody; use that license",
    Kind.WHAT,
    "text",
)
PERSON_NEEDED = Rule(
    "licensing.person_needed",
    "Terms are accepted by a person, not by a service account.",
    "A person who may bind themselves",
    Kind.WHO,
)
TEXT_NOT_HELD = Rule(
    "licensing.text_not_held",
    "The text of {name} is not held here, so that it cannot be accepted.",
    "A legal reviewer, by adding the license with its text",
)
TEXT_DIFFERS = Rule(
    "licensing.text_differs",
    "The text that you accepted is not the text of {name}; read it again.",
    "You, by reading and accepting the text sha256:{current}",
    Kind.WHAT,
    "license",
)


def may_add_license(actor: Actor, *, name: str, version: str, text: str) -> Verdict:
    """Whether `actor`, with their roles in all organizations, may add this license."""
    return Verdict.of(
        NOT_A_LEGAL_REVIEWER.unless(actor.is_system or Role.LEGAL_REVIEWER in actor.roles),
        WRITE_SCOPE_MISSING.unless(actor.may_use(Scope.WRITE)),
        NAME_MISSING.unless(1 <= len(name.strip()) <= 200 and is_storable(name)),
        VERSION_TOO_LONG.unless(len(version) <= 60 and is_storable(version)),
        TEXT_MISSING.unless(text.strip()),
        TEXT_TOO_LONG.unless(len(text) <= TEXT_CHARACTERS, count=len(text), limit=TEXT_CHARACTERS),
        TEXT_NOT_STORABLE.unless(is_storable(text)),
    )


def may_accept(*, name: str, current_sha256: str, seen_sha256: str, is_service: bool) -> Verdict:
    """Whether an acceptance of the text with this digest counts."""
    return Verdict.of(
        PERSON_NEEDED.unless(not is_service),
        TEXT_NOT_HELD.unless(current_sha256, name=name),
        TEXT_DIFFERS.unless(not current_sha256 or seen_sha256 == current_sha256, name=name, current=current_sha256),
    )
