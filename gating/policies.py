"""The one access decision, and the rules of asking, deciding and gate keeping.

Pages, API, Hub endpoint and workers all ask here, so that they refuse in the same words. Sentences are plain ASCII,
since they also travel in HTTP headers. Names of repositories and people stand in them, free text never does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from accounts.roles import WRITER_ROLES, Actor, Scope
from gating.facts import GateFacts, RequestFacts, VariantAccessFacts
from gating.states import BY_REQUESTER, GATE_KEEPERS, REVIEWERS, RequestState
from rules import Kind, Rule, Transition, Verdict

# Files at the root that stay readable at a gate: terms must be read before they are accepted.
UNGATED_FILES = frozenset({"README.md", "LICENSE", "LICENSE.md", "LICENSE.txt"})
RENEWAL_OPENS = timedelta(days=30)
REASON_CHARACTERS = 500

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
REVIEW_SCOPE_MISSING = Rule(
    "gating.review_scope_missing",
    "The token may not be used to decide.",
    "You, with a token that has the scope review",
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
    """

    sees: Verdict
    reads: Verdict
    writes: Verdict
    is_member: bool
    is_gated: bool
    only_commit_id: int | None = None

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
        return Verdict.of(scope)
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


# --- asking ------------------------------------------------------------------------------------

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


# --- deciding ----------------------------------------------------------------------------------

REQUEST_NOT_FOUND = Rule(
    "gating.request_not_found",
    "There is no such request, or none that you may see.",
    "An access reviewer of its organization, where it exists",
    Kind.MISSING,
)
WRONG_STATE = Rule(
    "gating.wrong_state",
    "A request that is {state} cannot be moved by: {verb}.",
    "Whoever may first move it to {sources}",
)
NOT_A_REVIEWER = Rule(
    "gating.not_a_reviewer",
    "Requests for models of {organization} are decided by its access reviewers and owners.",
    "An owner of {organization}, by giving you the role",
    Kind.WHO,
)
OWN_REQUEST = Rule(
    "gating.own_request",
    "Nobody decides their own request.",
    "Another access reviewer of {organization}",
    Kind.WHO,
)
NOT_THE_REQUESTER = Rule(
    "gating.not_the_requester",
    "Only {user_name} can withdraw this request.",
    "{user_name}",
    Kind.WHO,
)
REASON_MISSING = Rule(
    "gating.reason_missing",
    "Say why; the requester reads it.",
    "You, with a sentence",
    Kind.WHAT,
    field="reason",
)
REASON_TOO_LONG = Rule(
    "gating.reason_too_long",
    "The reason has {count} characters; {limit} are allowed.",
    "You, with a shorter one",
    Kind.WHAT,
    field="reason",
)
LICENSE_NOT_ACCEPTED = Rule(
    "gating.license_not_accepted",
    "{user_name} has not accepted the license text that the gate demands.",
    "{user_name}, by asking for access with the present form",
)
ALREADY_HAS_GRANT = Rule(
    "gating.already_has_grant",
    "{user_name} has access already.",
    "An access reviewer of {organization}, by revoking the present grant first",
)
GRANT_IS_OVER = Rule(
    "gating.grant_is_over",
    "This grant has ended already.",
    "Nobody; there is nothing to end",
)
DAYS_OUT_OF_RANGE = Rule(
    "gating.days_out_of_range",
    "A grant lasts from 1 to 3650 days, not {days}.",
    "You, by choosing a number in that range",
    Kind.WHAT,
    field="days",
)
GATE_IS_OFF = Rule(
    "gating.gate_is_off",
    "The model is not gated, so that access to it is neither granted nor refused.",
    "Whoever decides its disclosure, by putting it behind a gate",
)


