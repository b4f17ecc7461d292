"""Territories: the licensee's seat, or where a release is used and passed on, held against regions left out.

Owns the two tests, which differ: a seat is where the licensee is, whoever downloads; a place of use is where the
release goes, wherever the licensee sits.
"""

from __future__ import annotations

from licensing.engine.actors import is_end_user
from licensing.engine.case import Disclosure
from licensing.engine.doubts import Side
from licensing.engine.findings import Findings, Setting
from licensing.engine.reach import Reach, Strand
from licensing.engine.regions import COUNTRIES, REGIONS, countries_of, excluded_countries

TEXT_ONLY = frozenset({"text", "language", "code"})
# What a version of a license covers, where that is settled for all its models. Sources: the model cards; for 3.3 Meta
# staff in discussion 35 of Llama-3.3-70B-Instruct; Llama 4 is natively multimodal, also where it is used for text only.
ALL_MULTIMODAL = frozenset({"llama4"})
ALL_TEXT = frozenset({"llama3.3"})


def check_territory(strand: Strand, setting: Setting, findings: Findings) -> bool | None:
    """Hold seat or territory against the regions left out; True where inside, None where nobody knows."""
    territory = strand.license.terms.territory
    if territory is None or not concerns(strand):
        return True
    actor, left_out = setting.case.actor, excluded_countries(territory.excluded_regions)
    regions = _in_words(territory.excluded_regions)
    if strand.reach == Reach.OUTPUTS and territory.covers_outputs is not True:
        return True
    if territory.is_end_user_exempt and is_end_user(actor):
        return True
    if territory.test == "place_of_use_or_distribution":
        return _by_place(strand, setting, findings, left_out, regions)
    if not actor.seat:
        findings.ask("CF-GEO", strand, f"Where is the licensee seated? Those seated in {regions} get no rights.")
        return None
    if not (countries_of(actor.seat) or frozenset()) & left_out:
        return True
    if is_multimodal(strand) is None:
        findings.ask("CF-GEO", strand, f"Is it multimodal? Then a licensee seated in {regions} gets no rights.")
        return None
    findings.violate(
        "CF-GEO",
        strand,
        f"Licensees seated in {regions} get no rights in its multimodal models; the seat is {actor.seat}.",
        "Use a text-only parent or another license, or let a licensee seated elsewhere hold the rights.",
        side=Side.TERRITORY,
    )
    return False


def concerns(strand: Strand) -> bool:
    """Whether the license's territory concerns this parent at all; a parent of unknown modality is concerned."""
    territory = strand.license.terms.territory
    return territory is not None and (territory.applies_to != "multimodal_models" or is_multimodal(strand) is not False)


def is_multimodal(strand: Strand) -> bool | None:
    """Whether a rule for multimodal models meets this parent."""
    territory = strand.license.terms.territory
    if territory is None or territory.applies_to != "multimodal_models" or strand.license.key in ALL_MULTIMODAL:
        return True
    modality = strand.parent.modality
    if not modality:
        return False if strand.license.key in ALL_TEXT else None
    return modality not in TEXT_ONLY


def _by_place(
    strand: Strand, setting: Setting, findings: Findings, left_out: frozenset[str], regions: str
) -> bool | None:
    named = setting.case.release.territory
    seat = setting.case.actor.seat
    message = f"It may not be used or passed on in {regions}, nor may what it made."
    fix = f"Leave {regions} out of the territory, or use another parent."
    if setting.case.release.disclosure == Disclosure.INTERNAL and named is None and seat:
        named = (seat,)  # what stays inside is used where the actor is
    if named is None:
        findings.ask("CF-GEO", strand, f"Where does the release go? It may not be used or passed on in {regions}.")
        return None
    known = [countries_of(region) for region in named]
    met = frozenset(country for countries in known if countries for country in countries) & left_out
    if met:
        where = "everywhere" if len(met) >= len(left_out) else ", ".join(sorted(met))
        findings.violate("CF-GEO", strand, f"{message} The release goes to {where}.", fix, side=Side.TERRITORY)
        return False
    if None in known:
        unknown = ", ".join(region for region, countries in zip(named, known, strict=True) if countries is None)
        findings.ask("CF-GEO", strand, f"{message} Does “{unknown}” hold any of these?")
        return None
    if seat and (countries_of(seat) or COUNTRIES) & left_out:
        findings.ask("CF-GEO", strand, f"{message} The actor sits in {seat}: is it used there?")
        return None
    return True


def _in_words(regions: tuple[str, ...]) -> str:
    return ", ".join(f"the {region}" if region in REGIONS else region for region in regions)
