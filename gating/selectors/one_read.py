"""What the decision about one person and one variant is made from, by one query: the same facts as `access_facts`.

Every file and every question of the Hub's protocol asks this first, and so it is written out. A test holds that it
finds what the queries for many rows find.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from accounts.models import User
from accounts.roles import Role
from gating.facts import GrantFacts, ServingFacts, Standing
from gating.states import RequestState
from registry.models import Variant
from registry.states import Level

FACTS = """
SELECT ARRAY(SELECT m.role FROM registry_membership m
             WHERE m.organization_id = %(organization)s AND m.user_id = %(user)s),
       s.level, s.commit_id, s.checkpoint_id,
       ARRAY(SELECT g.id FROM gating_grant g
             WHERE g.user_id = %(user)s AND g.variant_id = %(variant)s ORDER BY g.id),
       ARRAY(SELECT g.expires_at FROM gating_grant g
             WHERE g.user_id = %(user)s AND g.variant_id = %(variant)s ORDER BY g.id),
       ARRAY(SELECT r.revoked_at FROM gating_grant g LEFT JOIN gating_revocation r ON r.grant_id = g.id
             WHERE g.user_id = %(user)s AND g.variant_id = %(variant)s ORDER BY g.id),
       a.id, a.state, a.gate_version_id,
       CASE WHEN d.text_sha256 <> '' AND NOT EXISTS (
           SELECT 1 FROM licensing_acceptance c
           WHERE c.user_id = %(user)s AND c.variant_id = %(variant)s AND c.text_sha256 = d.text_sha256
       ) THEN d.due_at END,
       (SELECT v.is_automatic FROM gating_gateactivation i JOIN gating_gateversion v ON v.id = i.gate_version_id
        WHERE i.variant_id = %(variant)s ORDER BY i.id DESC LIMIT 1)
FROM (SELECT 1) AS one
LEFT JOIN registry_serving s ON s.variant_id = %(variant)s AND s.until IS NULL
LEFT JOIN gating_accessrequest a
       ON a.variant_id = %(variant)s AND a.user_id = %(user)s AND a.state <> 'cancelled'
LEFT JOIN LATERAL (
    SELECT t.text_sha256, t.due_at FROM gating_textdemand t
    WHERE t.variant_id = %(variant)s ORDER BY t.id DESC LIMIT 1
) d ON true
"""
NOBODY_AT_ALL = -1

Facts = tuple[frozenset[Role], ServingFacts | None, Standing]


def facts_of(user: User | None, variant: Variant) -> Facts:
    """The person's roles in the variant's organization, what is served of it, and how they stand at its gate."""
    with connection.prepared_cursor() as cursor:
        cursor.execute(
            FACTS,
            {
                "user": user.pk if user is not None else NOBODY_AT_ALL,
                "variant": variant.pk,
                "organization": variant.organization_id,
            },
        )
        found = cursor.fetchone()
    roles, level, commit_id, checkpoint_id, *standing, is_automatic = found
    serving = ServingFacts(Level(level), commit_id, checkpoint_id, bool(is_automatic)) if level else None
    return frozenset(Role(role) for role in roles), serving, _standing(*standing)


def _standing(
    ids: list[int],
    expiries: list[datetime],
    revocations: list[datetime | None],
    request_id: int | None,
    state: str | None,
    gate_id: int | None,
    due_at: Any,
) -> Standing:
    return Standing(
        request_id=request_id,
        request_state=RequestState(state) if state else None,
        request_gate_id=gate_id,
        grants=tuple(map(GrantFacts, ids, expiries, revocations)),
        accept_by=due_at if ids else None,
    )
