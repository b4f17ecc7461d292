"""Access as it is shown: one's own, and that of others to those who decide."""

from gating.presenters.access import AccessPanel, access_panel, model_rows, standing
from gating.presenters.events import SENTENCES
from gating.presenters.requests import (
    REQUESTS,
    answers,
    decisions,
    grant_rows,
    history,
    queue_tabs,
    request_rows,
    request_status,
)

__all__ = [
    "REQUESTS",
    "SENTENCES",
    "AccessPanel",
    "access_panel",
    "answers",
    "decisions",
    "grant_rows",
    "history",
    "model_rows",
    "queue_tabs",
    "request_rows",
    "request_status",
    "standing",
]
