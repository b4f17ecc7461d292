"""Worked cases of openness: what is disclosed, what must come out, and the source that says so.

A case says only what matters for it; `mof`, `osaid`, `eu` and `label` are compared where they are named. Components are
written by letters so that a case fits a line: each letter stands for one component of the framework (see `LETTERS`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from licensing.openness.framework import Part

LETTERS = {
    "A": Part.ARCHITECTURE, "W": Part.PARAMETERS, "R": Part.EVALUATION_RESULTS, "C": Part.MODEL_CARD,
    "D": Part.DATA_CARD, "T": Part.TECHNICAL_REPORT, "S": Part.SAMPLE_OUTPUTS, "t": Part.TRAINING_CODE,
    "i": Part.INFERENCE_CODE, "e": Part.EVALUATION_CODE, "E": Part.EVALUATION_DATA, "L": Part.LIBRARIES,
    "X": Part.DATASETS, "p": Part.PREPROCESSING_CODE, "w": Part.INTERMEDIATE_PARAMETERS, "P": Part.RESEARCH_PAPER,
    "M": Part.METADATA,
}  # fmt: skip
III, II, FIRST, ALL = "AWRCDT", "AWRCDTtieE", "AWRCDTtieEXpwP", "AWRCDTStieELXpwPM"
TOOL = "Model Openness Tool, test data and expected results"
EVALUATOR = "Model Openness Tool, ModelEvaluator"
FRAMEWORK = "Model Openness Framework 1.0"
CHECKLIST = "Open Source AI Definition 1.0, checklist"
DEFINITION = "Open Source AI Definition 1.0"
GUIDELINES = "Guidelines on general-purpose AI models, 4.2"
ARTICLES = "Regulation (EU) 2024/1689, Articles 51, 53, 54"


@dataclass(frozen=True)
class Case:
    """One row: its name, its source, what is given, what is expected."""

    name: str
    source: str
    given: dict[str, Any]
    mof: int | None = None
    blockers: str | None = None
    progress: tuple[int, int] | None = None
    osaid: str | None = None
    missing: tuple[str, ...] | None = None
    eu: str | None = None
    label: str | None = None


def parts(letters: str, license: str | None = "apache-2.0", **own: str | None) -> dict[str, str | None]:
    """Components by their letters, all under one license, or each under its own."""
    return {LETTERS[letter].value: own.get(letter, license) for letter in letters + "".join(own)}


def told(description: str = "full", public: bool | None = True, third: bool | None = True) -> dict[str, Any]:
    """What is told of the data."""
    return {"description": description, "public_data_list": public, "third_party_data_list": third}


EXEMPT = {
    "training_flop": 1e24, "weights_architecture_usage_public": True, "monetisation": "none", "gating": "none",
    "license_family": "permissive",
}  # fmt: skip


def eu(**changed: Any) -> dict[str, Any]:
    """A release that is exempt but for what is changed."""
    return {"components": parts("W"), "eu": EXEMPT | changed}


def _mof(name: str, source: str, mof: int, blockers: str | None = None, **given: Any) -> Case:
    progress = given.pop("progress", None)
    return Case(name, source, given, mof=mof, blockers=blockers, progress=progress)


CLASSES = [
    _mof("nothing at all", FRAMEWORK, 0, III, components={}),
    _mof("no list of components", FRAMEWORK, 0, III),
    _mof("all six of class III", FRAMEWORK, 3, "tieE", components=parts(III)),
    _mof("five of six", FRAMEWORK, 0, "R", components=parts("AWCDT")),
    _mof("all ten of class II", FRAMEWORK, 2, "XpwP", components=parts(II)),
    _mof("nine of ten", FRAMEWORK, 3, "E", components=parts("AWRCDTtie")),
    _mof("all fourteen of class I", FRAMEWORK, 1, "", components=parts(FIRST)),
    _mof("everything", FRAMEWORK, 1, "", components=parts(ALL)),
    _mof("no checkpoints from within training", FRAMEWORK, 2, "w", components=parts("AWRCDTtieEXpP")),
    _mof("optional ones absent change nothing", FRAMEWORK, 1, "", components=parts(FIRST)),
    _mof("optional ones alone make no class", FRAMEWORK, 0, III, components=parts("SLM")),
    _mof("higher components don't replace lower ones", FRAMEWORK, 0, "C", components=parts("AWRDTtieEXpwP")),
    _mof("a paper for the report, class III", EVALUATOR, 3, "tieE", components=parts("AWRCDP")),
    _mof("a paper for the report, class II", EVALUATOR, 2, "Xpw", components=parts("AWRCDPtieE")),
    _mof("a paper for the report, class I", EVALUATOR, 1, "", components=parts("AWRCDPtieEXpw")),
    _mof("a report does not stand in for the paper", FRAMEWORK, 2, "P", components=parts("AWRCDTtieEXpw")),
    _mof("a closed paper does not stand in", EVALUATOR, 0, "T", components=parts("AWRCD", P="cc-by-nc-4.0")),
    _mof("an open paper for a closed report", EVALUATOR, 3, "tieE", components=parts("AWRCDP", T="cc-by-nc-nd-4.0")),
    _mof("an unlicensed component does not count", EVALUATOR, 0, "C", components=parts(III, C="unlicensed")),
    _mof("unlicensed does not inherit", EVALUATOR, 0, "W", components=parts("ARCDT", None, W="unlicensed"),
         global_licenses={"distribution": "mit"}),
    _mof("null inherits by content type", EVALUATOR, 3, "tieE", components=parts(III, None),
         global_licenses={"code": "mit", "data": "cc0-1.0", "document": "cc-by-4.0"}),
    _mof("null inherits from the distribution", EVALUATOR, 3, "tieE", components=parts(III, None),
         global_licenses={"distribution": "openmdw-1.0"}),
    _mof("the type's license goes before the distribution's", EVALUATOR, 0, "W", components=parts(III, None),
         global_licenses={"distribution": "mit", "data": "cc-by-nc-4.0"}),
    _mof("its own license goes before all", EVALUATOR, 3, "tieE", components=parts("ARCDT", None, W="cc-by-4.0"),
         global_licenses={"distribution": "mit", "data": "cc-by-nc-4.0"}),
    _mof("null without any license", EVALUATOR, 0, III, components=parts(III, None)),
    _mof("a license for code covers no documents", EVALUATOR, 0, "WRCDT", components=parts(III, None),
         global_licenses={"code": "mit"}),
    _mof("an inherited license that is absent", EVALUATOR, 0, III, components=parts(III, None),
         global_licenses={"code": None}),
    _mof("a software license on weights counts", EVALUATOR, 3, None, components=parts("ARCDT", "cc-by-4.0", W="mit")),
    _mof("a document's license on code counts", EVALUATOR, 3, None, components=parts(III, "cc-by-4.0")),
    _mof("OpenMDW 1.0 counts", EVALUATOR, 3, None, components=parts(III, "openmdw-1.0")),
    _mof("OpenMDW 1.1 is not on the tool's list", EVALUATOR, 0, III, components=parts(III, "openmdw-1.1")),
    _mof("Llama 3.1 is not open", EVALUATOR, 0, "W", components=parts("ARCDT", W="llama3.1")),
    _mof("RAIL is not open", EVALUATOR, 0, "W", components=parts("ARCDT", W="bigscience-openrail-m")),
    _mof("Gemma is not open", EVALUATOR, 0, "W", components=parts("ARCDT", W="gemma-terms-2025-03-24")),
    _mof("own terms are not open", EVALUATOR, 0, "W", components=parts("ARCDT", W="proprietary")),
    _mof("a license nobody knows is not open", EVALUATOR, 0, "W", components=parts("ARCDT", W="acme-eula-7")),
    _mof("an SPDX identifier in any case", "SPDX 3.0.1, license identifiers", 3, None,
         components=parts(III, "APACHE-2.0")),
    _mof("a choice of licenses", "SPDX 3.0.1, annex on license expressions", 3, None,
         components=parts(III, "MIT OR LicenseRef-acme")),
    _mof("licenses that hold together", "SPDX 3.0.1, annex on license expressions", 0, III,
         components=parts(III, "MIT AND CC-BY-NC-4.0")),
    _mof("an exception adds permissions", "SPDX 3.0.1, annex on license expressions", 3, None,
         components=parts(III, "Apache-2.0 WITH LLVM-exception")),
    _mof("data under an agreement for internal training", "NVIDIA data agreement of 2025-08-15", 2, "X",
         components=parts("AWRCDTtieEpwP", X="nvidia-data-training-2025")),
    _mof("unlicensed data sets: the tool refuses them", EVALUATOR, 2, "X",
         components=parts("AWRCDTtieEpwP", X="unlicensed")),
    _mof("a data card within the model card", FRAMEWORK, 3, "tieE", components=parts("AWRCT"),
         facts={"data_card_included_in": "Model card"}),
    _mof("a data card within a card that is closed", FRAMEWORK, 0, "CD", components=parts("AWRT", C="cc-by-nc-4.0"),
         facts={"data_card_included_in": "Model card"}),
    _mof("a data card within a report that is absent", FRAMEWORK, 0, "DT", components=parts("AWRC"),
         facts={"data_card_included_in": "Technical report"}),
    _mof("results within the report", FRAMEWORK, 3, "tieE", components=parts("AWCDT"),
         facts={"evaluation_results_included_in": "Technical report"}),
    _mof("results within an unlicensed paper", FRAMEWORK, 0, "R", components=parts("AWCDT", P="unlicensed"),
         facts={"evaluation_results_included_in": "Research paper"}),
    _mof("a stub is no data card", FRAMEWORK, 0, "D", components=parts(III), facts={"data_card_is_stub": True}),
    _mof("a claimed class counts for nothing", "Model Openness Tool, issue 80", 0, "R", components=parts("AWCDT"),
         facts={"claimed_class": "I"}),
    _mof("a card that declares less than the entry", "Model Openness Tool, issue 80", 0, "W", components=parts(III),
         facts={"declared_weights_license": "llama3"}),
    _mof("a card that declares more than the license", "Model Openness Tool, issue 80", 0, "W",
         components=parts("ARCDT", W="cc-by-nc-4.0"), facts={"declared_weights_license": "apache-2.0"}),
    _mof("a declared license is no license file", "Model Openness Tool, issue 80", 0, "W",
         components=parts("ARCDT", W=None), facts={"declared_weights_license": "apache-2.0"}),
]  # fmt: skip

# The tool's own records; `progress` is how many of class III's six components its expected results count.
RECORDS = [
    _mof("record 1", TOOL, 0, progress=(2, 6), components=parts("XDP", None),
         global_licenses={"distribution": "CC-BY-SA-4.0", "data": "CC0-1.0"}),
    _mof("record 2", TOOL, 0, "R", progress=(5, 6), components=parts("AptieLWwXEMSCDT", None),
         global_licenses={"distribution": "AFL-3.0", "code": "Apache-1.0", "document": "CC-BY-SA-4.0"}),
    _mof("record 3", TOOL, 2, "Xpw", progress=(6, 6),
         components=parts("", A="MIT", t="AFL-3.0", i="NCSA", e="ECL-1.0", L="Apache-2.0", W="CC-BY-3.0-NL",
                          E="CC-BY-3.0-US", C="CC-BY-SA-3.0", D="CC-BY-4.0", P="CC-BY-SA-3.0", R="CC-BY-4.0"),
         global_licenses={"document": "CC0-1.0"}),
    _mof("record 5", TOOL, 2, "XpwP", progress=(6, 6),
         components=parts("", A="Apache-2.0", t="ECL-1.0", i="AFL-1.1", e="MIT-0", L="UPL-1.0", W="CC-BY-3.0-DE",
                          E="ODC-By-1.0", C="CC0-1.0", D="CC-BY-SA-4.0", T="CC0-1.0", R="CC-BY-SA-4.0")),
    _mof("record 7", TOOL, 0, progress=(1, 6), components=parts("", e="Motosoto", M="xinetd", P="IPL-1.0"),
         global_licenses={"distribution": "CC-BY-SA-3.0", "code": "AFL-1.1"}),
    _mof("record 9", TOOL, 3, "tieE", progress=(6, 6),
         components=parts("", A="MIT-0", W="CC-BY-2.0", C="CC-BY-4.0", D="CC-BY-SA-4.0", T="CC-BY-4.0", R="CC0-1.0")),
    _mof("record 10", TOOL, 0, progress=(0, 6), components=parts("AptieLWwXEMSDTPR", None)),
    _mof("record 11", TOOL, 0, progress=(1, 6),
         components=parts("", A="CC-BY-NC-2.5", p="MIT", e="NCSA", W="CC-BY-SA-3.0-AT", w="CC-BY-SA-3.0", E="CC-PDDC",
                          M="GFDL-1.3", S="ADSL", D="BSD-4.3TAHOE", T="Net-SNMP", R="Soundex"),
         global_licenses={"code": "0BSD", "document": "CC0-1.0"}),
    _mof("record 12", TOOL, 0, "RCDT", progress=(2, 6), components=parts("AptieWwSDR", None),
         global_licenses={"code": "NCSA", "data": "CC-BY-SA-4.0"}),
    _mof("record 15", TOOL, 3, "tieE", progress=(6, 6),
         components=parts("", A="Apache-1.0", W="ODbL-1.0", C="CC-BY-4.0", D="CC0-1.0", P="CC-BY-4.0", R="CC0-1.0")),
    _mof("record 17", TOOL, 1, "", progress=(6, 6),
         components=parts("", A="AFL-1.2", p="AFL-2.1", t="ISC", i="AFL-1.1", e="AFL-3.0", L="AFL-2.1",
                          W="CC-BY-SA-4.0", w="CC-BY-3.0-US", X="CC-BY-3.0-NL", E="CC-BY-3.0-NL", S="CC0-1.0",
                          C="CC-BY-SA-3.0", D="CC0-1.0", P="CC-BY-4.0", R="CC-BY-4.0")),
    _mof("record 18", TOOL, 0, progress=(0, 6),
         components=parts("", p="FSFAP", W="OLDAP-1.1", M="CC-BY-4.0", C="SGP4", D="HPND-doc-sell", P="NLOD-1.0",
                          R="ssh-keyscan")),
    _mof("record 21", TOOL, 0, progress=(3, 6),
         components=parts("", A="ulem", p="LZMA-SDK-9.11-to-9.20", i="Sendmail-8.23", e="Apache-2.0",
                          W="StandardML-NJ", w="CDLA-Sharing-1.0", X="CC-BY-2.5", E="CC-BY-3.0-DE", M="xlock",
                          S="MITNFA", C="CC0-1.0", D="CC-BY-4.0", T="Sun-PPP", P="Community-Spec-1.0", R="Glulxe")),
    _mof("record 22", TOOL, 0, progress=(2, 6),
         components=parts("", A="MIT", p="OPUBL-1.0", w="AFL-2.0", X="CC-BY-SA-1.0", C="SISSL-1.2", D="CC-BY-ND-3.0",
                          T="CC-BY-3.0-AU", R="libpng-2.0")),
    _mof("record 24", TOOL, 0, progress=(1, 6), components=parts("ieLWEMSP", None),
         global_licenses={"document": "CC-BY-SA-4.0"}),
    _mof("record 26", TOOL, 0, "RCD", progress=(3, 6),
         components=parts("", A="BSD-3-Clause-Clear", t="MPL-1.1", e="softSurfer", W="CC-BY-SA-2.0-UK", E="CC-BY-2.0",
                          T="BSD-3-Clause-Attribution", P="CDLA-Permissive-1.0"),
         global_licenses={"distribution": "CC-BY-SA-4.0", "document": "CC0-1.0"}),
    _mof("record 27", TOOL, 0, progress=(1, 6), components=parts("piXEC", None),
         global_licenses={"distribution": "MulanPSL-2.0", "code": "ECL-1.0", "data": "ODC-By-1.0",
                          "document": "CC-BY-SA-3.0"}),
]  # fmt: skip


def _osaid(name: str, source: str, osaid: str, *missing: str, label: str = "open weights", **given: Any) -> Case:
    return Case(name, source, given, osaid=osaid, missing=missing, label=label)


SOURCE_PARTS = "ptiLAWDT"
DEFINITIONS = [
    _osaid("all that is asked for", CHECKLIST, "yes", label="open source AI", components=parts(SOURCE_PARTS),
           data_information=told()),
    _osaid("evaluation and checkpoints are not asked for", CHECKLIST, "yes", label="open source AI",
           components=parts("ptiLAWDTC"), data_information=told()),
    _osaid("class II with preprocessing code", CHECKLIST, "yes", label="open source AI",
           components=parts("AWRCDTtieEpL"), data_information=told()),
    _osaid("data that cannot be shared, fully described", DEFINITION, "yes", label="open source AI",
           components=parts(SOURCE_PARTS), data_information=told(), facts={"unshareable_data": True}),
    _osaid("no preprocessing code", CHECKLIST, "no", "Data preprocessing code", components=parts("tiLAWDT"),
           data_information=told()),
    _osaid("no training code", CHECKLIST, "no", "Training code", components=parts("piLAWDT"), data_information=told()),
    _osaid("no inference code", CHECKLIST, "no", "Inference code", components=parts("ptLAWDT"),
           data_information=told()),
    _osaid("no libraries", CHECKLIST, "no", "Supporting libraries and tools", components=parts("ptiAWDT"),
           data_information=told()),
    _osaid("no architecture", CHECKLIST, "no", "Model architecture", components=parts("ptiLWDT"),
           data_information=told()),
    _osaid("no weights", CHECKLIST, "no", "Model parameters (Final)", label="held back",
           components=parts("ptiLADT"), data_information=told()),
    _osaid("data held back and told in part", DEFINITION, "no", "Data information", components=parts(SOURCE_PARTS),
           data_information=told("partial")),
    _osaid("nothing told of the data", DEFINITION, "no", "Data information", components=parts(SOURCE_PARTS),
           data_information=told("none", False, False)),
    _osaid("no list of public data", DEFINITION, "no", "Data information", components=parts(SOURCE_PARTS),
           data_information=told("full", False)),
    _osaid("no list of data from others", DEFINITION, "no", "Data information", components=parts(SOURCE_PARTS),
           data_information=told("full", True, False)),
    _osaid("nobody knows what is told of the data", DEFINITION, "undetermined", components=parts(SOURCE_PARTS)),
    _osaid("one list is not known", DEFINITION, "undetermined", components=parts(SOURCE_PARTS),
           data_information=told("full", True, None)),
    _osaid("weights under OpenMDW", DEFINITION, "undetermined",
           components=parts("ptiLADT", W="openmdw-1.0"), data_information=told()),
    _osaid("weights under CC-BY", DEFINITION, "undetermined", components=parts("ptiLADT", W="cc-by-4.0"),
           data_information=told()),
    _osaid("code under CC0", DEFINITION, "undetermined", components=parts("piLAWDT", t="cc0-1.0"),
           data_information=told()),
    _osaid("documents under CC-BY only", DEFINITION, "undetermined",
           components=parts("ptiLAW", D="cc-by-4.0", T="cc-by-4.0"), data_information=told()),
    _osaid("one document with OSI-approved terms is enough", CHECKLIST, "yes", label="open source AI",
           components=parts("ptiLAWD", T="cc-by-4.0"), data_information=told()),
    _osaid("documents that nobody may use", CHECKLIST, "no", "Data information",
           components=parts("ptiLAW", D="cc-by-nc-4.0", T="unlicensed"), data_information=told()),
    _osaid("told, but in no document", DEFINITION, "undetermined", components=parts("ptiLAW"),
           data_information=told()),
    _osaid("a stub carries no information", CHECKLIST, "undetermined", components=parts("ptiLAWD"),
           data_information=told(), facts={"data_card_is_stub": True}),
    _osaid("weights under Llama 3.1", DEFINITION, "no", "Model parameters (Final)",
           components=parts("ptiLADT", W="llama3.1"), data_information=told()),
    _osaid("weights under RAIL", DEFINITION, "no", "Model parameters (Final)",
           components=parts("ptiLADT", W="bigscience-bloom-rail-1.0"), data_information=told()),
    _osaid("non-commercial training code", DEFINITION, "no", "Training code",
           components=parts("piLAWDT", t="cc-by-nc-4.0"), data_information=told()),
    _osaid("unlicensed architecture", CHECKLIST, "no", "Model architecture",
           components=parts("ptiLWDT", A="unlicensed"), data_information=told()),
    _osaid("a license nobody knows", DEFINITION, "undetermined", components=parts("ptiLADT", W="acme-eula-7"),
           data_information=told()),
    _osaid("weights that must be asked for", DEFINITION, "undetermined", label="gated weights",
           components=parts(SOURCE_PARTS), data_information=told(), eu={"gating": "safety verification"}),
    _osaid("a card that contradicts the license", "Model Openness Tool, issue 80", "no", "Model parameters (Final)",
           components=parts(SOURCE_PARTS), data_information=told(), facts={"declared_weights_license": "gemma"}),
    _osaid("no components are known", DEFINITION, "undetermined", label="held back", data_information=told()),
    _osaid("weights only", DEFINITION, "no", "Data preprocessing code", "Training code", "Inference code",
           "Supporting libraries and tools", "Model architecture", components=parts("W")),
]  # fmt: skip


def _eu(name: str, source: str, answer: str, label: str | None = None, **changed: Any) -> Case:
    return Case(name, source, eu(**changed), eu=answer, label=label)


EXEMPTIONS = [
    _eu("all conditions hold", GUIDELINES, "yes", "open weights"),
    _eu("below what makes it general-purpose", "Guidelines on general-purpose AI models, 2.1", "yes",
        training_flop=5e22),
    _eu("at the threshold", ARTICLES, "yes", training_flop=1e25),
    _eu("above the threshold", ARTICLES, "no", training_flop=1.01e25),
    _eu("above the threshold, written as text", ARTICLES, "no", training_flop="3.8e25"),
    _eu("compute is not known", ARTICLES, "review", training_flop=None),
    _eu("not all is public", ARTICLES, "no", weights_architecture_usage_public=False),
    _eu("nobody knows whether all is public", ARTICLES, "review", weights_architecture_usage_public=None),
    _eu("sold under two licenses", GUIDELINES, "no", monetisation="dual_license"),
    _eu("support that must be paid", GUIDELINES, "no", monetisation="paid_support_required"),
    _eu("only through a paid host", GUIDELINES, "no", monetisation="paid_host_only"),
    _eu("only through a host that shows advertisements", GUIDELINES, "no", monetisation="ad_funded_host"),
    _eu("paid for with personal data", GUIDELINES, "no", monetisation="personal_data"),
    _eu("optional paid services", GUIDELINES, "yes", monetisation="optional_paid_services"),
    _eu("among microenterprises", GUIDELINES, "yes", monetisation="microenterprises"),
    _eu("nobody knows of money", GUIDELINES, "review", monetisation=None),
    _eu("money in words that say little", GUIDELINES, "review", monetisation="partnerships"),
    _eu("a check for safety", GUIDELINES, "yes", "gated weights", gating="safety_verification"),
    _eu("a check that does not discriminate", GUIDELINES, "yes", gating="non_discriminatory_user_verification"),
    _eu("turned away for their country", GUIDELINES, "no", "gated weights", gating="country_of_origin"),
    _eu("a gate of which nothing is told", GUIDELINES, "review", "gated weights", gating="manual approval"),
    _eu("nobody knows of a gate", GUIDELINES, "review", gating=None),
    _eu("restrictions of use", GUIDELINES, "arguable", license_family="rail"),
    _eu("a family that is non-commercial", GUIDELINES, "no", license_family="non_commercial"),
    _eu("a family for research", GUIDELINES, "no", license_family="research_only"),
    Case("a family that is not settled", GUIDELINES, {"eu": EXEMPT | {"license_family": "community"}}, eu="review"),
    _eu("the family is not told, the license is", GUIDELINES, "yes", license_family=None),
    Case("Gemma's restrictions", GUIDELINES,
         {"components": parts("", W="gemma-terms-2025-03-24"), "eu": EXEMPT | {"license_family": None}},
         eu="arguable"),
    Case("a family that says nothing against its license", GUIDELINES,
         {"components": parts("", W="kimi-k2-modified-mit"), "eu": EXEMPT | {"license_family": "community"}},
         eu="arguable"),
    Case("a threshold of users", GUIDELINES, {"components": parts("", W="llama4"), "eu": EXEMPT}, eu="no"),
    Case("a license read only in part", "License catalog: Nemotron's text was not read whole",
         {"components": parts("", W="nvidia-nemotron-open-model"), "eu": EXEMPT}, eu="review"),
    Case("an unlicensed model", GUIDELINES, {"components": parts("", W="unlicensed"), "eu": EXEMPT}, eu="no"),
    Case("copyleft", GUIDELINES, {"components": parts("", W="agpl-3.0"), "eu": EXEMPT}, eu="yes"),
    Case("weights that are not released", ARTICLES,
         {"components": parts("C"), "eu": EXEMPT | {"weights_architecture_usage_public": False}}, eu="no",
         label="held back"),
    Case("only the family of the license is known", GUIDELINES, {"eu": EXEMPT}, eu="yes", label="open weights"),
    Case("nothing but a non-commercial license", GUIDELINES, {"components": parts("", W="cc-by-nc-4.0")}, eu="no"),
    Case("nothing but an open license", GUIDELINES, {"components": parts("W")}, eu="review"),
    Case("what is ruled out stays so, whatever is unknown", ARTICLES,
         {"components": parts("W"), "eu": {"training_flop": 2e25}}, eu="no"),
]  # fmt: skip

TABLE = [*CLASSES, *RECORDS, *DEFINITIONS, *EXEMPTIONS]
