"""Whether it is established under which license a parent is, and whether its card says the same.

Owns the comparison of claim and truth. A Hub word names a family of texts; it agrees with every text of the family.
"""

from __future__ import annotations

from licensing.engine.book import UNRECORDED_KEY, KnownLicense
from licensing.engine.doubts import Side
from licensing.engine.findings import Findings, Setting
from licensing.engine.reach import Strand

# Code and weights under two licenses. Source: deepseek-ai/DeepSeek-V3, LICENSE-CODE and LICENSE-MODEL.
CODE_LICENSES: dict[str, frozenset[str]] = {"deepseek-1.0": frozenset({"mit"})}


def check_identity(strand: Strand, setting: Setting, findings: Findings) -> None:
    """A license that nobody established, or that the parent's card contradicts."""
    license = strand.license
    if license.is_unknown:
        _unknown(strand, findings)
        return
    claim = strand.parent.declared_in_card.strip()
    if not claim or claim.lower() == strand.parent.license.lower():
        return
    claimed = setting.book.find(claim)
    if claimed == license or (claimed is None and claim.lower() in _names(license)):
        return
    findings.violate(
        "CF-METADATA-MISMATCH",
        strand,
        f"Its card claims “{claim}”, but its license is {license.name}.",
        "Follow the license, state it in your own card, and have the upstream claim corrected.",
        side=Side.IDENTITY,
    )
    if (claimed.key if claimed else claim.lower()) in CODE_LICENSES.get(license.key, ()):
        findings.violate(
            "CF-CODE-WEIGHTS-SPLIT",
            strand,
            f"“{claim}” covers the code of it; the weights are under {license.name}.",
            "Follow the license of the weights for the weights, and that of the code for the code.",
            side=Side.IDENTITY,
        )


def _unknown(strand: Strand, findings: Findings) -> None:
    if strand.license.key == UNRECORDED_KEY:
        findings.ask("CF-UNKNOWN-LICENSE", strand, "Nobody recorded under which license it is; which one is it?")
        return
    if not strand.binds:
        findings.ask("CF-UNKNOWN-LICENSE", strand, "Under which license is it, and does that reach this release?")
        return
    findings.violate(
        "CF-UNKNOWN-LICENSE",
        strand,
        "No license of it is established; without one, nothing is granted.",
        "Establish the license by its text at the revision used, or ask the author for one.",
        side=Side.IDENTITY,
    )


def _names(license: KnownLicense) -> set[str]:
    """Words by which a card rightly calls a license, beside its key."""
    names = {license.spdx_id, license.hub_license, license.hub_license_name}
    return {name.lower() for name in names if name}
