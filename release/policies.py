"""Who may move a release, and when. Every answer has all its reasons."""

from __future__ import annotations

from datetime import datetime

from accounts.roles import WRITER_ROLES, Actor, Role, Scope
from registry.states import Level
from release import states
from release.facts import ReleaseFacts
from release.requirements import (
    Requirement,
    approval_requirements,
    content_requirements,
    evidence_requirements,
    required_roles,
)
from release.states import Transition
from rules import Kind, Rule, Verdict

NOT_MEMBER = Rule("release.not_found", "There is no such release.", "Nobody", Kind.MISSING)
SCOPE_MISSING = Rule(
    "release.scope_missing",
    "The token does not have the scope “{scope}”.",
    "You, with a token that has this scope",
    Kind.WHO,
)
WRONG_STATE = Rule(
    "release.wrong_state",
    "The release is {state}; one can {verb} it only when it is {sources}.",
    "Nobody, until the release is in that state",
)
NOT_IN_ROLE = Rule(
    "release.not_in_role",
    "To {verb} a release takes somebody who is {roles}.",
    "An owner, by giving the role",
    Kind.WHO,
)
SAME_PERSON = Rule(
    "release.same_person",
    "You submitted this release, and whoever submits never approves.",
    "Another reviewer",
    Kind.WHO,
)
SERVICE_ACCOUNT = Rule(
    "release.service_account", "Service accounts never sign.", "A person with a reviewer's role", Kind.WHO
)
STALE_DIGEST = Rule(
    "release.stale_digest",
    "You looked at {seen}, but the release is now {digest}: it changed meanwhile.",
    "You, by looking at it as it is now",
)
NOT_ASKED = Rule(
    "release.not_asked", "The policy does not ask your role ({role}) to sign this release.", "Nobody", Kind.WHO
)
ALREADY_VOTED = Rule("release.already_voted", "You have voted on this digest: one person, one vote.", "Nobody")
ROLE_VOTED = Rule("release.role_voted", "The role {role} has voted on this digest already.", "Nobody")
REASON_NEEDED = Rule(
    "release.reason_needed", "A refusal needs a reason.", "You, by giving one", Kind.WHAT, field="reason"
)
PAST_SCHEDULE = Rule(
    "release.past_schedule", "{at} has passed.", "You, by naming a later moment", Kind.WHAT, field="scheduled_for"
)
ITEM_LEVEL_UNKNOWN = Rule(
    "release.unknown_level", "“{level}” is no disclosure level.", "You, by naming one", Kind.WHAT, field="level"
)
REFUSED_BEFORE = Rule(
    "release.refused_before",
    "Exactly this release was refused by {role}: {reason}",
    "The release manager, by changing what was refused",
)
EMBARGOED = Rule(
    "release.embargoed",
    "What was signed names {at} as its hour.",
    "Nobody before then; schedule it, or take it back to draft and have another hour signed",
)
NO_HOUR = Rule(
    "release.no_hour",
    "The release names no hour that lies ahead.",
    "The release manager, by publishing at once, or by naming an hour in the draft",
)
UNKNOWN_REASON = Rule(
    "release.unknown_reason", "“{reason_code}” is no reason code.", "You, by naming one", Kind.WHAT, field="reason_code"
)
UNKNOWN_COMPONENT = Rule(
    "release.unknown_component", "“{component}” is no component.", "You, by naming one", Kind.WHAT, field="components"
)
NOT_OF_ORGANIZATION = Rule(
    "release.foreign", "{what} does not belong to {organization}.", "You, by choosing another", Kind.WHAT
)
NOT_IN_RELEASE = Rule(
    "release.not_in_release", "“{variant}” is not in this release.", "The release manager, by adding it", Kind.MISSING
)
INSIDE_ONLY = Rule(
    "release.inside_only",
    "There is no such page, or none that you may see.",
    "A member of its organization",
    Kind.MISSING,
)
REVISION_HIDDEN = Rule(
    "release.revision_hidden",
    "There is no revision “{revision}”, or none that you may see.",
    "A member of its organization, where it exists",
    Kind.MISSING,
)
NO_CHECKPOINT = Rule(
    "release.no_checkpoint",
    "{variant} has no commit with the checkpoint {digest}.",
    "You, by naming one of its checkpoints",
    Kind.MISSING,
)
CHECKPOINT_FOREIGN = Rule(
    "release.checkpoint_foreign",
    "{variant} has no commit with the checkpoint {digest}.",
    "You, by choosing one of its checkpoints",
    Kind.WHAT,
    field="checkpoint",
)
UNKNOWN_OWNER = Rule(
    "release.unknown_owner",
    "Nobody of {organization} is named “{name}”.",
    "You, by naming a member",
    Kind.WHAT,
    field="owner",
)
UNKNOWN_LICENSE = Rule(
    "release.unknown_license",
    "There is no license “{key}” with such a text in the catalog.",
    "A legal reviewer, by adding it",
    Kind.WHAT,
    field="license",
)
UNKNOWN_TARGET = Rule(
    "release.unknown_target",
    "There is no active target “{name}”.",
    "The operator, by adding it",
    Kind.WHAT,
    field="targets",
)
WITHDRAWAL_REASON = Rule(
    "release.withdrawal_reason", "A withdrawal needs a reason.", "You, by giving one", Kind.WHAT, field="reason"
)
SIGNER_SUBMITS = Rule(
    "release.signer_submits",
    "You signed exactly this release before it was taken back, and whoever signs never submits.",
    "Another release manager, or you, by changing the release",
    Kind.WHO,
)
REPOSITORY_BUSY = Rule(
    "release.repository_busy",
    "“{release}” is on its way to {repo} on {target}; a repository has one publisher at a time.",
    "Nobody, until that is live or withdrawn",
)
BAD_CARD = Rule(
    "release.bad_card",
    "README.md of {repo} cannot be read: {problem}",
    "Whoever uploads, by mending the file",
    Kind.WHAT,
)


