"""The protocol's own rules: what a governed namespace leaves to releases, and what a request must look like.

Who sees, reads and writes is decided in `gating`; the rules of content, names and commits are those of `registry`.
"""

from __future__ import annotations

from collections.abc import Sequence

from accounts.roles import WRITER_ROLES, Actor, Role, Scope
from hub.states import BY_AUTHOR, MERGE, MERGERS, TAKES_COMMITS, PullState
from rules import Kind, Rule, Transition, Verdict

CALLER = "Whoever sends the request, by sending it as the protocol says"
RELEASE_MANAGER = "A release manager of {organization}, by a release"

MALFORMED = Rule("hub.malformed", "{what}", CALLER, Kind.WHAT)
BODY_CUT = Rule(
    "hub.body_cut",
    "The request ended after {received} bytes of {announced}; nothing of it was kept.",
    "Whoever sends the request, by sending it again",
    Kind.WHAT,
)
TOO_LARGE = Rule("hub.too_large", "The request has more than {limit} bytes.", CALLER, Kind.WHAT)
TOO_MANY_REQUESTS = Rule(
    "hub.too_many_requests",
    "More than {limit} requests in {minutes} minutes. Go on in {wait} seconds.",
    "You, by waiting",
)
NO_SUCH_ROUTE = Rule("hub.no_such_route", "This endpoint does not exist here.", "Nobody", Kind.MISSING)
LEFT_OUT = Rule(
    "hub.left_out", "This instance keeps model repositories, and no {sought}. {instead}", "Nobody", Kind.MISSING
)
WRONG_METHOD = Rule("hub.wrong_method", "This endpoint answers {allowed}, not {method}.", CALLER, Kind.WHAT)
LOG_IN = Rule(
    "hub.log_in",
    "Invalid username or password.",
    "You, by sending a token",
    Kind.LOCKED,
)
MODELS_ONLY = Rule(
    "hub.models_only",
    "Only model repositories are kept here, no {kind}.",
    "Nobody",
    Kind.MISSING,
)
GOVERNED_SETTINGS = Rule(
    "hub.governed_settings",
    "Visibility and gate of {repo_id} change only through a release, since {organization} is a governed namespace. "
    "Visit {url} to draft one.",
    RELEASE_MANAGER,
    Kind.WHO,
)
GOVERNED_DELETE = Rule(
    "hub.governed_delete",
    "{repo_id} cannot be deleted, since {organization} is a governed namespace and keeps what was decided on. "
    "Visit {url} to withdraw its release.",
    RELEASE_MANAGER,
    Kind.WHO,
)
GOVERNED_MOVE = Rule(
    "hub.governed_move",
    "{repo_id} cannot be renamed, since {organization} is a governed namespace and releases name it.",
    "Nobody",
    Kind.WHO,
)
OWNERS_ONLY = Rule(
    "hub.owners_only",
    "Only owners of {organization} change settings of its repositories, move or delete them.",
    "An owner of {organization}",
    Kind.WHO,
)
WRITE_SCOPE_MISSING = Rule(
    "hub.write_scope_missing",
    "The token may not be used to write.",
    "You, with a token that has the scope write",
    Kind.WHO,
)
NOT_A_CREATOR = Rule(
    "hub.not_a_creator",
    "You don't have the rights to create a model under the namespace “{namespace}”.",
    "An owner of the organization, by giving you a role that writes",
    Kind.WHO,
)
CREATED_ALREADY = Rule(
    "hub.created_already",
    "You already created this model repo: {repo_id}",
    "You, by choosing another name",
)
OTHER_NAMESPACE = Rule(
    "hub.other_namespace",
    "A repository stays in its namespace: {repo_id} cannot move to “{namespace}”.",
    "Nobody",
    Kind.WHO,
)
ONLY_PULL_REQUESTS = Rule(
    "hub.only_pull_requests",
    "Discussions without changes are not offered here; open a pull request and say there what is to be said.",
    "Nobody",
    Kind.WHO,
)
ONLY_AGAINST_MAIN = Rule(
    "hub.only_against_main",
    "Pull requests are made against the branch main, not {revision}.",
    "You, by proposing changes to main",
    Kind.WHAT,
)
NO_PULL_REQUEST = Rule(
    "hub.no_pull_request",
    "There is no pull request {number}.",
    "You, by naming one that is there",
    Kind.MISSING,
)
NO_COMMENT = Rule("hub.no_comment", "There is no such comment.", "You, by naming one that is there", Kind.MISSING)
BAD_TITLE = Rule("hub.bad_title", "A pull request needs a title.", "You, by giving it one", Kind.WHAT, field="title")
BAD_COMMENT = Rule(
    "hub.bad_comment",
    "A comment has 1 to {longest} characters.",
    "You, by writing one of that length",
    Kind.WHAT,
    field="comment",
)
PULL_REQUEST_ELSEWHERE = Rule(
    "hub.pull_request_elsewhere",
    "Pull request {number} is {state}; that is not possible now.",
    "Whoever may open it again, unless it was merged",
)
NOT_A_MERGER = Rule(
    "hub.not_a_merger",
    "A pull request is merged by a person who is owner or release manager.",
    "An owner of the organization, by merging it or giving you such a role",
    Kind.WHO,
)
NOT_ITS_AUTHOR = Rule(
    "hub.not_its_author",
    "Only its author, an owner or a release manager may do that to a pull request.",
    "Its author, or an owner of the organization",
    Kind.WHO,
)
NOT_ITS_SPEAKER = Rule(
    "hub.not_its_speaker",
    "Only who wrote a comment may give it other words.",
    "Nobody else; say something below it",
    Kind.WHO,
)
MEMBERS_SPEAK = Rule(
    "hub.members_speak",
    "Only members of the organization speak in its pull requests.",
    "An owner of the organization, by making you a member",
    Kind.WHO,
)
NOTHING_PROPOSED = Rule(
    "hub.nothing_proposed",
    "Pull request {number} changes nothing yet.",
    "Its author, by committing to it",
)
MERGE_CONFLICT = Rule(
    "hub.merge_conflict",
    "Since pull request {number} began, main changed as well, and otherwise: {paths}.",
    "Its author, by committing to it what main has there, or by opening another one on top of main",
)
COPY_ELSEWHERE = Rule(
    "hub.copy_elsewhere",
    "{repo_id} is duplicated within {organization} only: what another namespace shows it holds it must have been sent.",
    "You, by downloading it and uploading it there, where its license allows that",
    Kind.WHO,
)
NOTHING_TO_COPY = Rule(
    "hub.nothing_to_copy", "Nothing was committed to {repo_id} yet.", "Whoever may write to it, by a commit"
)
NO_SUCH_LOGIN = Rule(
    "hub.no_such_login",
    "No program waits for you under this code, or no longer.",
    "You, by typing the code again, or by starting the login again",
    Kind.WHAT,
    field="code",
)
TOO_MANY_CODES = Rule(
    "hub.too_many_codes",
    "Too many codes were tried. For {minutes} minutes none is looked at.",
    "You, by waiting",
    Kind.PACE,
)
HISTORY_KEPT = Rule(
    "hub.history_kept",
    "The history of {repo_id} is evidence and is never rewritten; commit on top of it instead.",
    "Nobody",
    Kind.WHO,
)
BAD_TICKET = Rule(
    "hub.bad_ticket",
    "The upload address is not valid, or no longer: ask for a new one and send the file again.",
    "Whoever uploads, by starting the upload again",
    Kind.WHO,
)
BAD_XET_TOKEN = Rule(
    "hub.bad_xet_token",
    "The upload's token is not valid, or no longer.",
    "Whoever uploads, by asking for a new one",
    Kind.LOCKED,
)
BAD_XORB = Rule(
    "hub.bad_xorb",
    "The xorb is refused, and nothing of it was kept. {what}",
    "Whoever uploads, by sending what the protocol says",
    Kind.WHAT,
)
BAD_SHARD = Rule(
    "hub.bad_shard",
    "The shard is refused. {what}",
    "Whoever uploads, by sending what the protocol says",
    Kind.WHAT,
)
XORB_GONE = Rule(
    "hub.xorb_gone",
    "The shard refers to the xorb {xorb}, which is not here, or no longer.",
    "Whoever uploads, by starting the upload again: everything is then sent anew",
    Kind.WHAT,
)
TOO_REPETITIVE = Rule(
    "hub.too_repetitive",
    "A file of {size_bytes} bytes made of {distinct_bytes} different ones is not taken by Xet.",
    "Whoever uploads, by setting HF_HUB_DISABLE_XET=1",
    Kind.WHAT,
)
BAD_PARTS = Rule(
    "hub.bad_parts",
    "The parts that were named are not those that arrived: part {number} is missing or another.",
    "Whoever uploads, by sending the file again",
    Kind.WHAT,
)
NOT_UPLOADED = Rule(
    "hub.not_uploaded",
    "The content sha256:{sha256} with {size_bytes} bytes has not arrived.",
    "Whoever uploads, by sending the file again",
    Kind.MISSING,
)
RANGE_OUTSIDE = Rule(
    "hub.range_outside",
    "The range lies outside the file's {size} bytes.",
    CALLER,
    Kind.WHAT,
)
NO_REQUEST = Rule(
    "hub.no_request",
    "No access request found matching your criteria",
    "You, by naming a request that is there",
    Kind.MISSING,
)
NO_USER = Rule("hub.no_user", "User not found", "You, by naming somebody who has an account", Kind.MISSING)
NOT_GATED = Rule(
    "hub.not_gated",
    "{repo_id} is not gated.",
    "Whoever decides its disclosure, by putting it behind a gate",
)
HAS_ACCESS = Rule("hub.has_access", "That user already has access to the repo", "Nobody; there is nothing to lift")


