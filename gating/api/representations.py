"""Rows as the dictionaries that the API answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone

from accounts.roles import Actor
from gating import policies, selectors
from gating.models import AccessRequest, GateVersion, Grant
from gating.states import ACCEPT, CANCEL, KEEP, REJECT, REOPEN
from licensing.models import LicenseVersion
from rules import Verdict


def action(name: str, verdict: Verdict) -> dict[str, Any]:
    """A verb with its verdict."""
    return {"name": name, "allowed": verdict.allowed, "reasons": verdict.as_list()}


def request_row(row: AccessRequest) -> dict[str, Any]:
    """A request in a list."""
    return {
        "id": row.pk,
        "url": reverse("gating-api:request", args=[row.pk]),
        "variant": row.variant.repo_id,
        "user": row.user.username,
        "state": row.state,
        "asked_at": row.asked_at,
        "decided_at": row.decided_at,
        "decided_by": row.decided_by.username if row.decided_by else None,
        "reason": row.reason,
    }


def request(row: AccessRequest, actor: Actor) -> dict[str, Any]:
    """A request in full, with the acts as this actor may do them; a reason is taken as given."""
    facts = selectors.request_facts(row)
    verdicts = {
        transition.name: policies.may_move(transition, facts, actor, reason="given")
        for transition in (ACCEPT, REJECT, REOPEN)
    }
    verdicts["cancel"] = policies.may_move(KEEP if facts.has_live_grant else CANCEL, facts, actor)
    return request_row(row) | {
        "gate": row.gate_version.number if row.gate_version else None,
        "answers": row.answers,
        "accepted_text_sha256": row.acceptance.text_sha256 if row.acceptance else "",
        "grants": [grant(one) for one in selectors.grants_of(row)],
        "actions": [action(name, verdict) for name, verdict in verdicts.items()],
    }


def grant(row: Grant, at: datetime | None = None) -> dict[str, Any]:
    """A grant, with how it stands at a moment."""
    revocation = getattr(row, "revocation", None)
    is_live = row.expires_at > (at or timezone.now())
    return {
        "id": row.pk,
        "variant": row.variant.repo_id,
        "user": row.user.username,
        "request": row.request_id,
        "state": "revoked" if revocation else "live" if is_live else "expired",
        "granted_by": row.granted_by.username if row.granted_by else None,
        "granted_at": row.granted_at,
        "expires_at": row.expires_at,
        "revoked_at": revocation.revoked_at if revocation else None,
        "revoked_reason": revocation.reason if revocation else "",
    }


def gate(row: GateVersion, *, in_force: GateVersion | None) -> dict[str, Any]:
    """One version of a gate."""
    return {
        "number": row.number,
        "prompt": row.prompt,
        "form": row.fields,
        "license": _license(row.license_version),
        "grace_days": row.grace_days,
        "duration_days": row.duration_days,
        "is_automatic": row.is_automatic,
        "is_in_force": in_force is not None and row.pk == in_force.pk,
        "made_by": row.made_by.username,
        "made_at": row.made_at,
    }


def _license(version: LicenseVersion | None) -> dict[str, str] | None:
    if version is None:
        return None
    return {"key": version.license.key, "version": version.version, "text_sha256": version.text_sha256}