BAD_PARENT = Rule(
    "release.bad_parent",
    "“{name}” names no model: it has the form organization/name.",
    "You, by naming one in that form",
    Kind.WHAT,
    field="parent",
)


def may_see(actor: Actor) -> Verdict:
    """Whether somebody may know of an organization's releases: its members, reading."""
    return Verdict.of(
        NOT_MEMBER.unless(actor.is_member or actor.is_system),
        SCOPE_MISSING.unless(actor.may_use(Scope.READ), scope=Scope.READ),
    )


def may_list(scopes: frozenset[Scope] | None) -> Verdict:
    """Whether a caller may list at all; what is in the list is settled by their memberships."""
    return Verdict.of(SCOPE_MISSING.unless(scopes is None or Scope.READ in scopes, scope=Scope.READ))


def may_create_variant(actor: Actor) -> Verdict:
    """Whether somebody may add a variant to an organization."""
    return Verdict.of(
        NOT_MEMBER.unless(actor.is_member),
        NOT_IN_ROLE.unless(actor.roles & WRITER_ROLES, verb="add a model for", roles=any_of(WRITER_ROLES)),
        SCOPE_MISSING.unless(actor.may_use(Scope.WRITE), scope=Scope.WRITE),
    )


def may_name_parents(actor: Actor) -> Verdict:
    """Whether somebody may record where a variant of an organization came from."""
    return Verdict.of(
        NOT_MEMBER.unless(actor.is_member),
        NOT_IN_ROLE.unless(actor.roles & WRITER_ROLES, verb="name the parents of", roles=any_of(WRITER_ROLES)),
        SCOPE_MISSING.unless(actor.may_use(Scope.WRITE), scope=Scope.WRITE),
    )


def may_draft(actor: Actor) -> Verdict:
    """Whether somebody may open a draft in an organization."""
    return Verdict.of(
        NOT_MEMBER.unless(actor.is_member),
        NOT_IN_ROLE.unless(actor.roles & states.DRAFTERS, verb="draft", roles=any_of(states.DRAFTERS)),
        SCOPE_MISSING.unless(actor.may_use(Scope.WRITE), scope=Scope.WRITE),
    )


def may_edit(release: ReleaseFacts, actor: Actor) -> Verdict:
    """Whether the draft may be changed."""
    return _may("change", frozenset({states.ReleaseState.DRAFT}), states.DRAFTERS, release, actor, Scope.WRITE)


def may_submit(release: ReleaseFacts, actor: Actor) -> Verdict:
    """Whether the draft is complete and this is somebody who may hand it to the reviewers."""
    return Verdict.all_of(
        [
            _may_move(states.SUBMIT, release, actor, Scope.WRITE),
            _unsettled(content_requirements(release)),
        ]
    )


def may_recall(release: ReleaseFacts, actor: Actor) -> Verdict:
    """Whether the release may be taken back to draft; its signatures are void then."""
    return _may_move(states.RECALL, release, actor, Scope.WRITE)


def may_approve(release: ReleaseFacts, actor: Actor, role: Role | None, seen: str) -> Verdict:
    """Whether somebody may approve, in a role, exactly what they saw; two people stand behind each release."""
    return Verdict.all_of(
        [_may_vote(states.APPROVE, release, actor, role, seen), _unsettled(evidence_requirements(release))]
    )


def may_refuse(release: ReleaseFacts, actor: Actor, role: Role | None, seen: str) -> Verdict:
    """Whether somebody may refuse, in a role, what they saw; missing evidence is no obstacle to that."""
    return _may_vote(states.REFUSE, release, actor, role, seen)


