"""Which words of a card claim openness for the model itself, and whether they claim more than is true.

Owns the reading of claims in free text. It is careful with what is no claim: tools, libraries and data that are open
source, models that this one is compared with or made from, and sentences that deny it. A claim that is missed stays
a matter for reviewers; one that is found is quoted with its line, so that a person can see why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from licensing.openness.assessment import Assessment
from licensing.openness.framework import OpennessClass
from licensing.openness.label import Label
from licensing.openness.osaid import OsaidAnswer

CHARACTERS = 200_000
QUOTED = 160
# How many characters before and after the words decide what they are said of; bounds the work on hostile cards.
NEAR = 240

OPEN_SOURCE = re.compile(r"\bopen[-\s]?sourc(?:e|ed|es|ing)\b(?:[-\s]+(?:ai|a\.i\.)\b)?", re.IGNORECASE)
FULLY_OPEN = re.compile(r"\b(?:fully|completely|truly|entirely|100\s?%)[-\s]open\b(?![-\s]?sourc)", re.IGNORECASE)
OPEN_WEIGHTS = re.compile(r"\bopen[-\s]weights?\b", re.IGNORECASE)
FRAMEWORK_CLASS = re.compile(
    r"\b(?:MOF|Model Openness Framework)\b[^.\n]{0,40}?\bclass\s+(I{1,3}|[123])\b|"
    r"\bclass\s+(I{1,3}|[123])\b[^.\n]{0,40}?\b(?:MOF|Model Openness Framework)\b",
    re.IGNORECASE,
)
# What follows the words and takes the claim away from the model: the claim is about this instead.
OTHER_THINGS = re.compile(
    r"^[-\s]*(?:(?:and|or|free|software|python|machine[-\s]learning|evaluation|training|inference|development)[-,\s]+)*"
    r"(?:tool(?:s|ing|kits?)?|librar(?:y|ies)|software|frameworks?|data(?:sets?)?|corp(?:us|ora)|communit(?:y|ies)|"
    r"projects?|packages?|licen[sc]es?|licen[sc]ing|code(?:base)?|repositor(?:y|ies)|initiative|ecosystems?|harness(?:es)?|"
    r"implementations?|benchmarks?|tokeni[sz]ers?|contributors?|contributions?|infrastructure|stack|engines?|developers?|"
    r"resources|components?|scripts?|movement|program|platforms?|definition|pipelines?|recipes?|foundation\b(?!\s+model))\b",
    re.IGNORECASE,
)
# Groups of people and of models, however many words stand between.
ELSEWHERE = re.compile(
    r"^[-\s]*(?:\w+[-\s]+){0,3}?(?:communit|ecosystem|leaderboard|landscape|movement|research|space\b|field\b|world\b)",
    re.I,
)
MODELS = re.compile(
    r"^[-\s]*(?:\w+[-\s]+){0,3}?(?P<noun>models?|llms?|ai|weights|checkpoints?|releases?|famil(?:y|ies))\b", re.I
)
COMPARED = re.compile(
    r"\b(?:outperform\w*|surpass\w*|exceed\w*|beats?|rivals?|compar\w+|versus|vs|against|than|unlike|other|others|existing|"
    r"prior|previous|among|both|between|alternatives?)\b[^.;:]*$",
    re.IGNORECASE,
)
MADE_FROM = re.compile(
    r"\b(?:based|built|builds|relies|rely|trained|fine-?tuned|finetuned|derived|adapted|distilled|evaluated|generated|made|"
    r"uses?|using|with|from|by|of|on|thanks to|for)\s+(?:(?:an?|the|several|many|some|various|other|two|three|popular|"
    r"top|leading|standard|only|purely|fully)\s+)*$",
    re.IGNORECASE,
)
DENIED = re.compile(
    r"\b(?:not|never|neither|nor|cannot|no longer|without being|rather than|instead of|"
    r"isn['’]t|aren['’]t|don['’]t|won['’]t|doesn['’]t|is no|are no)\b(?:\W+\w+){0,5}\W*$",
    re.IGNORECASE,
)
GROUP_OF = re.compile(r"\b(?:family|families|series|suite|collection|set|line|range)\s+of\b", re.IGNORECASE)
# What a sentence can be about. “The code of the model is open source” is about code, “the model's code” is, too.
SUBJECTS = re.compile(
    r"\b(?:(?P<other>code(?:base)?|scripts?|librar(?:y|ies)|tool(?:s|kits?|ing)?|data(?:sets?)?|tokeni[sz]ers?|frameworks?|"
    r"harness(?:es)?|software|benchmarks?|pipelines?|recipes?)|(?P<own>models?|weights|llms?|checkpoints?|famil(?:y|ies)))\b"
    r"(?P<belongs>\s+(?:for|of|to|behind|around|used)\b)?",
    re.IGNORECASE,
)
OURSELVES = re.compile(
    r"\b(?:this|these|our|we|us)\b|\bthe\s+(?:model|weights|checkpoint|family|release)\b|\b(?:model|weights)\b", re.I
)
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z“\"(\[])|\n\s*\n|\n(?=\s*(?:[-*+#>|]|\d+\.))")
NOISE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|<!--.*?(?:-->|\Z)|`[^`\n]*`|https?://[^\s)>\]]+", re.DOTALL)
LABEL_TAGS = {
    "open-source": Label.OPEN_SOURCE_AI, "opensource": Label.OPEN_SOURCE_AI, "open-source-ai": Label.OPEN_SOURCE_AI,
    "open-source-model": Label.OPEN_SOURCE_AI, "fully-open": Label.OPEN_SOURCE_AI, "osaid": Label.OPEN_SOURCE_AI,
    "open-weights": Label.OPEN_WEIGHTS, "open-weight": Label.OPEN_WEIGHTS,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: what it amounts to, its words, and the line of the card's body where it begins (0: metadata)."""

    label: Label | None
    words: str
    quote: str
    line: int
    level: OpennessClass | None = None


