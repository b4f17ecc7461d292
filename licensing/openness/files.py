"""Which files of a checkpoint show which component, and what its card holds inside. Pure: names and text in, parts out.

A name is a sign, not a proof: it says where a component would be looked for, and a person can read it there. What is
named nowhere stays unknown; no file ever shows that something is absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from licensing.openness.facts import FileEvidence
from licensing.openness.framework import Part
from weights.formats import is_weight_name

_DATA_FILE = r"\.(?:parquet|jsonl?|csv|tsv|arrow|txt|tar|zst|gz|zip)"
_CODE_FILE = r"\.(?:py|ipynb|sh|cu|cpp|rs|jl)"
_TEXT_FILE = r"\.(?:md|pdf|txt|rst|tex|html)"

# Tried in this order on the whole path in lower case; the first that fits decides.
_SIGNS: tuple[tuple[Part, str], ...] = (
    (Part.METADATA, r"(^|/)(optimizer|scheduler|rng_state|scaler|training_args|trainer_state|train(ing)?_config)"
     r"[^/]*$"),
    (Part.MODEL_CARD, r"^(readme|model[-_]?card)\.md$"),
    (Part.DATA_CARD, r"(^|/)(data(set)?[-_]?(card|sheet|statement)s?|datasheet)[^/]*" + _TEXT_FILE + "$"),
    (Part.TECHNICAL_REPORT, r"(^|/)((tech(nical)?[-_ ]?)?report|system[-_]?card)[^/]*" + _TEXT_FILE + "$"),
    (Part.RESEARCH_PAPER, r"(^|/)([^/]*[-_])?(paper|preprint|article)[^/]*\.(pdf|tex|md)$"),
    (Part.EVALUATION_CODE, r"(^|/)(eval|evaluat|benchmark|run_eval|lm_eval)[^/]*" + _CODE_FILE + "$"),
    (Part.EVALUATION_CODE, r"(^|/)(eval|evals|evaluation|benchmarks?)/([^/]+/)*[^/]+" + _CODE_FILE + "$"),
    (Part.PREPROCESSING_CODE, r"(^|/)(pre[-_]?process|prepare|process[-_]data|clean|filter|dedup)[^/]*"
     + _CODE_FILE + "$"),
    (Part.PREPROCESSING_CODE, r"(^|/)(data|pre[-_]?processing|data[-_]?prep(aration)?)/([^/]+/)*[^/]+"
     + _CODE_FILE + "$"),
    (Part.TRAINING_CODE, r"(^|/)(train|pre[-_]?train|fine[-_]?tune|sft|dpo|rlhf|grpo)[^/]*" + _CODE_FILE + "$"),
    (Part.TRAINING_CODE, r"(^|/)(train|training|pretraining|finetuning)/([^/]+/)*[^/]+" + _CODE_FILE + "$"),
    (Part.INFERENCE_CODE, r"(^|/)(inference|infer|generate|generation|predict|handler|serve|chat|demo|run)[^/]*"
     + _CODE_FILE + "$"),
    (Part.INFERENCE_CODE, r"(^|/)inference/([^/]+/)*[^/]+" + _CODE_FILE + "$"),
    (Part.ARCHITECTURE, r"(^|/)(modeling|modelling|configuration)_[^/]+\.py$|(^|/)(model|architecture)\.py$"),
    (Part.LIBRARIES, r"(^|/)(tokenization|processing|image_processing|feature_extraction)_[^/]+\.py$"),
    (Part.EVALUATION_RESULTS, r"(^|/)((eval|evaluation|benchmark|test|all)[-_]?)?results?[^/]*\.(json|jsonl|md|csv|tsv"
     r"|ya?ml|txt|html|pdf)$|^\.eval_results/"),
    (Part.EVALUATION_DATA, r"(^|/)(eval|evals|evaluation|test|benchmarks?)([-_]?(data|set|sets))?/([^/]+/)*[^/]+"
     + _DATA_FILE + "$"),
    (Part.SAMPLE_OUTPUTS, r"(^|/)(samples?|sample[-_]?outputs?|generations?|example[-_]?outputs?)(/|[^/]*\.)[^/]*$"),
    (Part.DATASETS, r"(^|/)(data|datasets?|corpus|train(ing)?[-_]?data)/([^/]+/)*[^/]+" + _DATA_FILE + "$"),
    (Part.INTERMEDIATE_PARAMETERS, r"(^|/)(checkpoint|step|global_?step|iter)[-_]?\d+/.*$"),
)  # fmt: skip
SIGNS = tuple((part, re.compile(pattern)) for part, pattern in _SIGNS)
SHOWN = 20

HEADING = re.compile(r"^(#{1,5})[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
ABOUT_DATA = re.compile(
    r"\b(?:training|train)\s+(?:data|corpus|datasets?)\b|^(?:data|datasets?|data\s?sheet|data card)$", re.IGNORECASE
)
ABOUT_RESULTS = re.compile(r"\b(?:evaluations?|results?|benchmarks?|performance)\b", re.IGNORECASE)
COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
EMPTY_WORDS = re.compile(r"\[?more information needed\]?|\bt\.?b\.?[ad]\.?\b|\bto ?do\b|coming soon", re.IGNORECASE)
# Bounds of the work on hostile cards.
CHARACTERS, SECTION_CHARACTERS, HEADINGS = 200_000, 20_000, 300
ENOUGH_WORDS = 25
PAPER_LINK = re.compile(r"\barxiv(?:\.org/(?:abs|pdf)/|:\s?)(\d{4}\.\d{4,5})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the files of a checkpoint show: files by component, and parts that lie inside the card."""

    files: Mapping[Part, tuple[FileEvidence, ...]] = field(default_factory=dict)
    within_card: frozenset[Part] = frozenset()
    stubs: frozenset[Part] = frozenset()
    """Parts for which the card has a heading and next to no words."""
    papers: tuple[str, ...] = ()
    """Papers that the card links to, by their arXiv number; where they lie, and their license, no file shows."""


