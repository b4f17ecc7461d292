"""Licenses as they are shown: kinds, certainty, terms in plain words, and the sentences of licensing's events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from audit.models import Event
from licensing.catalog import shipped
from licensing.identification import Identification, Match
from licensing.models import License, LicenseVersion
from licensing.terms import Answer, Certainty, FlowDown, Kind, ShareAlike, Terms, Threshold, UseScope, terms_of
from web.tones import Status, Tone

KINDS = {
    Kind.PERMISSIVE: Status("Permissive", Tone.SUCCESS, "license"),
    Kind.PERMISSIVE_CUSTOM: Status("Permissive, own wording", Tone.SUCCESS, "license"),
    Kind.PUBLIC_DOMAIN: Status("Public domain", Tone.SUCCESS, "license"),
    Kind.COPYLEFT: Status("Copyleft", Tone.INFO, "git-fork"),
    Kind.SHARE_ALIKE: Status("Share alike", Tone.INFO, "git-fork"),
    Kind.COMMUNITY: Status("Community license", Tone.WARNING, "users"),
    Kind.RAIL: Status("Use restrictions (RAIL)", Tone.WARNING, "hand-stop"),
    Kind.RESEARCH: Status("Research only", Tone.WARNING, "flask"),
    Kind.NON_COMMERCIAL: Status("Non-commercial", Tone.WARNING, "ban"),
    Kind.DATA_INTERNAL_USE: Status("Internal use of data", Tone.DANGER, "database"),
    Kind.CUSTOM: Status("Own license", Tone.NEUTRAL, "writing-sign"),
    Kind.UNKNOWN: Status("Unknown", Tone.DANGER, "help-circle"),
}

CERTAINTIES = {
    Certainty.FULL_TEXT: Status("Read in full", Tone.SUCCESS),
    Certainty.WELL_KNOWN: Status("Well known", Tone.SUCCESS),
    Certainty.EXCERPT: Status("Read in part", Tone.WARNING),
    Certainty.SECONDARY: Status("From reports only", Tone.WARNING),
    Certainty.MEMORY: Status("Not checked", Tone.DANGER),
    Certainty.RULE: Status("Our own rule", Tone.NEUTRAL),
}

ANSWERS = {
    Answer.YES: Status("Yes", Tone.SUCCESS),
    Answer.NO: Status("No", Tone.DANGER),
    Answer.CONDITIONAL: Status("With conditions", Tone.WARNING),
    Answer.DISPUTED: Status("Disputed", Tone.WARNING),
    Answer.ARGUABLE: Status("Arguable", Tone.WARNING),
}
NOT_KNOWN = Status("Not known", Tone.PENDING, "help-circle")

SCOPES = {
    UseScope.ANY: "Any purpose",
    UseScope.NON_COMMERCIAL: "Non-commercial purposes only",
    UseScope.RESEARCH_ONLY: "Research only",
    UseScope.RESEARCH_OR_EVALUATION: "Research or evaluation only",
    UseScope.NON_PRODUCTION: "Testing only, not production",
}

REACHES = {
    ShareAlike.NONE: "What is made from it may have other terms, within the duties below.",
    ShareAlike.WEAK: "Changes to the material itself must carry the same license.",
    ShareAlike.STRONG: "What is made from it must carry the same license.",
    ShareAlike.NETWORK: "What is made from it must carry the same license, also when only offered over a network.",
    ShareAlike.CONTENT: "Adapted material that is shared must carry the same or a compatible license.",
    ShareAlike.DATA: "Derived databases that are shared must carry the same license.",
}

FLOWS = {
    FlowDown.NONE: "",
    FlowDown.COMPLY: "Whoever uses the model must keep to them.",
    FlowDown.ENFORCEABLE: "They must be passed on to everybody who receives the model, as an enforceable term.",
}

TRIGGERS = {
    "always": "Always",
    "distribute": "When it is passed on",
    "distribute_modified": "When it is passed on changed",
    "distribute_not_hosted": "When it is passed on, but not when it is only hosted",
    "distribute_or_host": "When it is passed on or offered as a service",
    "distribute_or_product": "When it is passed on or built into a product",
    "distribute_model": "When a model is passed on",
    "distribute_model_made_with_materials_or_outputs": "When a model made with it, or with its outputs, is passed on",
    "host_modified": "When it is offered over a network, changed",
    "host_for_third_parties": "When it is offered to others as a service",
    "commercial_use": "When it is used commercially",
    "publish_output": "When its outputs are published",
    "public_statement_about_derivative": "In public statements about what was made from it",
    "threshold_product_ui": "In products above the size named above",
    "large_product": "In large products",
    "cosmos_model_only": "For Cosmos models only",
}

RETALIATION = {
    "patent": "Suing over patents ends it.",
    "patent_or_copyright": "Suing over patents or copyright ends it.",
    "any_ip_against_licensor": "Suing the licensor over any intellectual property in it ends it.",
    "any_ip_against_licensor_or_any_entity": "Suing anybody over any intellectual property in it ends it.",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A license as the list shows it."""

    license: License
    kind: Status
    certainty: Status
    commercial: Status
    redistribution: Status
    has_text: bool


