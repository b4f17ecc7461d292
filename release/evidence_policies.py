"""Who may have evidence made, look into it, or do without it, and why not."""

from __future__ import annotations

from accounts.roles import Actor, Role, Scope
from release.policies import NOT_IN_ROLE, NOT_MEMBER, SCOPE_MISSING, SERVICE_ACCOUNT, any_of
from rules import Kind, Rule, Verdict

UNKNOWN_EVIDENCE = Rule(
    "release.unknown_evidence", "“{kind}” is no kind of evidence.", "You, by naming one", Kind.WHAT, field="kind"
)
NOT_VALIDATED = Rule(
    "release.not_validated",
    "The checkpoint {digest} was not validated yet.",
    "Whoever may run its validation",
    Kind.MISSING,
)
UNKNOWN_TENSOR = Rule(
    "release.unknown_tensor",
    "The newest validation of this checkpoint has no such tensor.",
    "You, by choosing one from its list",
    Kind.MISSING,
)
UNKNOWN_RUN = Rule(
    "release.unknown_run",
    "There is no smoke run {run} of this checkpoint.",
    "You, by choosing one from the list of its runs",
    Kind.MISSING,
)
NO_RUN = Rule(
    "release.no_run",
    "There was no smoke run of the checkpoint {digest} yet.",
    "Whoever may run its evidence",
    Kind.MISSING,
)
NO_PROBE = Rule(
    "release.no_probe",
    "No probe is declared for this model.",
    "Whoever may declare one",
    Kind.MISSING,
)
NOT_COMPARABLE = Rule(
    "release.not_comparable",
    "There is no validated checkpoint {digest} that you may see.",
    "You, by choosing one from the list, or whoever may run its validation",
    Kind.MISSING,
)
TOO_MANY_TENSORS = Rule(
    "release.too_many_tensors",
    "A page compares checkpoints of up to {most} tensors; one of these has more.",
    "You, by comparing them on the command line: python -m weights DIR --compare OTHER",
    Kind.WHAT,
)
WAIVER_REASON = Rule(
    "release.waiver_reason", "A waiver needs a reason.", "You, by giving one", Kind.WHAT, field="reason"
)
WAIVER_DAYS = Rule(
    "release.waiver_days",
    "A waiver lasts from 1 to 90 days, not {days}.",
    "You, by choosing fewer",
    Kind.WHAT,
    field="days",
)
NOT_WAIVABLE = Rule(
    "release.not_waivable",
    "“{requirement}” cannot be waived; only evidence and open questions on lineage or likeness can.",
    "Nobody",
    Kind.WHAT,
    field="requirement",
)
NOT_LEGAL = Rule(
    "release.not_legal",
    "What the licenses of a lineage leave open is decided by legal reviewers.",
    "A legal reviewer of the organization",
    Kind.WHO,
)
NOT_SECURITY = Rule(
    "release.not_security",
    "Whether a likeness to held-back content is harmless is decided by security reviewers.",
    "A security reviewer of the organization",
    Kind.WHO,
)

# Whose work needs fresh evidence; an auditor writes nothing, not even work for machines.
EVIDENCE_RUNNERS = frozenset(Role) - {Role.AUDITOR, Role.ACCESS_REVIEWER}
WAIVERS = frozenset({Role.SAFETY_REVIEWER, Role.SECURITY_REVIEWER, Role.LEGAL_REVIEWER})


def may_run_evidence(actor: Actor) -> Verdict:
    """Whether somebody may have evidence made again; the earlier result stays on record."""
    return Verdict.of(
        NOT_MEMBER.unless(actor.is_member),
        NOT_IN_ROLE.unless(actor.roles & EVIDENCE_RUNNERS, verb="run evidence for", roles=any_of(EVIDENCE_RUNNERS)),
        SCOPE_MISSING.unless(actor.may_use(Scope.WRITE), scope=Scope.WRITE),
    )


def may_declare_probe(actor: Actor) -> Verdict:
    """Whether somebody may say what smoke inference reads of a model, and how well it is to do."""
    return Verdict.of(
        NOT_MEMBER.unless(actor.is_member),
        NOT_IN_ROLE.unless(actor.roles & EVIDENCE_RUNNERS, verb="declare a probe for", roles=any_of(EVIDENCE_RUNNERS)),
        SCOPE_MISSING.unless(actor.may_use(Scope.WRITE), scope=Scope.WRITE),
    )


def may_waive(actor: Actor) -> Verdict:
    """Whether somebody may take the absence of evidence upon themselves."""
    return Verdict.of(
        NOT_IN_ROLE.unless(actor.roles & WAIVERS, verb="waive a requirement of", roles=any_of(WAIVERS)),
        SERVICE_ACCOUNT.unless(not actor.is_service),
        SCOPE_MISSING.unless(actor.may_use(Scope.REVIEW), scope=Scope.REVIEW),
    )


def may_decide_lineage(actor: Actor) -> Verdict:
    """Whether somebody may answer for what the licenses of a lineage leave open."""
    return Verdict.of(NOT_LEGAL.unless(Role.LEGAL_REVIEWER in actor.roles))


def may_decide_likeness(actor: Actor) -> Verdict:
    """Whether somebody may answer for what resembles held-back content."""
    return Verdict.of(NOT_SECURITY.unless(Role.SECURITY_REVIEWER in actor.roles))