@dataclass(frozen=True, slots=True)
class Excess:
    """A claim that is more than is true, why, and what to write instead."""

    claim: Claim
    severity: str
    message: str
    fix: str


def claims_of(body: str, metadata: Mapping[str, object] | None = None) -> tuple[Claim, ...]:
    """The claims of a card: its body's in order, after its metadata's; at most one of each sort in a sentence."""
    return (*_in_metadata(metadata or {}), *_in_body(body[:CHARACTERS]))


def excesses(claims: tuple[Claim, ...], assessment: Assessment) -> tuple[Excess, ...]:
    """The claims that go beyond what the release amounts to."""
    return tuple(found for claim in claims if (found := _excess(claim, assessment)))


def _excess(claim: Claim, assessment: Assessment) -> Excess | None:
    true = assessment.label
    if claim.level is not None:
        level = assessment.mof.level
        if claim.level.rank <= level.rank:
            return None
        lacking = ", ".join(part.value for part in assessment.mof.blockers)
        message = f"The card claims {claim.level.title} (“{claim.words}”); it is {level.title}. Lacking: {lacking}."
        return Excess(claim, "block", message, f"Write “{level.title}”, or leave the class out.")
    if claim.label is None or claim.label.rank <= true.label.rank:
        return None
    checklist = assessment.osaid
    # Where only the OSI or a court could say, a person may stand by the words; facts that the lab lacks, it can state.
    is_doubt = (
        claim.label is Label.OPEN_SOURCE_AI
        and true.label is Label.OPEN_WEIGHTS
        and checklist.answer is OsaidAnswer.UNDETERMINED
        and not any(item.lacks_facts for item in checklist.unsettled)
    )
    message = (
        f"The card says “{claim.words}” in “{claim.quote}”, which claims {claim.label.value}. "
        f"What is disclosed amounts to {true.label.value}. {true.why_not_more}"
    )
    fix = f"Write “{true.label.value}” instead, or disclose what is lacking and state what no file tells."
    return Excess(claim, "warn" if is_doubt else "block", message, fix)


