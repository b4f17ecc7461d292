"""Who decides requests, and who sets gates: the rules of those who hold the keys."""

from __future__ import annotations

from accounts.roles import Actor, Scope
from gating.facts import RequestFacts
from gating.form import is_plain_text
from gating.policies.access import WRITE_SCOPE_MISSING
from gating.states import BY_REQUESTER, GATE_KEEPERS, REVIEWERS, REVOKE, RequestState
from rules import Kind, Rule, Transition, Verdict

REASON_CHARACTERS = 500
GRACE_DAYS = 30
PROMPT_CHARACTERS = 10_000

REVIEW_SCOPE_MISSING = Rule(
    "gating.review_scope_missing",
    "The token may not be used to decide.",
    "You, with a token that has the scope review",
    Kind.WHO,
)
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
NOT_ANY_REVIEWER = Rule(
    "gating.not_any_reviewer",
    "The access queue is for those who decide requests, and for auditors.",
    "An owner of an organization, by giving you the role",
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
REASON_UNREADABLE = Rule(
    "gating.reason_unreadable",
    "The reason is no plain text.",
    "You, by removing control characters",
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
UNKNOWN_USER = Rule(
    "gating.unknown_user",
    "There is no user {name}.",
    "You, with the user name of somebody who has an account",
    Kind.WHAT,
    field="user",
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
                GRANT_IS_OVER.unless(request.has_live_grant or transition != REVOKE),
                LICENSE_NOT_ACCEPTED.unless(
                    not is_acceptance
                    or not request.demanded_sha256
                    or request.demanded_sha256 in request.accepted_sha256,
                    **names,
                ),
                REASON_MISSING.unless(is_acceptance or reason.strip()),
                REASON_UNREADABLE.unless(is_plain_text(reason)),
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


# --- gates ---

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
GRACE_OUT_OF_RANGE = Rule(
    "gating.grace_out_of_range",
    "The time to accept a changed text is 0 to 365 days, not {days}.",
    "You, by choosing a number in that range",
    Kind.WHAT,
    field="grace_days",
)
PROMPT_TOO_LONG = Rule(
    "gating.prompt_too_long",
    "The prompt has {count} characters; {limit} are allowed.",
    "You, with a shorter one",
    Kind.WHAT,
    field="prompt",
)


def may_keep_gate(organization: str, actor: Actor) -> Verdict:
    """Whether `actor` may see and write the gates of this organization at all."""
    return Verdict.of(
        NOT_A_GATE_KEEPER.unless(actor.is_system or actor.roles & GATE_KEEPERS, organization=organization),
        WRITE_SCOPE_MISSING.unless(actor.may_use(Scope.WRITE)),
    )


def may_set_gate(
    organization: str,
    actor: Actor,
    *,
    duration_days: int,
    prompt: str,
    license_name: str,
    has_text: bool,
    grace_days: int = GRACE_DAYS,
) -> Verdict:
    """Whether `actor` may make a new version of a gate with these terms; an empty license name stands for none."""
    terms = Verdict.of(
        LICENSE_WITHOUT_TEXT.unless(not license_name or has_text, license=license_name),
        DURATION_OUT_OF_RANGE.unless(1 <= duration_days <= 3650, days=duration_days),
        GRACE_OUT_OF_RANGE.unless(0 <= grace_days <= 365, days=grace_days),
        PROMPT_TOO_LONG.unless(len(prompt) <= PROMPT_CHARACTERS, count=len(prompt), limit=PROMPT_CHARACTERS),
    )
    return Verdict.all_of([may_keep_gate(organization, actor), terms])