def may_schedule(release: ReleaseFacts, actor: Actor, now: datetime) -> Verdict:
    """Whether the approved release may wait for the hour that was signed with it."""
    is_ahead = release.scheduled_for is not None and release.scheduled_for > now
    return Verdict.all_of(
        [
            _may_move(states.SCHEDULE, release, actor, Scope.WRITE),
            Verdict.of(NO_HOUR.unless(is_ahead)),
            _ready(release),
        ]
    )


def may_publish(release: ReleaseFacts, actor: Actor, now: datetime) -> Verdict:
    """Whether it may leave now: every requirement is asked again, whoever asks and however often it was met before."""
    at = release.scheduled_for
    return Verdict.all_of(
        [
            _may_move(states.PUBLISH, release, actor, Scope.WRITE),
            Verdict.of(EMBARGOED.unless(at is None or at <= now, at=f"{at:%Y-%m-%d %H:%M} UTC" if at else "")),
            _ready(release),
        ]
    )


def may_retry(release: ReleaseFacts, actor: Actor) -> Verdict:
    """Whether a publication that was given up on may be taken up again."""
    return _may("retry", frozenset({states.ReleaseState.PUBLISHING}), states.MANAGERS, release, actor, Scope.WRITE)


def may_withdraw(release: ReleaseFacts, actor: Actor) -> Verdict:
    """Whether what is out may be taken back; that never waits for evidence or signatures."""
    return _may_move(states.WITHDRAW, release, actor, Scope.WRITE)


def acts(release: ReleaseFacts, actor: Actor, now: datetime) -> dict[str, Verdict]:
    """Every verb on a release with its verdict, in the order in which they are offered; what somebody is shown is
    taken as what they saw."""
    role = voting_role(release, actor)
    return {
        "change": may_edit(release, actor),
        states.SUBMIT.name: may_submit(release, actor),
        states.APPROVE.name: may_approve(release, actor, role, release.digest),
        states.REFUSE.name: may_refuse(release, actor, role, release.digest),
        states.PUBLISH.name: may_publish(release, actor, now),
        states.SCHEDULE.name: may_schedule(release, actor, now),
        states.RECALL.name: may_recall(release, actor),
        states.WITHDRAW.name: may_withdraw(release, actor),
    }


def voting_role(release: ReleaseFacts, actor: Actor) -> Role | None:
    """The role in which somebody votes: the first that the policy asks, that they hold, and that has not voted."""
    voted = {vote.role for vote in release.valid_votes}
    asked = [role for role in required_roles(release) if role in actor.roles]
    return next((role for role in asked if role not in voted), asked[0] if asked else None)


def _may_vote(transition: Transition, release: ReleaseFacts, actor: Actor, role: Role | None, seen: str) -> Verdict:
    shown = role.label if role else any_of(actor.roles) or "none"
    return Verdict.all_of(
        [
            _may_move(transition, release, actor, Scope.REVIEW),
            Verdict.of(
                NOT_ASKED.unless(role is not None and role in required_roles(release), role=shown),
                SERVICE_ACCOUNT.unless(not actor.is_service),
                SAME_PERSON.unless(actor.id != release.submitted_by_id),
                STALE_DIGEST.unless(seen == release.digest, seen=seen[:19] or "nothing", digest=release.digest[:19]),
                ALREADY_VOTED.unless(all(vote.by_id != actor.id for vote in release.valid_votes)),
                ROLE_VOTED.unless(all(vote.role != role for vote in release.valid_votes), role=shown),
            ),
        ]
    )


def _ready(release: ReleaseFacts) -> Verdict:
    return _unsettled(
        [*content_requirements(release), *evidence_requirements(release), *approval_requirements(release)]
    )


def _unsettled(found: list[Requirement]) -> Verdict:
    return Verdict(tuple(one.as_reason() for one in found if not one.standing.is_settled))


def _may_move(transition: Transition, release: ReleaseFacts, actor: Actor, scope: Scope) -> Verdict:
    return _may(transition.name, transition.sources, transition.roles, release, actor, scope)


def _may(verb: str, sources: frozenset, roles: frozenset, release: ReleaseFacts, actor: Actor, scope: Scope) -> Verdict:  # type: ignore[type-arg]
    named = " or ".join(sorted(source.value.replace("_", " ") for source in sources))
    return Verdict.of(
        NOT_MEMBER.unless(actor.is_member or actor.is_system),
        NOT_IN_ROLE.unless(actor.is_system or actor.roles & roles, verb=verb, roles=any_of(roles)),
        SCOPE_MISSING.unless(actor.may_use(scope), scope=scope),
        WRONG_STATE.unless(
            release.state in sources, state=release.state.value.replace("_", " "), verb=verb, sources=named
        ),
    )


def any_of(roles: frozenset[Role]) -> str:
    """Roles as words: any of them will do."""
    return " or ".join(sorted(role.label for role in roles))


def widest(levels: list[Level]) -> Level:
    """The widest of some levels; held back where there is none."""
    return min(levels, key=list(Level).index, default=Level.HELD_BACK)