def may_create(namespace: str, actor: Actor) -> Verdict:
    """Whether `actor` may make a repository in a namespace, which need not exist: the answer is the same then."""
    return Verdict.of(
        LOG_IN.unless(not actor.is_anonymous),
        NOT_A_CREATOR.unless(actor.roles & WRITER_ROLES, namespace=namespace),
        WRITE_SCOPE_MISSING.unless(actor.may_use(Scope.WRITE)),
    )


def may_control(governed: Rule, actor: Actor, *, is_direct_control: bool, **names: object) -> Verdict:
    """Whether `actor` may change visibility, gate, name or existence of a repository at once.

    `governed` is the rule that refuses it in a governed namespace.
    """
    return Verdict.of(
        OWNERS_ONLY.unless(Role.OWNER in actor.roles, **names) if is_direct_control else governed.refuse(**names),
        WRITE_SCOPE_MISSING.unless(actor.may_use(Scope.WRITE)),
    )


# --- pull requests -----------------------------------------------------------------------------------


def may_commit_to(state: str, number: int) -> Verdict:
    """Whether a pull request still takes commits from whoever may write."""
    return Verdict.of(PULL_REQUEST_ELSEWHERE.unless(PullState(state) in TAKES_COMMITS, number=number, state=state))


def may_comment(actor: Actor) -> Verdict:
    """Whether `actor` may speak in a pull request; auditors write nothing."""
    speaks = bool(actor.roles - {Role.AUDITOR})
    return Verdict.of(MEMBERS_SPEAK.unless(speaks), WRITE_SCOPE_MISSING.unless(actor.may_use(Scope.WRITE)))


