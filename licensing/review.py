"""The review of a checkpoint's license: what its card claims against the catalog and the license file. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from licensing.facts import Candidate, CardClaim, LicenseFile
from registry.states import Outcome

RULES_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found, in the words of findings: a check, a severity (block, warn, note), a sentence."""

    check: str
    severity: str
    message: str
    path: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding as reports hold it."""
        return {"check": self.check, "severity": self.severity, "message": self.message, "path": self.path}


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
    if file.identified_key in keys:
        named = next(candidate.name for candidate in meant if candidate.key == file.identified_key)
        return Finding("license.agrees", "note", f"Card and license file agree: {named}.", file.path)
    if file.identified_key:
        message = f"The card states {names}, but the license file is the text of {file.identified_key}."
        return Finding("license.contradiction", "block", message, file.path)
    if file.contains_keys & keys:
        message = f"The license file holds the text of {names} and other words beside it; a person must read them."
        return Finding("license.file_has_more", "warn", message, file.path)
    if all(candidate.has_text for candidate in meant):
        message = f"The card states {names}, but the license file is not its text."
        return Finding("license.contradiction", "block", message, file.path)
    message = f"The text of {names} is not held here, so that the license file could not be compared."
    return Finding("license.text_not_held", "warn", message, file.path)


def _said(claim: CardClaim, name: str) -> str:
    return f"{name}: {claim.license_name}" if name.lower() == "other" and claim.license_name else name
