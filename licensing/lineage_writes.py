"""Establishing what verdicts on lineage need and no file tells: licenses of models elsewhere, and who the licensee is.

Owns these two records and the rules on who makes them. Both are never changed; a newer one counts instead.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

import audit.services as audit
from accounts.models import User
from accounts.roles import Actor, Role, Scope
from licensing.cases import CaseRefused, Fields
from licensing.engine.reading import read_actor
from licensing.models import LicenseeStatement, LicenseVersion, UpstreamLicense
from licensing.texts import is_storable
from registry.models import Organization
from rules import Kind, Refused, Rule, Verdict

STATERS = frozenset({Role.OWNER, Role.LEGAL_REVIEWER})
MODALITIES = ("", "text", "multimodal", "image", "audio", "video")

NOT_ESTABLISHING = Rule(
    "licensing.not_establishing",
    "Under which license a model elsewhere is, and what is true of the licensee, is established by legal reviewers.",
    "An owner of the organization, by giving you the role",
    Kind.WHO,
)
ESTABLISH_SCOPE_MISSING = Rule(
    "licensing.establish_scope_missing",
    "The token may not be used to write.",
    "You, with a token that has the scope write",
    Kind.WHO,
)
BAD_REPOSITORY = Rule(
    "licensing.bad_repository",
    "“{repo}” is no repository's name, as organization/name.",
    "You, by correcting it",
    Kind.WHAT,
    "repo_id",
)
BAD_MODALITY = Rule(
    "licensing.bad_modality", "The modality is one of: {known}.", "You, by choosing one", Kind.WHAT, "modality"
)
SOURCE_MISSING = Rule(
    "licensing.source_missing",
    "Say in 1 to 300 characters where the license was seen: the file, and the revision.",
    "You, by naming it",
    Kind.WHAT,
    "source",
)
BAD_LICENSEE = Rule("licensing.bad_licensee", "{place}: {problem}", "You, by correcting it", Kind.WHAT, "said")


def may_establish(actor: Actor) -> Verdict:
    """Whether somebody may put on record what verdicts on lineage rest on."""
    return Verdict.of(
        NOT_ESTABLISHING.unless(actor.is_system or actor.roles & STATERS),
        ESTABLISH_SCOPE_MISSING.unless(actor.may_use(Scope.WRITE)),
    )


@transaction.atomic
def establish_upstream(
    *, repo_id: str, license_version: LicenseVersion, source: str, by: User, actor: Actor, modality: str = ""
) -> UpstreamLicense:
    """Record under which license version a model elsewhere is; Refused where `actor` may not, or a word is wrong."""
    may_establish(actor).require()
    name, word, seen = repo_id.strip().lower(), modality.strip().lower(), source.strip()
    Verdict.of(
        BAD_REPOSITORY.unless(
            name.count("/") == 1 and all(name.split("/")) and len(name) <= 193 and is_storable(name), repo=name[:193]
        ),
        BAD_MODALITY.unless(word in MODALITIES, known=", ".join(MODALITIES[1:])),
        SOURCE_MISSING.unless(0 < len(seen) <= 300 and is_storable(seen)),
    ).require()
    now = timezone.now()
    made = UpstreamLicense.objects.create(
        repo_id=name,
        license_version=license_version,
        modality=word,
        source=seen,
        by=by,
        by_name=by.display_name,
        made_at=now,
    )
    audit.record(
        "licensing:upstream:established",
        subject=license_version,
        actor=by,
        at=now,
        label=str(license_version),
        repo=name,
        source=seen,
    )
    return made


@transaction.atomic
def state_licensee(
    *, organization: Organization, said: Mapping[str, object], by: User, actor: Actor
) -> LicenseeStatement:
    """Record what is true of an organization where licenses ask for it; Refused where it cannot be read."""
    may_establish(actor).require()
    try:
        read_actor(Fields(dict(said)))
    except CaseRefused as bad:
        raise Refused.because(BAD_LICENSEE, place=bad.key, problem=bad.message) from bad
    now = timezone.now()
    made = LicenseeStatement.objects.create(
        organization=organization, said=dict(said), by=by, by_name=by.display_name, made_at=now
    )
    audit.record(
        "licensing:licensee:stated",
        subject=organization,
        actor=by,
        at=now,
        organization=organization.name,
        label=organization.name,
        said=made.said,
    )
    return made