def _in_metadata(metadata: Mapping[str, object]) -> Iterator[Claim]:
    tags = metadata.get("tags")
    for tag in tags if isinstance(tags, list) else [tags]:
        word = re.sub(r"[\s_]+", "-", tag.strip().lower()) if isinstance(tag, str) else ""
        if word in LABEL_TAGS:
            yield Claim(LABEL_TAGS[word], word, f"tags: {word}", 0)
    said = metadata.get("openness")
    if isinstance(said, str) and said.strip().lower() in {label.value.lower() for label in Label}:
        label = next(label for label in Label if label.value.lower() == said.strip().lower())
        yield Claim(label, said.strip(), f"openness: {said.strip()}", 0)


def _in_body(body: str) -> Iterator[Claim]:
    # Noise is blanked, not cut, so that lines keep their numbers.
    text = NOISE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), body)
    start, line = 0, 1
    for piece in [*SENTENCE.finditer(text), None]:
        end = piece.start() if piece else len(text)
        yield from _in_sentence(text[start:end], line)
        following = piece.end() if piece else end
        line += text.count("\n", start, following)
        start = following


def _in_sentence(sentence: str, line: int) -> Iterator[Claim]:
    for pattern, label in (
        (OPEN_SOURCE, Label.OPEN_SOURCE_AI),
        (FULLY_OPEN, Label.OPEN_SOURCE_AI),
        (OPEN_WEIGHTS, Label.OPEN_WEIGHTS),
    ):
        for found in pattern.finditer(sentence):
            if _is_claim(sentence, found, label):
                at = line + sentence.count("\n", 0, found.start())
                yield Claim(label, " ".join(found[0].split()), _quote(sentence, found), at)
                break
    for found in FRAMEWORK_CLASS.finditer(sentence):
        word = (found[1] or found[2]).upper()
        level = OpennessClass({"I": 1, "II": 2, "III": 3}.get(word) or int(word))
        if not DENIED.search(sentence[max(0, found.start() - NEAR) : found.start()]):
            yield Claim(None, " ".join(found[0].split()), _quote(sentence, found), line, level)


def _is_claim(sentence: str, found: re.Match[str], label: Label) -> bool:
    """Whether the words are said of this model, and not of its tools, its rivals or its ancestors, nor denied."""
    before = GROUP_OF.sub("", sentence[max(0, found.start() - NEAR) : found.start()])
    after = sentence[found.end() : found.end() + NEAR]
    if DENIED.search(before) or COMPARED.search(before) or OTHER_THINGS.search(after) or ELSEWHERE.search(after):
        return False
    named = MODELS.search(after)
    if named and MADE_FROM.search(before):
        return False
    if named:
        is_plural = named["noun"].lower().endswith(("models", "llms", "weights", "checkpoints", "releases", "families"))
        return not is_plural or bool(OURSELVES.search(before))
    is_verb = found[0].lower().endswith(("ed", "ing", "es")) and label is Label.OPEN_SOURCE_AI
    about = before if SUBJECTS.search(before) or not is_verb else after
    if _is_about_others(about):
        return False
    return bool(OURSELVES.search(before)) or is_verb or not MADE_FROM.search(before)


def _is_about_others(words: str) -> bool:
    """Whether a sentence speaks of code, data or tools, and not of the model that these belong to."""
    found = list(SUBJECTS.finditer(words))
    if not found or not any(one["other"] for one in found):
        return False
    last = found[-1]
    return bool(last["other"]) or any(one["other"] and one["belongs"] for one in found[:-1])


def _quote(sentence: str, found: re.Match[str]) -> str:
    """The sentence on one line, shortened around the claim."""
    start = max(0, found.start() - QUOTED // 2)
    end = min(len(sentence), found.end() + QUOTED // 2)
    words = " ".join(sentence[start:end].split()).lstrip("#>*-|+ ")
    return f"{'…' if start else ''}{words}{'…' if end < len(sentence) else ''}"