def may_move(transition: Transition, request: RequestFacts, actor: Actor, *, reason: str = "") -> Verdict:
    """Whether `actor` may make this move with this request; reviewers' moves that take something away need a reason."""
    names = {"organization": request.organization, "user_name": request.user_name}
    is_own = actor.id == request.user_id
    asked = Verdict.of(
        WRONG_STATE.unless(
            transition.starts_at(request.state),
            state=request.state.value,
            verb=transition.name,
            sources=" or ".join(sorted(transition.sources)),
        )
    )
    if transition in BY_REQUESTER:
        who = Verdict.of(
            NOT_THE_REQUESTER.unless(is_own, **names), WRITE_SCOPE_MISSING.unless(actor.may_use(Scope.WRITE))
        )
        return Verdict.all_of([who, asked])
    is_acceptance = transition.target == RequestState.ACCEPTED
    return Verdict.all_of(
        [
            may_review(request.organization, actor),
            Verdict.of(OWN_REQUEST.unless(not is_own, **names)),
            asked,
            Verdict.of(
                GATE_IS_OFF.unless(request.is_gated or not is_acceptance),
                LICENSE_NOT_ACCEPTED.unless(
                    not is_acceptance
                    or not request.demanded_sha256
                    or request.demanded_sha256 in request.accepted_sha256,
                    **names,
                ),
                REASON_MISSING.unless(is_acceptance or reason.strip()),
                REASON_TOO_LONG.unless(len(reason) <= REASON_CHARACTERS, count=len(reason), limit=REASON_CHARACTERS),
            ),
        ]
    )


def may_grant(request: RequestFacts, actor: Actor, *, days: int | None) -> Verdict:
    """Whether `actor` may grant access to somebody who need not have asked."""
    names = {"organization": request.organization, "user_name": request.user_name}
    return Verdict.all_of(
        [
            may_review(request.organization, actor),
            Verdict.of(
                OWN_REQUEST.unless(actor.id != request.user_id, **names),
                GATE_IS_OFF.unless(request.is_gated),
                ALREADY_HAS_GRANT.unless(not request.has_live_grant, **names),
                LICENSE_NOT_ACCEPTED.unless(
                    not request.demanded_sha256 or request.demanded_sha256 in request.accepted_sha256, **names
                ),
                DAYS_OUT_OF_RANGE.unless(days is None or 1 <= days <= 3650, days=days),
            ),
        ]
    )


def may_review(organization: str, actor: Actor) -> Verdict:
    """Whether `actor` decides requests for this organization's models."""
    return Verdict.of(
        NOT_A_REVIEWER.unless(actor.is_system or actor.roles & REVIEWERS, organization=organization),
        REVIEW_SCOPE_MISSING.unless(actor.may_use(Scope.REVIEW)),
    )


# --- gate keeping ------------------------------------------------------------------------------

NOT_A_GATE_KEEPER = Rule(
    "gating.not_a_gate_keeper",
    "Gates of {organization} are set by its access reviewers, release managers and owners.",
    "An owner of {organization}, by giving you one of these roles",
    Kind.WHO,
)
LICENSE_WITHOUT_TEXT = Rule(
    "gating.license_without_text",
    "The text of {license} is not held here, so that nobody could accept it.",
    "A legal reviewer, by adding the license with its text",
    Kind.WHAT,
    field="license_version",
)
DURATION_OUT_OF_RANGE = Rule(
    "gating.duration_out_of_range",
    "A gate grants access for 1 to 3650 days, not {days}.",
    "You, by choosing a number in that range",
    Kind.WHAT,
    field="duration_days",
)
PROMPT_TOO_LONG = Rule(
    "gating.prompt_too_long",
    "The prompt has {count} characters; {limit} are allowed.",
    "You, with a shorter one",
    Kind.WHAT,
    field="prompt",
)
PROMPT_CHARACTERS = 10_000


def may_set_gate(
    organization: str, actor: Actor, *, duration_days: int, prompt: str, license_name: str, has_text: bool
) -> Verdict:
    """Whether `actor` may make a new version of a gate with these terms; an empty license name stands for none."""
    return Verdict.of(
        NOT_A_GATE_KEEPER.unless(actor.is_system or actor.roles & GATE_KEEPERS, organization=organization),
        WRITE_SCOPE_MISSING.unless(actor.may_use(Scope.WRITE)),
        LICENSE_WITHOUT_TEXT.unless(not license_name or has_text, license=license_name),
        DURATION_OUT_OF_RANGE.unless(1 <= duration_days <= 3650, days=duration_days),
        PROMPT_TOO_LONG.unless(len(prompt) <= PROMPT_CHARACTERS, count=len(prompt), limit=PROMPT_CHARACTERS),
    )
