"""Countries and regions as license texts and cases name them.

Owns the member states of the European Union and what the names of regions hold. The Union is neither the European
Economic Area nor Europe: Norway, Switzerland and the United Kingdom are outside. Source: ISO 3166-1 (alpha-2 codes);
Treaty on European Union, article 52, as of 2020-02-01.
"""

from __future__ import annotations

MEMBER_STATES = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
COUNTRY_CODES = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO
    JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR
    MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO
    RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV
    TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
EU = frozenset(MEMBER_STATES.split())
EEA = EU | {"IS", "LI", "NO"}
COUNTRIES = frozenset(COUNTRY_CODES.split())
# Spellings that people use beside the code of ISO 3166.
SPELLINGS = {"UK": "GB", "EL": "GR", "USA": "US"}
# A seat may be told no closer than "somewhere in the Union", which is all that license texts ask.
SEATS = COUNTRIES | {"EU", *SPELLINGS}
REGIONS = {"EU": EU, "EUROPEAN UNION": EU, "EEA": EEA}
EVERYWHERE = frozenset({"WORLDWIDE", "WORLD", "GLOBAL", "EVERYWHERE"})


def countries_of(region: str) -> frozenset[str] | None:
    """The countries that the name of a region or country holds; None where the name is not known."""
    word = region.strip().upper()
    word = SPELLINGS.get(word, word)
    if word in EVERYWHERE:
        return COUNTRIES
    if word in REGIONS:
        return REGIONS[word]
    return frozenset({word}) if word in COUNTRIES else None


def excluded_countries(regions: tuple[str, ...]) -> frozenset[str]:
    """The countries that a license leaves out; a name that is not known stands for itself."""
    return frozenset(country for region in regions for country in countries_of(region) or {region.upper()})
