"""Who may ask for access, and when: the rules around the gate's form."""

from __future__ import annotations

from datetime import timedelta

from accounts.roles import Actor, Scope
from gating.facts import GateFacts, VariantAccessFacts
from gating.policies.access import WRITE_SCOPE_MISSING, decide
from gating.states import RequestState
from rules import Kind, Rule, Verdict

RENEWAL_OPENS = timedelta(days=30)

ASK_SIGN_IN = Rule(
    "gating.ask_sign_in",
    "Nobody is signed in, and access is asked for by somebody.",
    "You, by signing in or sending a token",
    Kind.LOCKED,
)
NOT_GATED = Rule(
    "gating.not_gated",
    "Model {repo_id} is not gated, so that there is no access to ask for.",
    "Whoever decides its disclosure, by putting it behind a gate",
)
NEEDS_NO_GRANT = Rule(
    "gating.needs_no_grant",
    "Members of {organization} read model {repo_id} without a grant.",
    "Nobody; there is nothing to lift",
)
NO_GATE = Rule(
    "gating.no_gate",
    "Model {repo_id} is gated, but no form for its requests is in force yet.",
    "A release manager of {organization}",
)
PERSON_NEEDED = Rule(
    "gating.person_needed",
    "Terms are accepted by a person; a service account cannot ask.",
    "An access reviewer of {organization}, by granting it access",
    Kind.WHO,
)
ALREADY_ASKED = Rule(
    "gating.already_asked",
    "You have asked for access to model {repo_id} already, and nobody has decided yet.",
    "An access reviewer of {organization}",
)
ALREADY_GRANTED = Rule(
    "gating.already_granted",
    "You have access to model {repo_id} until {expires_on}; renewal opens on {renewal_on}.",
    "Nobody before then",
)
NOTHING_TO_ACCEPT = Rule(
    "gating.nothing_to_accept",
    "There is no new license text of model {repo_id} for you to accept.",
    "Nobody; there is nothing to accept",
)
ASK_CLOSED = Rule(
    "gating.ask_closed",
    "Your request to access model {repo_id} was {state}; asking again needs it to be reopened.",
    "An access reviewer of {organization}, by reopening your request",
)


def may_ask(facts: VariantAccessFacts, gate: GateFacts | None, actor: Actor) -> Verdict:
    """Whether `actor` may send the gate's form now, for the first time or for renewal."""
    access = decide(facts, actor)
    if not access.sees.allowed:
        return access.sees
    names = {"repo_id": facts.repo_id, "organization": facts.organization}
    if actor.is_anonymous:
        return Verdict.of(ASK_SIGN_IN.refuse())
    standing, live = facts.standing, facts.standing.live_grant(facts.at)
    opens_at = live.expires_at - RENEWAL_OPENS if live else facts.at
    state = standing.request_state
    is_outdated = gate is not None and standing.request_gate_id != gate.id
    return Verdict.of(
        WRITE_SCOPE_MISSING.unless(actor.may_use(Scope.WRITE)),
        PERSON_NEEDED.unless(not actor.is_service, **names),
        NOT_GATED.unless(facts.is_gated, **names),
        NEEDS_NO_GRANT.unless(not access.is_member, **names),
        NO_GATE.unless(gate is not None or not facts.is_gated, **names),
        # Whoever answered an older form may answer the new one while they wait.
        ALREADY_ASKED.unless(state != RequestState.PENDING or is_outdated, **names),
        ASK_CLOSED.unless(state not in {RequestState.REJECTED, RequestState.REVOKED}, **names, state=state),
        ALREADY_GRANTED.unless(
            state == RequestState.PENDING or facts.at >= opens_at,
            **names,
            expires_on=live.expires_at.date().isoformat() if live else "",
            renewal_on=opens_at.date().isoformat(),
        ),
    )


def may_accept_text(facts: VariantAccessFacts, actor: Actor) -> Verdict:
    """Whether `actor`, who has access, may accept the text that the gate demands now, so that their grant goes on."""
    access = decide(facts, actor)
    if not access.sees.allowed:
        return access.sees
    if actor.is_anonymous:
        return Verdict.of(ASK_SIGN_IN.refuse())
    names = {"repo_id": facts.repo_id, "organization": facts.organization}
    is_open = facts.is_gated and facts.standing.live_grant(facts.at) and facts.standing.accept_by
    return Verdict.of(
        WRITE_SCOPE_MISSING.unless(actor.may_use(Scope.WRITE)),
        PERSON_NEEDED.unless(not actor.is_service, **names),
        NOTHING_TO_ACCEPT.unless(is_open, **names),
    )
