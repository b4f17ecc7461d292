"""The rules of reading the record. What somebody may read is a filter, in `access`; nobody may write."""

from __future__ import annotations

from rules import Kind, Rule

UNKNOWN_EVENT = Rule(
    "audit.unknown_event",
    "There is no such event, or none that you may read.",
    "An owner of the organization in which it happened, by giving you a role there",
    Kind.MISSING,
)
