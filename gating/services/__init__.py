"""Writes of gating: gates, requests, grants. All take keywords, and refuse with every reason."""

from gating.services.gates import follow_card, put_in_force, set_gate
from gating.services.grants import grant, revoke
from gating.services.requests import accept, accept_text, ask, cancel, reject, reopen

__all__ = [
    "accept",
    "accept_text",
    "ask",
    "cancel",
    "follow_card",
    "grant",
    "put_in_force",
    "reject",
    "reopen",
    "revoke",
    "set_gate",
]
