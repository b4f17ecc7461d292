"""The review of a checkpoint's license: what its card claims against the catalog and the license file. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from licensing.facts import Candidate, CardClaim, LicenseFile
from licensing.identification import Match
from registry.states import Outcome

RULES_VERSION = "2"
HUNKS_TOLD, WORDS_TOLD = 6, 300


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found, in the words of findings: a check, a severity (block, warn, note), a sentence."""

    check: str
    severity: str
    message: str
    path: str = ""
    evidence: str = ""
    fix: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding as reports hold it."""
        said = {"check": self.check, "severity": self.severity, "message": self.message, "path": self.path}
        more = {"evidence": self.evidence, "fix": self.fix}
        return said | {name: text for name, text in more.items() if text}


@dataclass(frozen=True, slots=True)
class Review:
    """All findings, and the outcome that follows from them."""

    findings: tuple[Finding, ...]
    keys: tuple[str, ...]

    @property
    def outcome(self) -> Outcome:
        """Fail where something blocks, warn where a person should look, else pass."""
        severities = {finding.severity for finding in self.findings}
        if "block" in severities:
            return Outcome.FAIL
        return Outcome.WARN if "warn" in severities else Outcome.PASS

    @property
    def summary(self) -> str:
        """The gravest findings in one line."""
        for severity in ("block", "warn", "note"):
            said = [finding.message for finding in self.findings if finding.severity == severity]
            if said:
                return " ".join(said)[:500]
        return ""


def review(claim: CardClaim, candidates: Sequence[Sequence[Candidate]], file: LicenseFile | None) -> Review:
    """Judge the claim; `candidates` holds, for each claimed license, those of the catalog that it can mean."""
    card = _card_fault(claim)
    if card is not None:
        return Review((card,), ())
    unknown = [
        Finding(
            "license.unknown",
            "block",
            f"The card's license “{_said(claim, name)}” is not in the catalog.",
            "README.md",
        )
        for name, meant in zip(claim.licenses, candidates, strict=True)
        if not meant or all(candidate.is_unknown for candidate in meant)
    ]
    if unknown:
        return Review(tuple(unknown), ())
    meant = [candidate for group in candidates for candidate in group]
    keys = tuple(candidate.key for candidate in meant)
    findings = [*_several(claim), *_doubtful(meant), _file(claim, meant, file)]
    return Review(tuple(findings), keys)


def _card_fault(claim: CardClaim) -> Finding | None:
    if not claim.is_present:
        return Finding("license.no_card", "block", "There is no README.md that could state a license.")
    if claim.problem:
        return Finding(
            "license.bad_card", "block", f"The license cannot be read from the card: {claim.problem}.", "README.md"
        )
    if not claim.licenses:
        return Finding("license.not_stated", "block", "The card states no license.", "README.md")
    return None


def _several(claim: CardClaim) -> list[Finding]:
    if len(claim.licenses) == 1:
        return []
    said = ", ".join(claim.licenses)
    message = f"The card states several licenses ({said}); a person must say which covers the weights."
    return [Finding("license.several", "warn", message, "README.md")]


def _doubtful(meant: Sequence[Candidate]) -> list[Finding]:
    return [
        Finding(
            "license.terms_uncertain",
            "warn",
            f"What {candidate.name} demands is known only in part; a person must read it.",
        )
        for candidate in meant
        if not candidate.is_solid
    ]


def _file(claim: CardClaim, meant: Sequence[Candidate], file: LicenseFile | None) -> Finding:
    names = " or ".join(candidate.name for candidate in meant)
    if file is None:
        return Finding(
            "license.file_absent", "warn", f"The card states {names}, but there is no license file to compare."
        )
    if not file.is_readable:
        return Finding("license.file_unreadable", "warn", "The license file is too large or no text.", file.path)
    keys = {candidate.key for candidate in meant}
    found = " or ".join(file.names)
    if file.identified_keys and file.identified_keys <= keys:
        named = " or ".join(candidate.name for candidate in meant if candidate.key in file.identified_keys)
        return Finding("license.agrees", "note", f"Card and license file agree: {named}.", file.path)
    if file.match in {Match.EXACT, Match.FORM}:
        message = f"The card states {names}, but the license file is the text of {found}."
        return Finding("license.contradiction", "block", message, file.path)
    if file.contains_keys & keys:
        message = f"The license file holds the text of {names} and other words beside it; a person must read them."
        return Finding("license.file_has_more", "warn", message, file.path, _told(file))
    if file.near_keys & keys:
        return _changed(names, file)
    near = f" It is nearest to {found}: {file.similarity:.1%} of the words agree." if file.names else ""
    if all(candidate.has_text for candidate in meant):
        message = f"The card states {names}, but the license file is not its text.{near}"
        return Finding("license.contradiction", "block", message, file.path, _told(file))
    message = f"The text of {names} is not held here, so that the license file could not be compared.{near}"
    return Finding("license.text_not_held", "warn", message, file.path)


def _changed(names: str, file: LicenseFile) -> Finding:
    places = "one place" if file.changes == 1 else f"{file.changes} places"
    return Finding(
        "license.text_changed",
        "block",
        f"The license file is a changed text of {names}: {file.similarity:.1%} of the words agree, {places} differ.",
        file.path,
        _told(file),
        "Ship the text unchanged, or have a legal reviewer add the changed text as a license of its own.",
    )


def _told(file: LicenseFile) -> str:
    """The first changes as lines that begin with a sign; the page of the evidence shows them all."""
    lines = []
    for hunk in file.hunks[:HUNKS_TOLD]:
        lines += [f"{sign} {_line(hunk[side])}" for sign, side in (("-", "gone"), ("+", "new")) if hunk[side]]
    left = file.changes - min(len(file.hunks), HUNKS_TOLD)
    return "\n".join([*lines, f"and {left} more"] if left > 0 and lines else lines)


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WORDS_TOLD else f"{line[:WORDS_TOLD]}…"


def _said(claim: CardClaim, name: str) -> str:
    return f"{name}: {claim.license_name}" if name.lower() == "other" and claim.license_name else name
