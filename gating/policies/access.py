"""The one access decision: who may know of a variant, read its files, write to it.

Pages, API, Hub endpoint and workers all ask here, so that they refuse in the same words. Sentences are plain ASCII,
since they also travel in HTTP headers. Names of repositories stand in them, free text never does.
"""

from __future__ import annotations

from dataclasses import dataclass

from accounts.roles import WRITER_ROLES, Actor, Scope
from gating.facts import VariantAccessFacts
from gating.states import RequestState
from rules import Kind, Rule, Verdict

# Files at the root that stay readable at a gate: terms must be read before they are accepted.
UNGATED_FILES = frozenset({"README.md", "LICENSE", "LICENSE.md", "LICENSE.txt"})

NOT_FOUND = Rule(
    "gating.not_found",
    "There is no such repository, or none that you may see.",
    "A member of its organization, where it exists",
    Kind.MISSING,
)
SIGN_IN_NEEDED = Rule(
    "gating.sign_in_needed",
    "Access to model {repo_id} is restricted. You must have access to it and be authenticated to access it. "
    "Please log in.",
    "You, by signing in or sending a token",
    Kind.LOCKED,
)
READ_SCOPE_MISSING = Rule(
    "gating.read_scope_missing",
    "The token may not be used to read.",
    "You, with a token that has the scope read",
    Kind.WHO,
)
WRITE_SCOPE_MISSING = Rule(
    "gating.write_scope_missing",
    "The token may not be used to write.",
    "You, with a token that has the scope write",
    Kind.WHO,
)
NOT_ASKED = Rule(
    "gating.not_asked",
    "Access to model {repo_id} is restricted and you are not in the authorized list. "
    "Visit {ask_url} to ask for access.",
    "You, by asking for access",
    Kind.WHO,
)
PENDING = Rule(
    "gating.pending",
    "Your request to access model {repo_id} is awaiting a review from the repo authors.",
    "An access reviewer of {organization}",
    Kind.WHO,
)
REJECTED = Rule(
    "gating.rejected",
    "Your request to access model {repo_id} has been rejected by the repo's authors.",
    "An access reviewer of {organization}, by reopening your request",
    Kind.WHO,
)
EXPIRED = Rule(
    "gating.expired",
    "Your access to model {repo_id} ended on {ended_on}. Visit {ask_url} to renew it.",
    "You, by asking for renewal",
    Kind.WHO,
)
REVOKED = Rule(
    "gating.revoked",
    "Your access to model {repo_id} has been revoked by the repo's authors.",
    "An access reviewer of {organization}, by reopening your request",
    Kind.WHO,
)
TEXT_CHANGED = Rule(
    "gating.text_changed",
    "The license of model {repo_id} has changed, and the time to accept the new text ended on {ended_on}. "
    "Visit {ask_url} to accept it.",
    "You, by reading and accepting the new text",
    Kind.WHO,
)
NOT_WRITER = Rule(
    "gating.not_writer",
    "You may read model {repo_id}, but not write to it.",
    "An owner of {organization}, by giving you a role that writes",
    Kind.WHO,
)


@dataclass(frozen=True, slots=True)
class Access:
    """What one person may do with one variant now.

    `only_commit_id` names the single commit that they may know of; None leaves them the whole history.
    `is_gate_automatic` where a governed gate lets everybody in who asks.
    """

    sees: Verdict
    reads: Verdict
    writes: Verdict
    is_member: bool
    is_gated: bool
    only_commit_id: int | None = None
    is_gate_automatic: bool = False

    def reads_path(self, path: str) -> Verdict:
        """Whether they may read one file: card and license at the root are not behind the gate."""
        return self.sees if path in UNGATED_FILES else self.reads


def decide(facts: VariantAccessFacts, actor: Actor) -> Access:
    """What `actor`, with their roles in the variant's organization, may do; hidden is answered as missing."""
    # A token that may not even read brings none of its owner's membership with it.
    is_member = actor.is_system or (actor.is_member and actor.may_use(Scope.READ))
    if not (is_member or facts.is_disclosed):
        missing = Verdict.of(NOT_FOUND.refuse())
        return Access(missing, missing, missing, is_member=False, is_gated=facts.is_gated)
    serving = None if is_member or facts.is_direct_control else facts.serving
    return Access(
        sees=Verdict(),
        reads=_reads(facts, actor, is_member=is_member),
        writes=_writes(facts, actor),
        is_member=is_member,
        is_gated=facts.is_gated,
        only_commit_id=serving.commit_id if serving else None,
        is_gate_automatic=facts.serving is not None and facts.serving.is_gate_automatic,
    )


def _reads(facts: VariantAccessFacts, actor: Actor, *, is_member: bool) -> Verdict:
    if is_member:
        return Verdict()
    scope = READ_SCOPE_MISSING.unless(actor.may_use(Scope.READ))
    if not facts.is_gated:
        return Verdict.of(scope)
    names = {"repo_id": facts.repo_id, "organization": facts.organization, "ask_url": facts.ask_url}
    if actor.is_anonymous:
        return Verdict.of(SIGN_IN_NEEDED.refuse(**names))
    standing = facts.standing
    if standing.live_grant(facts.at):
        due = standing.accept_by.date().isoformat() if standing.accept_by else ""
        return Verdict.of(scope, TEXT_CHANGED.unless(not standing.must_accept(facts.at), **names, ended_on=due))
    last, state = standing.last_grant, standing.request_state
    by_state = {
        RequestState.PENDING: PENDING,
        RequestState.REJECTED: REJECTED,
        RequestState.REVOKED: REVOKED,
    }
    if state in by_state:
        reason = by_state[state].refuse(**names)
    elif last is None:
        reason = NOT_ASKED.refuse(**names)
    elif last.revoked_at is not None:
        reason = REVOKED.refuse(**names)
    else:
        reason = EXPIRED.refuse(**names, ended_on=last.expires_at.date().isoformat())
    return Verdict.of(scope, reason)


def _writes(facts: VariantAccessFacts, actor: Actor) -> Verdict:
    names = {"repo_id": facts.repo_id, "organization": facts.organization}
    if actor.is_anonymous:
        return Verdict.of(SIGN_IN_NEEDED.refuse(**names))
    return Verdict.of(
        NOT_WRITER.unless(actor.is_system or actor.roles & WRITER_ROLES, **names),
        WRITE_SCOPE_MISSING.unless(actor.may_use(Scope.WRITE)),
    )
