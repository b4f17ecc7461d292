"""What a license lets one do and asks for, as types: the ground on which rules about licenses stand.

Owns the words of each term and their reading from data. It judges nothing. None, or the empty text, is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from licensing.reading import Reader


class Kind(StrEnum):
    """What sort of license it is."""

    PERMISSIVE = "permissive"
    PERMISSIVE_CUSTOM = "permissive_custom"
    PUBLIC_DOMAIN = "public_domain"
    COPYLEFT = "copyleft"
    SHARE_ALIKE = "share_alike"
    COMMUNITY = "community"
    RAIL = "rail"
    RESEARCH = "research"
    NON_COMMERCIAL = "non_commercial"
    DATA_INTERNAL_USE = "data_internal_use"
    CUSTOM = "custom"
    UNKNOWN = "unknown"


class Answer(StrEnum):
    """An answer that may depend on conditions, or be contested."""

    YES = "yes"
    NO = "no"
    CONDITIONAL = "conditional"
    DISPUTED = "disputed"
    ARGUABLE = "arguable"


class UseScope(StrEnum):
    """What the material may be used for at all."""

    ANY = "any"
    NON_COMMERCIAL = "non_commercial"
    RESEARCH_ONLY = "research_only"
    RESEARCH_OR_EVALUATION = "research_or_evaluation"
    NON_PRODUCTION = "non_production"


class ShareAlike(StrEnum):
    """How far the license reaches into what is made from the material."""

    NONE = "none"
    WEAK = "weak"
    STRONG = "strong"
    NETWORK = "network"
    CONTENT = "content"
    DATA = "data"


class FlowDown(StrEnum):
    """Whether the acceptable-use rules bind only the licensee or must be passed on."""

    NONE = "none"
    COMPLY = "comply"
    ENFORCEABLE = "enforceable"


class Certainty(StrEnum):
    """How the terms are known. Only the first two are read from the text itself or as well known."""

    FULL_TEXT = "full_text"
    WELL_KNOWN = "well_known"
    EXCERPT = "excerpt"
    SECONDARY = "secondary"
    MEMORY = "memory"
    RULE = "rule"

    @property
    def is_solid(self) -> bool:
        """Whether a rule may rely on terms known this way; otherwise a person must look."""
        return self in {Certainty.FULL_TEXT, Certainty.WELL_KNOWN}


@dataclass(frozen=True, slots=True)
class Obligation:
    """One duty, and what triggers it."""

    id: str
    trigger: str
    only_if: str = ""
    text: str = ""
    value: str = ""
    reaches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Threshold:
    """A size of the licensee above which other rules hold."""

    metric: str
    op: str
    value: int | str | tuple[str, ...] | None
    period: str = ""
    measured_at: str = ""
    reference_date: str = ""
    subject: str = ""
    applies_to: str = ""
    effect: str = ""
    exempt_if: str = ""


@dataclass(frozen=True, slots=True)
class Territory:
    """Regions or populations that the license leaves out."""

    excluded_regions: tuple[str, ...]
    test: str = ""
    applies_to: str = ""
    is_end_user_exempt: bool | None = None
    covers_outputs: bool | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Naming:
    """A mark that the name of a derivative must bear."""

    position: str
    value: str
    triggers: tuple[str, ...] = ()
    applies_to: str = ""
    is_case_sensitive: bool | None = None


@dataclass(frozen=True, slots=True)
class Derivatives:
    """What counts as derived, and under which terms it may go on."""

    covers: tuple[str, ...] = ()
    are_outputs_derivatives: bool | None = None
    own_terms: Answer | None = None
    must_carry: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outputs:
    """Who owns what the model says, and whether other models may learn from it."""

    does_licensor_claim: bool | None = None
    train_other_models: Answer | None = None
    model_class: str = ""
    exception: str = ""


@dataclass(frozen=True, slots=True)
class AcceptableUse:
    """Rules of use beside the license itself."""

    document: str = ""
    is_mutable: bool | None = None
    flow_down: FlowDown | None = None
    prohibits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Termination:
    """How the license ends."""

    is_revocable: bool | None = None
    on_breach: bool | None = None
    is_automatic: bool | None = None
    delete_on_end: bool | None = None
    can_be_rewritten: bool | None = None
    special: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """All terms of one license version."""

    artefacts: tuple[str, ...] = ()
    commercial_use: Answer | None = None
    use_scope: UseScope | None = None
    thresholds: tuple[Threshold, ...] = ()
    territory: Territory | None = None
    redistribution: Answer | None = None
    is_hosting_distribution: bool | None = None
    obligations: tuple[Obligation, ...] = ()
    notice_text: str = ""
    display_text: str = ""
    naming: Naming | None = None
    derivatives: Derivatives = Derivatives()
    outputs: Outputs = Outputs()
    acceptable_use: AcceptableUse = AcceptableUse()
    patent_grant: str = ""
    patent_retaliation: str = ""
    termination: Termination = Termination()
    share_alike: ShareAlike | None = None
    share_alike_compatible_with: tuple[str, ...] = ()
    is_osi_approved: bool | None = None
    is_fsf_libre: bool | None = None
    osaid: Answer | None = None
    is_mof_open: bool | None = None
    eu_open: Answer | None = None
    governing_law: str = ""
    notes: str = ""

    @property
    def obligation_ids(self) -> frozenset[str]:
        """The duties by their names, whatever triggers them."""
        return frozenset(obligation.id for obligation in self.obligations)

    @classmethod
    def read(cls, given: Reader) -> Terms:
        """Take the terms out of a catalog entry; raises Malformed, and leaves the other keys to the caller."""
        distribution = given.inner("distribution") or Reader({})
        patent = given.inner("patent") or Reader({})
        terms = cls(
            artefacts=given.texts("artefacts"),
            commercial_use=given.choice("commercial_use", Answer),
            use_scope=given.choice("use_scope", UseScope),
            thresholds=tuple(_threshold(item) for item in given.inners("thresholds")),
            territory=_territory(given.inner("territory")),
            redistribution=distribution.choice("allowed", Answer),
            is_hosting_distribution=distribution.flag("hosted_service_is_distribution"),
            obligations=tuple(_obligation(item) for item in given.inners("obligations")),
            notice_text=given.text("notice_text"),
            display_text=given.text("display_text"),
            naming=_naming(given.inner("naming")),
            derivatives=_derivatives(given.inner("derivatives")),
            outputs=_outputs(given.inner("outputs")),
            acceptable_use=_acceptable_use(given.inner("acceptable_use")),
            patent_grant=patent.text("grant"),
            patent_retaliation=patent.text("retaliation"),
            termination=_termination(given.inner("termination")),
            share_alike=given.choice("share_alike", ShareAlike),
            share_alike_compatible_with=given.texts("share_alike_compatible_with"),
            is_osi_approved=given.flag("osi_approved"),
            is_fsf_libre=given.flag("fsf_libre"),
            osaid=given.choice("osaid_terms", Answer),
            is_mof_open=given.flag("mof_tool_open"),
            eu_open=given.choice("eu_foss_license", Answer),
            governing_law=given.text("governing_law"),
            notes=given.text("notes"),
        )
        distribution.finish()
        patent.finish()
        return terms


def terms_of(stored: dict[str, object]) -> Terms:
    """The terms that a license version holds as JSON; raises Malformed where a key is unknown."""
    given = Reader(stored)
    terms = Terms.read(given)
    given.finish()
    return terms


def _obligation(given: Reader) -> Obligation:
    found = Obligation(
        id=given.text("id"),
        trigger=given.text("trigger"),
        only_if=given.text("only_if"),
        text=given.text("text"),
        value=given.text("value"),
        reaches=given.texts("from"),
    )
    given.finish()
    return found


def _threshold(given: Reader) -> Threshold:
    found = Threshold(
        metric=given.text("metric"),
        op=given.text("op"),
        value=given.scalar("value"),
        period=given.text("period"),
        measured_at=given.text("measured_at"),
        reference_date=given.text("reference_date"),
        subject=given.text("subject"),
        applies_to=given.text("applies_to"),
        effect=given.text("effect"),
        exempt_if=given.text("exempt_if"),
    )
    given.finish()
    return found


def _territory(given: Reader | None) -> Territory | None:
    if given is None:
        return None
    found = Territory(
        excluded_regions=given.texts("excluded_regions"),
        test=given.text("test"),
        applies_to=given.text("applies_to"),
        is_end_user_exempt=given.flag("end_user_of_product_exempt"),
        covers_outputs=given.flag("covers_outputs"),
        source=given.text("source"),
    )
    given.finish()
    return found


def _naming(given: Reader | None) -> Naming | None:
    if given is None:
        return None
    found = Naming(
        position=given.text("position"),
        value=given.text("value"),
        triggers=given.texts("triggers"),
        applies_to=given.text("applies_to"),
        is_case_sensitive=given.flag("case_sensitive"),
    )
    given.finish()
    return found


def _derivatives(given: Reader | None) -> Derivatives:
    given = given or Reader({})
    found = Derivatives(
        covers=given.texts("covers"),
        are_outputs_derivatives=given.flag("outputs_are_derivatives"),
        own_terms=given.choice("own_terms", Answer),
        must_carry=given.texts("must_carry"),
    )
    given.finish()
    return found


def _outputs(given: Reader | None) -> Outputs:
    given = given or Reader({})
    found = Outputs(
        does_licensor_claim=given.flag("licensor_claims"),
        train_other_models=given.choice("train_other_models", Answer),
        model_class=given.text("class"),
        exception=given.text("exception"),
    )
    given.finish()
    return found


def _acceptable_use(given: Reader | None) -> AcceptableUse:
    given = given or Reader({})
    found = AcceptableUse(
        document=given.text("document"),
        is_mutable=given.flag("mutable"),
        flow_down=given.choice("flow_down", FlowDown),
        prohibits=given.texts("prohibits"),
    )
    given.finish()
    return found


def _termination(given: Reader | None) -> Termination:
    given = given or Reader({})
    found = Termination(
        is_revocable=given.flag("revocable"),
        on_breach=given.flag("on_breach"),
        is_automatic=given.flag("automatic"),
        delete_on_end=given.flag("delete_on_end"),
        can_be_rewritten=given.flag("unilateral_update"),
        special=given.text("special"),
    )
    given.finish()
    return found
