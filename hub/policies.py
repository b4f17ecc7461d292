"""The protocol's own rules: what a governed namespace leaves to releases, and what a request must look like.

Who sees, reads and writes is decided in `gating`; the rules of content, names and commits are those of `registry`.
"""

from __future__ import annotations

from accounts.roles import WRITER_ROLES, Actor, Role, Scope
from rules import Kind, Rule, Verdict

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
    "Draft one at {url}.",
    RELEASE_MANAGER,
    Kind.WHO,
)
GOVERNED_DELETE = Rule(
    "hub.governed_delete",
    "{repo_id} cannot be deleted, since {organization} is a governed namespace and keeps what was decided on. "
    "Withdraw its release at {url}.",
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
PULL_REQUESTS = Rule(
    "hub.pull_requests",
    "Pull requests are not offered here; commit to a branch of your own instead.",
    "Nobody",
    Kind.WHO,
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
