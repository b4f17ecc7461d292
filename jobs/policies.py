"""The rules of seeing background work."""

from __future__ import annotations

from rules import Kind, Rule, Verdict

UNKNOWN_JOB = Rule(
    "jobs.unknown_job",
    "There is no such job, or none that you may see.",
    "An owner of the organization whose work it is, by giving you a role there",
    Kind.MISSING,
)
NOT_CONCERNED = Rule(
    "jobs.not_concerned",
    "Background work is shown to members of an organization, and you are a member of none.",
    "An owner of an organization, by giving you a role there",
    Kind.WHO,
)


def may_see_workers(*, is_concerned: bool) -> Verdict:
    """Whether somebody may see what works here, and on which machines."""
    return Verdict.of(NOT_CONCERNED.unless(is_concerned))
