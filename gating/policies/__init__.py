"""The rules of gating, pure: the one access decision, asking, deciding, gate keeping."""

from gating.policies import review
from gating.policies.access import UNGATED_FILES, Access, decide
from gating.policies.asking import RENEWAL_OPENS, may_accept_text, may_ask
from gating.policies.review import (
    GRACE_DAYS,
    PROMPT_CHARACTERS,
    may_grant,
    may_keep_gate,
    may_move,
    may_review,
    may_set_gate,
)

__all__ = [
    "GRACE_DAYS",
    "PROMPT_CHARACTERS",
    "RENEWAL_OPENS",
    "UNGATED_FILES",
    "Access",
    "decide",
    "may_accept_text",
    "may_ask",
    "may_grant",
    "may_keep_gate",
    "may_move",
    "may_review",
    "may_set_gate",
    "review",
]
