"""Background work of licensing: the review of a checkpoint's license, which writes one row of evidence."""

from __future__ import annotations

from jobs import handler
from jobs.running import Lease
from licensing import selectors
from licensing.card import CARD_BYTES, BadCard, front_matter, words
from licensing.catalog import UNKNOWN_KEY, shipped
from licensing.facts import Candidate, CardClaim, LicenseFile
from licensing.identification import Match
from licensing.library import identify_file
from licensing.models import License
from licensing.review import RULES_VERSION, review
from licensing.terms import Certainty
from licensing.texts import is_storable, sha256_of
from registry.blobs import blob_store
from registry.models import Checkpoint, CheckpointFile
from registry.services.evidence import record_evidence
from registry.states import EvidenceKind

TOOL_VERSION = "2.0"
CARD = "README.md"
LICENSE_FILES = ("LICENSE", "LICENSE.md", "LICENSE.txt")
LICENSE_BYTES = 512 * 1024


@handler("licensing.review", queue="validate", unit="files", title="License review")
def review_license(lease: Lease) -> None:
    """Compare what a checkpoint's card says of its license with the catalog and with its license file."""
    checkpoint = Checkpoint.objects.get(pk=lease.subject_id)
    files = {file.path: file for file in checkpoint.files.select_related("blob").exclude(path__contains="/")}
    lease.report(0, 2, "reading the card")
    claim = read_claim(files.get(CARD))
    candidates = [_candidates(name, claim.license_name) for name in claim.licenses]
    lease.report(1, 2, "comparing the license file")
    found = read_license_file(files, claim)
    result = review(claim, [[_candidate(license) for license in group] for group in candidates], found)
    record_evidence(
        lease,
        checkpoint=checkpoint,
        kind=EvidenceKind.LICENSE,
        outcome=result.outcome,
        summary=result.summary,
        tool="imprimatur-licensing",
        tool_version=TOOL_VERSION,
        rules_version=f"{RULES_VERSION}, catalog of {shipped().as_of}",
        report={
            "card": {
                "license": list(claim.licenses),
                "license_name": claim.license_name,
                "license_link": claim.license_link,
            },
            "licenses": list(result.keys),
            "file": found.as_dict() if found else None,
            "findings": [finding.as_dict() for finding in result.findings],
        },
    )


def read_claim(card: CheckpointFile | None) -> CardClaim:
    """What a card says of its license, from its first bytes."""
    if card is None:
        return CardClaim(is_present=False)
    with blob_store().open(card.blob_id) as source:
        head = source.read(CARD_BYTES + 1)
    try:
        metadata = front_matter(head)
    except BadCard as problem:
        return CardClaim(problem=str(problem))
    return CardClaim(
        licenses=_sayable(metadata.get("license")),
        license_name=next(iter(_sayable(metadata.get("license_name"))), ""),
        license_link=next(iter(_sayable(metadata.get("license_link"))), ""),
    )


def read_license_file(files: dict[str, CheckpointFile], claim: CardClaim) -> LicenseFile | None:
    """The license file at the root: the one that the card links to, else the first of the usual names."""
    path = next((name for name in (claim.license_link, *LICENSE_FILES) if name in files and name != CARD), None)
    if path is None:
        return None
    file = files[path]
    if file.blob.size_bytes > LICENSE_BYTES:
        return LicenseFile(path, file.blob_id, is_readable=False)
    with blob_store().open(file.blob_id) as source:
        raw = source.read(LICENSE_BYTES)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return LicenseFile(path, file.blob_id, is_readable=False)
    return identified_file(path, text.replace("\r\n", "\n"))


def identified_file(path: str, text: str) -> LicenseFile:
    """A license file with what its text is."""
    found = identify_file(text)
    own = frozenset(one.key for one in found.held if not one.is_listed)
    nobody: frozenset[str] = frozenset()
    return LicenseFile(
        path,
        sha256_of(text),
        match=found.match,
        identified_keys=own if found.is_settled else nobody,
        contains_keys=own if found.match is Match.CONTAINED else nobody,
        near_keys=own if found.match is Match.CHANGED else nobody,
        names=tuple(one.name for one in found.held) if found.match is not Match.UNKNOWN else (),
        similarity=found.similarity,
        changes=found.changes,
        hunks=tuple(_storable(hunk.as_dict()) for hunk in found.hunks),
        notices=tuple(notice for notice in found.notices if is_storable(notice)),
    )


def _storable(hunk: dict[str, str]) -> dict[str, str]:
    return {side: text.replace("\x00", "\ufffd") for side, text in hunk.items()}


def _candidates(name: str, license_name: str) -> list[License]:
    return selectors.licenses_in_card(name, license_name)


def _candidate(license: License) -> Candidate:
    version = selectors.current_version(license)
    return Candidate(
        key=license.key,
        name=license.name,
        has_text=version.has_text,
        is_solid=Certainty(version.certainty).is_solid,
        is_unknown=license.key == UNKNOWN_KEY,
    )


def _sayable(value: object) -> tuple[str, ...]:
    """Words of the card, short enough to repeat and free of what the database cannot hold."""
    return tuple(word[:200] for word in words(value)[:10] if is_storable(word))
