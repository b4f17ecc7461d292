"""What licenses along an item's lineage ask of its publication: what is made for it, and what still stands open.

Owns the way from a release item to the license engine and back. The engine judges; packaging writes what is made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from licensing.engine import Assessment, Duties, Edge, Proposal, Verdict
from licensing.engine.case import SHIPPABLE
from licensing.engine.publication import NOTICE, missing_lines, with_notices
from licensing.engine.relicensing import dropped_by
from licensing.lineage_reads import Demands, demands_on
from registry.states import Level, Relation
from release.card import split_card
from release.facts import LineageFacts
from release.models import ReleaseItem

HEADING = "## License notices"


@dataclass(frozen=True, slots=True)
class Made:
    """What is made for a publication: files by path, and sentences for the end of its card."""

    files: Mapping[str, str]
    lines: tuple[str, ...]


def demands_of(item: ReleaseItem, card: str) -> Demands | None:
    """What the lineage of an item demands as its draft says it leaves; None where nothing of others is in it.

    The uploaded card may name parents as well; raises BadCard where it cannot be read.
    """
    if item.level == Level.HELD_BACK:
        return None
    return demands_on(
        item.variant,
        level=Level(item.level),
        license_version=item.license_version,
        declared=declared_parents(split_card(card)[0]),
    )


def declared_parents(metadata: Mapping[str, object]) -> list[Edge]:
    """The parents that a card's metadata name; how they were used is unknown where it does not say so."""
    declared, said = metadata.get("base_model"), metadata.get("base_model_relation")
    names = [declared] if isinstance(declared, str) else declared if isinstance(declared, list) else []
    relation = Relation(said) if said in set(Relation) else None
    return [Edge(name, relation) for name in dict.fromkeys(names) if isinstance(name, str) and name.strip()]


def made_for(duties: Duties, *, card: str, held: Mapping[str, str], own_license: str) -> Made:
    """What is missing of the duties and can be made; `held` are the small texts of the checkpoint, by path.

    The copy of a license is missing where neither its own file nor the release's license file is its text.
    """
    files = {
        file.path: file.text
        for file in duties.files
        if file.text and file.path not in held and not _is_text(file.text, [*held.values(), own_license])
    }
    notice = with_notices(held.get(NOTICE, ""), duties.notices)
    if notice != held.get(NOTICE, ""):
        files[NOTICE] = notice
    return Made(files, missing_lines(card, duties.card_lines))


def with_lines(card: str, lines: tuple[str, ...]) -> str:
    """The card with prescribed sentences at its end; the card itself where there are none to add."""
    if not lines:
        return card
    heading = "" if HEADING in card else f"{HEADING}\n\n"
    return f"{card.rstrip()}\n\n{heading}" + "\n".join(f"- {line}" for line in lines) + "\n"


def facts_of_lineage(demands: Demands, *, card: str, held: Mapping[str, str]) -> LineageFacts:
    """How the demands stand against the texts that leave."""
    absent = [file for file in demands.duties.files if not _is_shipped(file.path, file.text, held)]
    proposed = _proposal(demands, card=card, held=held, is_copied=not absent)
    found = demands.shipping(proposed)
    open_points = [f"{file.why} Its text is not held here: add it as {file.path}." for file in absent]
    return LineageFacts(
        verdict=found.verdict.value,
        against=tuple(f"{one.message} {one.fix}" for one in found.violations),
        questions=tuple(f"{one.origin}: {one.text}" if one.origin else one.text for one in found.questions),
        missing=tuple(open_points),
        owed=_owed(found),
    )


def _proposal(demands: Demands, *, card: str, held: Mapping[str, str], is_copied: bool) -> Proposal:
    """The proposal with what is seen to leave; what texts don't show stays unknown."""
    duties = demands.duties
    ships: dict[str, bool | None] = dict.fromkeys(SHIPPABLE)
    ships |= {
        "license_copy": is_copied,
        "display": not missing_lines(card, duties.display),
        "state_changes": True if not missing_lines(card, duties.sentences) else None,
        "attribution": True if not missing_lines(card, duties.sentences) else None,
        "aup_flowdown": True if _carries_restrictions(demands) else None,
    }
    shown = {"notice": (held.get(NOTICE, ""),), "display": (card,)}
    return replace(demands.case.proposed, ships=ships, ships_text=shown)


def _carries_restrictions(demands: Demands) -> bool:
    """Whether the release's own license passes on every use restriction, as an enforceable term."""
    ours = demands.book.find(demands.case.proposed.license)
    owed = {one.origin.license_key for one in demands.assessment.obligations if one.id == "OB-AUP-FLOWDOWN"}
    return ours is not None and all(not dropped_by(ours, demands.book.licenses[key]) for key in owed)


def _owed(found: Assessment) -> int:
    return len(found.obligations) if found.verdict != Verdict.ALLOW else 0


def _is_shipped(path: str, text: str, held: Mapping[str, str]) -> bool:
    return bool(held.get(path, "").strip()) or _is_text(text, list(held.values()))


def _is_text(text: str, others: list[str]) -> bool:
    """Whether one of the texts is this one, whatever its line breaks."""
    return bool(text) and any(other.split() == text.split() for other in others)
