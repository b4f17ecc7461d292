"""The terms of a license version row by row, in plain words, each with how surely it is known.

Owns wording and order, for one license, for two beside each other, and for two versions of one. A row that a license
says nothing about is left out; what is not known is said to be not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from licensing.book import known
from licensing.catalog import shipped
from licensing.engine import KnownLicense
from licensing.engine.doubts import Side, doubts
from licensing.models import LicenseVersion
from licensing.presenters import FLOWS, REACHES, RETALIATION, SCOPES, TRIGGERS, answer, threshold_sentence
from licensing.terms import FlowDown, Terms
from web.tones import Status, Tone

GROUPS = {
    "allows": "What it allows",
    "stops": "Where it stops",
    "asks": "What it asks for",
    "words": "Exact words to use",
    "reach": "How far it reaches",
    "ends": "How it ends",
    "open": "How open it counts",
}
YES, NO = Status("Yes", Tone.SUCCESS), Status("No", Tone.DANGER)
UNSAID = Status("Not known", Tone.PENDING, "help-circle")
RELATIONS = {
    "finetune": "fine-tunes",
    "adapter": "adapters",
    "quantized": "quantized copies",
    "merge": "merges",
    "distilled": "distilled models",
    "outputs": "models trained on its outputs",
}
PATENTS = {
    "express": "Granted expressly",
    "general_ip": "Within a general grant of intellectual property",
    "implied_or_none": "Implied at most",
    "disclaimed": "Expressly not granted",
}
TERRITORY_TESTS = {
    "licensee_domicile_or_principal_place_of_business": "by the licensee's seat",
    "place_of_use_or_distribution": "by the place of use",
}


@dataclass(frozen=True, slots=True)
class TermRow:
    """One term: a status, sentences, or words to use exactly; `doubt` says why it is not solid, and is empty else."""

    key: str
    group: str
    label: str
    status: Status | None = None
    lines: tuple[str, ...] = ()
    exact: str = ""
    code: str = ""
    doubt: str = ""

    @property
    def said(self) -> tuple[object, ...]:
        """What two rows are compared by."""
        return (self.status.label if self.status else "", self.lines, self.exact)


@dataclass(frozen=True, slots=True)
class Pair:
    """The same term of two licenses; either side is None where that license says nothing about it."""

    label: str
    group: str
    code: str
    left: TermRow | None
    right: TermRow | None

    @property
    def differs(self) -> bool:
        """Whether the two say different things."""
        left, right = (row.said if row else None for row in (self.left, self.right))
        return left != right


def rows_of(version: LicenseVersion) -> list[TermRow]:
    """All terms of a version."""
    license = known(version)
    return [row for group in _SECTIONS for row in group(license, license.terms)]


def grouped(rows: list[TermRow]) -> list[tuple[str, list[TermRow]]]:
    """The rows under their headings; headings without rows are left out."""
    return [(title, found) for key, title in GROUPS.items() if (found := [row for row in rows if row.group == key])]


def paired(left: list[TermRow], right: list[TermRow]) -> list[tuple[str, list[Pair]]]:
    """Two licenses term by term, under the same headings."""
    ours, theirs = {row.key: row for row in left}, {row.key: row for row in right}
    found: dict[str, list[Pair]] = {key: [] for key in GROUPS}
    for key in dict.fromkeys([*ours, *theirs]):
        row = ours.get(key) or theirs[key]
        found[row.group].append(Pair(row.label, row.group, row.code, ours.get(key), theirs.get(key)))
    return [(title, found[key]) for key, title in GROUPS.items() if found[key]]


def _allows(license: KnownLicense, terms: Terms) -> Iterator[TermRow]:
    scope = (SCOPES[terms.use_scope],) if terms.use_scope else ()
    covers = ", ".join(RELATIONS.get(one, one) for one in terms.derivatives.covers)
    made = (f"Counted as made from it: {covers}.",) if covers else ()
    yield _row(license, "commercial", "allows", "Commercial use", Side.SCOPE, answer(terms.commercial_use), scope)
    yield _row(license, "pass_on", "allows", "Passing it on", Side.DISTRIBUTION, answer(terms.redistribution))
    if terms.is_hosting_distribution is not None:
        told = (
            "Offering it as a service counts as passing it on."
            if terms.is_hosting_distribution
            else ("Offering it as a service does not count as passing it on.")
        )
        yield _row(license, "hosting", "allows", "As a service", Side.HOSTING, None, (told,))
    yield _row(
        license, "own_terms", "allows", "Other terms for what is made from it", Side.DERIVATIVES,
        answer(terms.derivatives.own_terms), made,
    )  # fmt: skip
    outputs = terms.outputs
    about = [f"Reaches: {_words(outputs.model_class)}."] if outputs.model_class else []
    about += [outputs.exception[:1].upper() + outputs.exception[1:]] if outputs.exception else []
    yield _row(
        license, "outputs", "allows", "Training other models on its outputs", Side.OUTPUTS,
        answer(outputs.train_other_models), tuple(about),
    )  # fmt: skip
    if outputs.does_licensor_claim is not None:
        claim = (
            Status("Claimed by the licensor", Tone.DANGER)
            if outputs.does_licensor_claim
            else (Status("Not claimed by the licensor", Tone.SUCCESS))
        )
        yield _row(license, "outputs_owner", "allows", "Its outputs", Side.OUTPUTS, claim)


def _stops(license: KnownLicense, terms: Terms) -> Iterator[TermRow]:
    if terms.thresholds:
        lines = tuple(threshold_sentence(one) for one in terms.thresholds)
        yield _row(license, "thresholds", "stops", "Size of the licensee", Side.THRESHOLD, None, lines)
    if where := terms.territory:
        what = "every model" if where.applies_to == "all" else _words(where.applies_to)
        test = f", {TERRITORY_TESTS.get(where.test, _words(where.test))}" if where.test else ""
        lines = [f"Not granted in {', '.join(where.excluded_regions)} ({what}{test})."]
        lines += ["End users of a product are exempt."] if where.is_end_user_exempt else []
        lines += ["Reaches outputs, too."] if where.covers_outputs else []
        yield _row(license, "territory", "stops", "Territory", Side.TERRITORY, None, tuple(lines))
    use = terms.acceptable_use
    if use.flow_down in {FlowDown.COMPLY, FlowDown.ENFORCEABLE}:
        lines = [f"Rules of use apply: {use.document or 'see the text'}. {FLOWS[use.flow_down]}"]
        lines += ["The licensor may change these rules."] if use.is_mutable else []
        yield _row(license, "aup", "stops", "Rules of use", Side.FLOW_DOWN, None, tuple(lines))
    if use.prohibits:
        lines = (f"{', '.join(_words(tag) for tag in use.prohibits)}.".capitalize(),)
        yield _row(license, "prohibits", "stops", "Forbidden uses", Side.POLICY_ITEMS, None, lines)


def _asks(license: KnownLicense, terms: Terms) -> Iterator[TermRow]:
    words = shipped().obligations
    stays = set(terms.derivatives.must_carry)
    for duty in terms.obligations:
        when = TRIGGERS.get(duty.trigger) or _words(duty.trigger).capitalize()
        lines = [f"{when}{f', if {_words(duty.only_if)}' if duty.only_if else ''}: {words.get(duty.id, duty.id)}"]
        lines += ["Stays attached to whatever is made from it."] if duty.id in stays else []
        label = duty.id.removeprefix("OB-").replace("AUP", "USE-RULES").replace("-", " ").capitalize()
        yield _row(
            license, f"{duty.id}:{duty.trigger}", "asks", label, Side.DUTIES, None, tuple(lines),
            exact=duty.text or duty.value, code=duty.id,
        )  # fmt: skip


def _exact(license: KnownLicense, terms: Terms) -> Iterator[TermRow]:
    if terms.notice_text:
        yield _row(license, "notice", "words", "Notice to ship", Side.NOTICE, exact=terms.notice_text)
    if terms.display_text:
        yield _row(license, "display", "words", "Words to show", Side.DISPLAY, exact=terms.display_text)
    if terms.naming:
        reach = f"For a model made with its {' or its '.join(terms.naming.triggers)}." if terms.naming.triggers else ""
        lines = (reach,) if reach else ()
        yield _row(license, "naming", "words", "Names begin with", Side.DUTIES, None, lines, exact=terms.naming.value)


def _reach(license: KnownLicense, terms: Terms) -> Iterator[TermRow]:
    if terms.share_alike:
        lines = [REACHES[terms.share_alike]]
        if terms.share_alike_compatible_with:
            lines.append(f"Also allowed: {', '.join(terms.share_alike_compatible_with)}.")
        yield _row(
            license, "share_alike", "reach", "Terms of what is made from it", Side.DERIVATIVES, None, tuple(lines)
        )
    if terms.patent_grant or terms.patent_retaliation in RETALIATION:
        lines = [PATENTS.get(terms.patent_grant, _words(terms.patent_grant)) + "."] if terms.patent_grant else []
        lines += [RETALIATION[terms.patent_retaliation]] if terms.patent_retaliation in RETALIATION else []
        yield _row(license, "patents", "reach", "Patents", Side.PATENT, None, tuple(lines))
    if terms.governing_law:
        yield _row(license, "law", "reach", "Governing law", Side.LAW, None, (terms.governing_law,))


def _ends(license: KnownLicense, terms: Terms) -> Iterator[TermRow]:
    end = terms.termination
    facts = [
        (end.is_revocable, "The licensor may revoke it."),
        (end.is_automatic, "It ends by itself on breach."),
        (end.on_breach and not end.is_automatic, "The licensor may end it on breach."),
        (end.can_be_rewritten, "The licensor may rewrite the agreement."),
        (end.delete_on_end, "The material must be deleted when it ends."),
    ]
    lines = [sentence for holds, sentence in facts if holds]
    lines += [f"{end.special[0].upper()}{end.special[1:]}."] if end.special else []
    if lines:
        yield _row(license, "ends", "ends", "How it ends", Side.ENDING, None, tuple(lines))


def _open(license: KnownLicense, terms: Terms) -> Iterator[TermRow]:
    flags = (
        ("osi", "Approved by the Open Source Initiative", terms.is_osi_approved),
        ("fsf", "Libre by the Free Software Foundation's list", terms.is_fsf_libre),
        ("mof", "Open by the Model Openness Tool's list", terms.is_mof_open),
    )
    for key, label, holds in flags:
        if holds is not None:
            yield _row(license, key, "open", label, Side.GRANT, YES if holds else NO)
    for key, label, given in (
        ("osaid", "Fit for the Open Source AI Definition", terms.osaid),
        ("eu", "Free and open source under the EU's guidelines", terms.eu_open),
    ):
        if given is not None:
            yield _row(license, key, "open", label, Side.GRANT, answer(given))


_SECTIONS = (_allows, _stops, _asks, _exact, _reach, _ends, _open)


def _row(
    license: KnownLicense,
    key: str,
    group: str,
    label: str,
    side: Side,
    status: Status | None = None,
    lines: tuple[str, ...] = (),
    *,
    exact: str = "",
    code: str = "",
) -> TermRow:
    doubt = doubts(license, [side])
    return TermRow(key, group, label, status, lines, exact, code, doubt[:1].upper() + doubt[1:])


def _words(tag: str) -> str:
    return tag.replace("_", " ")