def part_of(path: str) -> Part | None:
    """The component that a file's name promises."""
    low = path.lower()
    for part, pattern in SIGNS:
        if pattern.search(low):
            is_weights = part is not Part.INTERMEDIATE_PARAMETERS or is_weight_name(low)
            return part if is_weights else None
    return Part.PARAMETERS if is_weight_name(low) else None


def shown_by(files: Iterable[tuple[str, str]], body: str, metadata: Mapping[str, object]) -> Shown:
    """What files, pairs of path and SHA-256, and the card's text and metadata show."""
    found: dict[Part, list[FileEvidence]] = {}
    for path, sha256 in files:
        if part := part_of(path):
            found.setdefault(part, []).append(FileEvidence(path, sha256))
    within, stubs = _inside(body)
    if isinstance(metadata.get("model-index"), list) and metadata["model-index"]:
        within, stubs = within | {Part.EVALUATION_RESULTS}, stubs - {Part.EVALUATION_RESULTS}
    return Shown(
        {part: tuple(one[:SHOWN]) for part, one in found.items()},
        frozenset(within - set(found)),
        frozenset(stubs - set(found)),
        tuple(dict.fromkeys(PAPER_LINK.findall(body[:CHARACTERS])))[:5],
    )


def _inside(body: str) -> tuple[set[Part], set[Part]]:
    """The parts of which the card has a section with enough words, and those of which it has an empty one."""
    within: set[Part] = set()
    stubs: set[Part] = set()
    body = COMMENT.sub(" ", body[:CHARACTERS])
    headings = list(islice(HEADING.finditer(body), HEADINGS))
    for place, heading in enumerate(headings):
        depth = len(heading[1])
        end = next((other.start() for other in headings[place + 1 :] if len(other[1]) <= depth), len(body))
        words = len(EMPTY_WORDS.sub(" ", body[heading.end() : end][:SECTION_CHARACTERS]).split())
        for part, pattern in ((Part.DATA_CARD, ABOUT_DATA), (Part.EVALUATION_RESULTS, ABOUT_RESULTS)):
            if pattern.search(heading[2].strip()):
                (within if words >= ENOUGH_WORDS else stubs).add(part)
    return within, stubs - within
