"""Writes of gates: new versions of them, and which one is in force."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

import audit.services as audit
from accounts.models import User
from accounts.roles import Scope
from gating import policies, selectors
from gating.form import BAD_DEFINITION, is_plain_text, read_fields
from gating.hub_form import from_card
from gating.models import GateActivation, GateVersion, TextDemand
from licensing.card import words
from licensing.models import LicenseVersion
from licensing.selectors import current_version, licenses_in_card
from licensing.services import offer_under
from registry.models import Variant
from rules import Refused

HUB_DURATION_DAYS = 3650  # a grant on the Hub has no end; ours always has one


@transaction.atomic
def set_gate(
    *,
    variant: Variant,
    fields: object,
    license_version: LicenseVersion | None,
    duration_days: int,
    prompt: str = "",
    is_automatic: bool = False,
    grace_days: int = policies.GRACE_DAYS,
    by: User,
    scopes: frozenset[Scope] | None = None,
) -> GateVersion:
    """Write a new version of the variant's gate; the same terms again answer the version that has them.

    In a governed organization it comes into force with the release that carries it, not before.
    """
    locked = (
        Variant.objects.select_for_update(of=("self",), no_key=True).select_related("organization").get(pk=variant.pk)
    )
    actor = selectors.actor_of(by, locked, scopes=scopes)
    selectors.access(by, locked, scopes=scopes).sees.require()
    policies.may_set_gate(
        locked.organization.name,
        actor,
        duration_days=duration_days,
        prompt=prompt,
        license_name=str(license_version) if license_version else "",
        has_text=license_version is not None and license_version.has_text,
        grace_days=grace_days,
    ).require()
    return _write(
        locked,
        by=by,
        fields=[field.as_dict() for field in read_fields(fields)],
        license_version=license_version,
        duration_days=duration_days,
        prompt=_prompt(prompt),
        is_automatic=is_automatic,
        grace_days=grace_days,
    )


@transaction.atomic
def follow_card(*, variant: Variant, metadata: dict[str, object], by: User) -> GateVersion | None:
    """Take the form that a card's `extra_gated_*` keys ask for, under direct control; None elsewhere.

    Whoever may commit the card may set its form, as on the Hub. Raises Refused where the form cannot be used.
    """
    if not variant.organization.is_direct_control:
        return None
    _follow_license(variant, metadata, by)
    form = from_card(metadata)
    locked = (
        Variant.objects.select_for_update(of=("self",), no_key=True).select_related("organization").get(pk=variant.pk)
    )
    newest = selectors.newest_gate(locked)
    return _write(
        locked,
        by=by,
        fields=[field.as_dict() for field in form.fields],
        license_version=newest.license_version if newest else None,
        duration_days=newest.duration_days if newest else HUB_DURATION_DAYS,
        prompt=_prompt(form.prompt[: policies.PROMPT_CHARACTERS]),
        is_automatic=newest.is_automatic if newest else False,
        grace_days=newest.grace_days if newest else policies.GRACE_DAYS,
    )


def _locked(variant: Variant) -> Variant:
    # NO KEY UPDATE: requests and downloads can still refer to the variant meanwhile.
    rows = Variant.objects.select_for_update(of=("self",), no_key=True).select_related("organization")
    return rows.get(pk=variant.pk)


@transaction.atomic
def put_in_force(
    *, gate_version: GateVersion, release_digest: str, at: datetime, by: User | None = None
) -> GateActivation:
    """Make a gate the one that requesters meet; called by a release in the transaction that serves the variant.

    Nothing is added where that gate came into force by that release already.
    """
    newest = GateActivation.objects.select_for_update().filter(variant=gate_version.variant_id).order_by("-id").first()
    if newest and newest.gate_version_id == gate_version.pk and newest.release_digest == release_digest:
        return newest
    made = GateActivation.objects.create(
        variant=gate_version.variant, gate_version=gate_version, release_digest=release_digest, since=at
    )
    _demand_text(gate_version, at)
    audit.record(
        "gating:gate:put_in_force",
        subject=gate_version.variant,
        actor=by,
        at=at,
        organization=gate_version.variant.organization.name,
        number=gate_version.number,
        release_digest=release_digest,
    )
    return made


def _demand_text(gate: GateVersion, at: datetime) -> None:
    """Note from when the gate in force demands its text, where it is another one than before."""
    text = gate.license_version.text_sha256 if gate.license_version else ""
    newest = TextDemand.objects.filter(variant=gate.variant_id).order_by("-id").first()
    if (newest.text_sha256 if newest else "") != text:
        due_at = at + timedelta(days=gate.grace_days)
        TextDemand.objects.create(
            variant_id=gate.variant_id, gate_version=gate, text_sha256=text, since=at, due_at=due_at
        )


def _follow_license(variant: Variant, metadata: dict[str, object], by: User) -> None:
    """Record the license that a card names, where exactly one is meant."""
    named = words(metadata.get("license"))
    name = next(iter(words(metadata.get("license_name"))), "")
    meant = licenses_in_card(named[0], name) if len(named) == 1 else []
    if len(meant) == 1:
        offer_under(variant=variant, license_version=current_version(meant[0]), at=timezone.now(), by=by)


def _prompt(given: str) -> str:
    prompt = given.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not is_plain_text(prompt):
        raise Refused.because(BAD_DEFINITION, problem="the prompt is no plain text", field="prompt")
    return prompt


def _write(variant: Variant, *, by: User, **terms: object) -> GateVersion:
    newest = selectors.newest_gate(variant)
    if newest and all(getattr(newest, name) == value for name, value in terms.items()):
        return newest
    now = timezone.now()
    highest = GateVersion.objects.filter(variant=variant).aggregate(highest=Max("number"))["highest"] or 0
    made = GateVersion.objects.create(variant=variant, number=highest + 1, made_by=by, made_at=now, **terms)
    license_version = made.license_version
    if variant.organization.is_direct_control:
        _demand_text(made, now)
    audit.record(
        "gating:gate:set",
        subject=variant,
        actor=by,
        at=now,
        organization=variant.organization.name,
        number=made.number,
        fields=[field["name"] for field in made.fields],
        license_text_sha256=license_version.text_sha256 if license_version else "",
        duration_days=made.duration_days,
        is_automatic=made.is_automatic,
        grace_days=made.grace_days,
    )
    return made
