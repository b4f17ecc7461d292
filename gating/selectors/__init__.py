"""Reads of gating, always for a viewer: the access decision, gates, requests and grants."""

from gating.selectors.decision import (
    access,
    access_facts,
    accesses,
    actor_of,
    ask_url,
    readable_variants,
    standings_of,
    visible_variant,
    visible_variants,
)
from gating.selectors.gates import gate_facts, gate_in_force, gates_of, newest_gate
from gating.selectors.requests import (
    decision_time,
    grants_of,
    history_of,
    is_reviewer,
    live_grants,
    pending_count,
    request_facts,
    request_for,
    requests_for,
    requests_of,
)

__all__ = [
    "access",
    "access_facts",
    "accesses",
    "actor_of",
    "ask_url",
    "decision_time",
    "gate_facts",
    "gate_in_force",
    "gates_of",
    "grants_of",
    "history_of",
    "is_reviewer",
    "live_grants",
    "newest_gate",
    "pending_count",
    "readable_variants",
    "request_facts",
    "request_for",
    "requests_for",
    "requests_of",
    "standings_of",
    "visible_variant",
    "visible_variants",
]