@dataclass(frozen=True, slots=True)
class Duty:
    """One obligation in words, with what triggers it and the words that it prescribes."""

    code: str
    sentence: str
    when: str
    text: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that the page of a license says of one version."""

    kind: Status
    certainty: Status
    is_solid: bool
    permissions: list[tuple[str, Status, str]]
    limits: list[str]
    duties: list[Duty]
    reach: str
    ending: list[str]
    names: list[tuple[str, str]]
    notes: str


def row(license: License) -> Row:
    """The license with its current version, which the selector loaded."""
    version = license.current_versions[0]
    terms = terms_of(version.terms)
    return Row(
        license,
        KINDS[Kind(license.kind)],
        CERTAINTIES[Certainty(version.certainty)],
        answer(terms.commercial_use),
        answer(terms.redistribution),
        version.has_text,
    )


def answer(given: Answer | None) -> Status:
    """An answer as a status; an unknown one says so."""
    return ANSWERS[given] if given else NOT_KNOWN


def sheet(version: LicenseVersion) -> Sheet:
    """One version in plain words."""
    terms = terms_of(version.terms)
    certainty = Certainty(version.certainty)
    return Sheet(
        kind=KINDS[Kind(version.license.kind)],
        certainty=CERTAINTIES[certainty],
        is_solid=certainty.is_solid,
        permissions=_permissions(terms),
        limits=_limits(terms),
        duties=_duties(terms),
        reach=REACHES[terms.share_alike] if terms.share_alike else "",
        ending=_ending(terms),
        names=_names(terms),
        notes=terms.notes,
    )


def _permissions(terms: Terms) -> list[tuple[str, Status, str]]:
    scope = SCOPES[terms.use_scope] if terms.use_scope else ""
    return [
        ("Commercial use", answer(terms.commercial_use), scope),
        ("Passing it on", answer(terms.redistribution), ""),
        ("Other terms for what is made from it", answer(terms.derivatives.own_terms), ""),
        ("Training other models on its outputs", answer(terms.outputs.train_other_models), terms.outputs.exception),
    ]


def _limits(terms: Terms) -> list[str]:
    said = [threshold_sentence(threshold) for threshold in terms.thresholds]
    if terms.territory:
        where = _words(terms.territory.applies_to)
        regions = ", ".join(terms.territory.excluded_regions)
        said.append(f"Not granted in {regions} ({'every model' if where == 'all' else where}).")
    use = terms.acceptable_use
    if use.flow_down in {FlowDown.COMPLY, FlowDown.ENFORCEABLE}:
        changing = " The licensor may change these rules." if use.is_mutable else ""
        said.append(f"Rules of use apply: {use.document or 'see the text'}. {FLOWS[use.flow_down]}{changing}")
    if use.prohibits:
        said.append(f"Forbidden uses: {', '.join(_words(tag) for tag in use.prohibits)}.")
    return said


def threshold_sentence(threshold: Threshold) -> str:
    """What happens above or from a size, in a sentence."""
    metrics = {
        "mau": "monthly active users",
        "annual_revenue_usd": "US dollars of yearly revenue",
        "monthly_revenue_usd": "US dollars of monthly revenue",
    }
    effects = {
        "separate_license": "a separate license is needed",
        "no_rights": "nothing is granted",
        "license_terminates": "the license ends",
        "display_required": "a notice must be shown",
        "security_review_required": "a security review is needed",
    }
    effect = effects.get(threshold.effect, _words(threshold.effect))
    if isinstance(threshold.value, int) and threshold.metric in metrics:
        bound = "From" if threshold.op == ">=" else "Above"
        when = ", as of the release of this version" if threshold.measured_at == "version_release_date" else ""
        return f"{bound} {threshold.value:,} {metrics[threshold.metric]}{when}, {effect}."
    values = threshold.value if isinstance(threshold.value, tuple) else (str(threshold.value or ""),)
    return f"For these businesses {effect}: {', '.join(_words(value) for value in values)}."


def _duties(terms: Terms) -> list[Duty]:
    words = shipped().obligations
    return [
        Duty(
            code=duty.id,
            sentence=words.get(duty.id, duty.id),
            when=TRIGGERS.get(duty.trigger) or _words(duty.trigger).capitalize(),
            text=duty.text or duty.value,
        )
        for duty in terms.obligations
    ]


def _ending(terms: Terms) -> list[str]:
    end = terms.termination
    facts = [
        (end.is_revocable, "The licensor may revoke it."),
        (end.is_automatic, "It ends by itself on breach."),
        (end.can_be_rewritten, "The licensor may rewrite the agreement."),
        (end.delete_on_end, "The material must be deleted when it ends."),
    ]
    said = [sentence for holds, sentence in facts if holds]
    if terms.patent_retaliation in RETALIATION:
        said.append(RETALIATION[terms.patent_retaliation])
    return [*said, f"{end.special[0].upper()}{end.special[1:]}."] if end.special else said


def _names(terms: Terms) -> list[tuple[str, str]]:
    said = [("Notice to ship", terms.notice_text), ("Words to show", terms.display_text)]
    if terms.naming:
        said.append(("Names of derivatives begin with", terms.naming.value))
    said.append(("Governing law", terms.governing_law))
    return [(name, text) for name, text in said if text]


def _words(tag: str) -> str:
    return tag.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Identified:
    """What a text is, as the page says it."""

    status: Status
    sentence: str
    found: Identification

    @property
    def hidden(self) -> int:
        """How many changes are not shown."""
        return self.found.changes - len(self.found.hunks)


MATCHES = {
    Match.EXACT: Status("The text, byte for byte", Tone.SUCCESS, "check"),
    Match.FORM: Status("The text but for its form", Tone.SUCCESS, "check"),
    Match.CONTAINED: Status("The text and other words", Tone.WARNING, "alert-triangle"),
    Match.CHANGED: Status("A changed text", Tone.DANGER, "alert-triangle"),
    Match.UNKNOWN: Status("No text that is held here", Tone.PENDING, "help-circle"),
}


def identified(found: Identification) -> Identified:
    """An identification in words."""
    names = " or ".join(one.name for one in found.held)
    places = "one place differs" if found.changes == 1 else f"{found.changes} places differ"
    sentences = {
        Match.EXACT: f"This is the text of {names}.",
        Match.FORM: f"This is the text of {names}; case, wrapping, title, names or notices differ, and no term does.",
        Match.CONTAINED: f"This holds the whole text of {names}, and other words that somebody must read.",
        Match.CHANGED: f"This is near {names}, but not its text: {found.similarity:.1%} of the words agree, {places}.",
        Match.UNKNOWN: "This is near no text that is held here.",
    }
    if found.match is Match.UNKNOWN and names:
        sentence = (
            f"No text that is held here is near. The nearest is {names}, with {found.similarity:.0%} of the words."
        )
    else:
        sentence = sentences[found.match]
    return Identified(MATCHES[found.match], sentence, found)


SENTENCES: dict[str, Callable[[Event], str]] = {
    "licensing:catalog:loaded": lambda e: (
        f"Loaded the license catalog: {e.facts.get('versions_added')} versions were new."
    ),
    "licensing:license:added": lambda e: f"Added the license {e.subject_label}.",
    "licensing:license:accepted": lambda e: f"Accepted {e.subject_label}.",
    "licensing:upstream:established": lambda e: (
        f"Established that {e.facts.get('repo')} is under {e.subject_label}, seen in {e.facts.get('source')}."
    ),
    "licensing:licensee:stated": lambda e: f"Stated what licenses ask about {e.subject_label} as a licensee.",
    "licensing:openness:stated": lambda e: f"Stated of {e.subject_label} what no file tells of its openness.",
    "licensing:acceptances:exported": lambda e: (
        f"Took a copy of {e.facts.get('count')} acceptances as {e.facts.get('form')}."
    ),
    "licensing:offer:made": lambda e: (
        f"{e.subject_label} is offered under {e.facts.get('license')} {e.facts.get('version')}".rstrip() + "."
    ),
}