def may_edit(actor: Actor, speaker_id: int) -> Verdict:
    """Whether `actor` may give a comment other words."""
    return Verdict.of(*may_comment(actor).reasons, NOT_ITS_SPEAKER.unless(actor.id == speaker_id))


def may_hide(actor: Actor, speaker_id: int) -> Verdict:
    """Whether `actor` may hide a comment."""
    return Verdict.of(
        *may_comment(actor).reasons, NOT_ITS_AUTHOR.unless(actor.id == speaker_id or actor.roles & MERGERS)
    )


def may_tend(actor: Actor, author_id: int) -> Verdict:
    """Whether `actor` may rename, offer, close or reopen a pull request; its author must still belong here."""
    is_author = actor.id == author_id and bool(actor.roles & WRITER_ROLES)
    return Verdict.of(
        NOT_ITS_AUTHOR.unless(is_author or actor.roles & MERGERS),
        WRITE_SCOPE_MISSING.unless(actor.may_use(Scope.WRITE)),
    )


def may_move(transition: Transition, state: str, number: int, author_id: int, actor: Actor) -> Verdict:
    """Whether `actor` may offer, close or reopen a pull request now."""
    if transition not in BY_AUTHOR:
        raise ValueError(f"{transition.name} is asked about by its own policy")
    here = PULL_REQUEST_ELSEWHERE.unless(transition.starts_at(PullState(state)), number=number, state=state)
    return Verdict.of(*may_tend(actor, author_id).reasons, here)


def may_merge(state: str, number: int, actor: Actor, *, is_empty: bool, conflicts: Sequence[str]) -> Verdict:
    """Whether `actor` may make the changes of a pull request part of the main branch now.

    What its evidence says is no matter here: nothing is disclosed by a merge, and releases ask for evidence.
    """
    shown = ", ".join(conflicts[:5]) + (f" and {len(conflicts) - 5} more" if len(conflicts) > 5 else "")
    return Verdict.of(
        NOT_A_MERGER.unless(bool(actor.roles & MERGERS) and not actor.is_service),
        WRITE_SCOPE_MISSING.unless(actor.may_use(Scope.WRITE)),
        PULL_REQUEST_ELSEWHERE.unless(MERGE.starts_at(PullState(state)), number=number, state=state),
        NOTHING_PROPOSED.unless(not is_empty or state == PullState.MERGED, number=number),
        MERGE_CONFLICT.unless(not conflicts or state == PullState.MERGED, number=number, paths=shown),
    )
