"""Stating what files cannot tell of a variant's openness: who, what, when. Statements are never changed."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

import audit.services as audit
from accounts.models import User
from accounts.roles import Actor, Role, Scope
from licensing.models import OpennessStatement
from licensing.openness.statements import BadStatement, stated_of
from registry.models import Variant
from registry.selectors import head_of
from registry.services.evidence import start_evidence
from registry.states import EvidenceKind
from rules import Kind, Refused, Rule, Verdict

STATERS = frozenset({Role.OWNER, Role.RELEASE_MANAGER, Role.LEGAL_REVIEWER, Role.SAFETY_REVIEWER})

NOT_A_STATER = Rule(
    "licensing.not_a_stater",
    "What no file tells of a model is stated by its owners, release managers and reviewers.",
    "An owner of the organization, by giving you such a role",
    Kind.WHO,
)
STATE_SCOPE_MISSING = Rule(
    "licensing.state_scope_missing",
    "The token may not be used to write.",
    "You, with a token that has the scope write",
    Kind.WHO,
)
BAD_STATEMENT = Rule("licensing.bad_statement", "{place}: {problem}", "You, by correcting it", Kind.WHAT, "said")


def may_state(actor: Actor) -> Verdict:
    """Whether somebody may state what no file tells of a model."""
    return Verdict.of(
        NOT_A_STATER.unless(actor.is_system or actor.roles & STATERS),
        STATE_SCOPE_MISSING.unless(actor.may_use(Scope.WRITE)),
    )


@transaction.atomic
def state_openness(*, variant: Variant, said: Mapping[str, object], by: User, actor: Actor) -> OpennessStatement:
    """Record a statement, which counts instead of the ones before it; openness is computed anew from it.

    Raises Refused where `actor` may not, and where the statement cannot be read, naming the place.
    """
    may_state(actor).require()
    try:
        stated_of(said)
    except BadStatement as bad:
        raise Refused.because(BAD_STATEMENT, place=bad.field, problem=bad.message) from bad
    now = timezone.now()
    made = OpennessStatement.objects.create(
        variant=variant, said=dict(said), by=by, by_name=by.display_name, made_at=now
    )
    audit.record(
        "licensing:openness:stated",
        subject=variant,
        actor=by,
        at=now,
        organization=variant.organization.name,
        label=variant.repo_id,
        statement=made.pk,
        said=made.said,
    )
    head = head_of(variant)
    if head is not None:
        start_evidence(checkpoint=head.checkpoint, kinds={EvidenceKind.OPENNESS}, again=True)
    return made
