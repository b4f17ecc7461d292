"""Access as one meets it oneself: where one stands at each model, and what one can do next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from accounts.models import User
from gating import policies, selectors
from gating.models import AccessRequest, GateVersion
from gating.policies import Access
from gating.policies.review import may_review
from licensing.models import LicenseVersion
from licensing.selectors import offers
from registry.models import Variant
from rules import Verdict
from web.tones import Status, Tone

# How somebody stands at a gate, by the code of what keeps them from reading.
STANDINGS = {
    "gating.sign_in_needed": Status("Gated", Tone.GATED, "lock"),
    "gating.not_asked": Status("Not asked yet", Tone.GATED, "lock"),
    "gating.pending": Status("Waiting for a decision", Tone.INFO, "hourglass"),
    "gating.rejected": Status("Request rejected", Tone.DANGER, "x"),
    "gating.revoked": Status("Access revoked", Tone.DANGER, "ban"),
    "gating.expired": Status("Access expired", Tone.WARNING, "hourglass"),
    "gating.text_changed": Status("License changed", Tone.WARNING, "writing-sign"),
}
# A refusal also goes to programs, and names the page; whoever is on it is told the rest.
ON_THE_PAGE = {
    "gating.not_asked": "Its files are read by people with access. You have not asked for it yet.",
    "gating.sign_in_needed": "Its files are read by people with access. Sign in to see yours, or to ask for it.",
}
MEMBER = Status("Member", Tone.NEUTRAL, "users")
PUBLIC = Status("Public", Tone.SUCCESS, "world")
GRANTED = Status("Access granted", Tone.GATED, "lock-open")
GATED = Status("Gated", Tone.GATED, "lock-open")
HIDDEN = Status("Not disclosed", Tone.MUTED, "eye-off")


@dataclass(frozen=True, slots=True)
class AccessPanel:
    """One person's access to one model: where they stand, on which terms, what they can do next."""

    variant: Variant
    status: Status
    sentence: str
    reads: Verdict
    may_ask: Verdict
    is_asking_offered: bool
    ask_label: str
    ask_url: str
    license_version: LicenseVersion | None
    gate: GateVersion | None
    request: AccessRequest | None
    expires_at: datetime | None
    accept_by: datetime | None
    may_accept_text: Verdict
    is_member: bool
    is_reviewer: bool
    needs_token: bool
    endpoint: str


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model as the portal lists it."""

    variant: Variant
    level: Status
    standing: Status | None
    license_version: LicenseVersion | None
    url: str


def access_panel(user: User | None, variant: Variant) -> AccessPanel:
    """What the panel of one's own access shows; about ten queries."""
    facts = selectors.access_facts(user, [variant])[variant.pk]
    actor = selectors.actor_of(user, variant)
    access = policies.decide(facts, actor)
    gate = selectors.gate_in_force(variant) if access.is_gated else None
    asking = policies.may_ask(facts, selectors.gate_facts(variant, gate), actor)
    live = facts.standing.live_grant(facts.at)
    is_renewal = facts.standing.last_grant is not None
    offered = offers([variant]).get(variant.pk)
    return AccessPanel(
        variant=variant,
        status=standing(access),
        sentence=_sentence(
            access, is_granted=live is not None and access.reads.allowed, organization=facts.organization
        ),
        reads=access.reads,
        may_ask=asking,
        is_asking_offered=access.is_gated and not access.is_member and (asking.allowed or not access.reads.allowed),
        ask_label="Ask for renewal" if is_renewal else "Ask for access",
        ask_url=reverse("gating:ask", args=[facts.organization, variant.name]),
        license_version=gate.license_version if gate and gate.license_version else offered,
        gate=gate,
        request=selectors.request_at(user, variant),
        expires_at=live.expires_at if live else None,
        accept_by=facts.standing.accept_by if live and access.is_gated else None,
        may_accept_text=policies.may_accept_text(facts, actor),
        is_member=access.is_member,
        is_reviewer=may_review(facts.organization, actor).allowed,
        needs_token=access.is_gated or not facts.is_disclosed,
        endpoint=settings.PUBLIC_URL,
    )


def standing(access: Access) -> Status:
    """How somebody stands, in a word."""
    if access.is_member:
        return MEMBER
    if not access.is_gated:
        return PUBLIC
    if access.reads.allowed:
        return GRANTED
    return next(STANDINGS[reason.code] for reason in access.reads.reasons if reason.code in STANDINGS)


def _sentence(access: Access, *, is_granted: bool, organization: str) -> str:
    if access.is_member:
        return f"You read it as a member of {organization}."
    if not access.is_gated:
        return "Anybody may read it; no account is needed."
    if is_granted:
        return "You may read it until your access ends."
    return next(
        (ON_THE_PAGE[one.code] for one in access.reads.reasons if one.code in ON_THE_PAGE), access.reads.sentence
    )


def model_rows(user: User | None, rows: Iterable[Variant]) -> list[ModelRow]:
    """Models with what one person may do with each; the number of queries does not grow with the rows."""
    rows = list(rows)
    facts = selectors.access_facts(user, rows)
    accesses = selectors.accesses(user, rows)
    licenses = offers(rows)
    is_somebody = user is not None and user.is_authenticated
    return [
        ModelRow(
            variant=row,
            level=_level(facts[row.pk].is_disclosed, facts[row.pk].is_gated),
            standing=standing(accesses[row.pk]) if facts[row.pk].is_gated and is_somebody else None,
            license_version=licenses.get(row.pk),
            url=f"/{row.repo_id}/",
        )
        for row in rows
    ]


def _level(is_disclosed: bool, is_gated: bool) -> Status:
    if not is_disclosed:
        return HIDDEN
    return GATED if is_gated else PUBLIC
