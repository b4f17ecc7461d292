"""Writes of licensing: the catalog, licenses that a lab adds, and acceptances."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

import audit.services as audit
from accounts.models import User
from accounts.roles import Scope
from licensing import policies, selectors
from licensing.catalog import Catalog, Entry, shipped
from licensing.models import KEY, Acceptance, License, LicenseVersion, Offer
from licensing.reading import Malformed
from licensing.spdx import listed
from licensing.terms import Certainty, Kind, terms_of
from licensing.texts import sha256_of, words_sha256
from registry.models import Variant
from rules import Refused


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading the catalog changed."""

    licenses_added: int
    versions_added: int


@transaction.atomic
def load_catalog(catalog: Catalog | None = None) -> Loaded:
    """Bring the tables up to the shipped catalog; a second call changes nothing, and no version is ever changed."""
    catalog = catalog or shipped()
    known = {license.key: license for license in License.objects.select_for_update()}
    added = [License(key=entry.key, **_described(entry)) for entry in catalog.entries if entry.key not in known]
    known |= {license.key: license for license in License.objects.bulk_create(added)}
    for entry in catalog.entries:
        license, described = known[entry.key], _described(entry)
        if any(getattr(license, name) != value for name, value in described.items()):
            License.objects.filter(pk=license.pk).update(**described)
    held = set(LicenseVersion.objects.values_list("license_id", "version", "text_sha256", "terms_sha256"))
    versions = [_version(known[entry.key], entry) for entry in catalog.entries]
    new = [row for row in versions if (row.license_id, row.version, row.text_sha256, row.terms_sha256) not in held]
    LicenseVersion.objects.bulk_create(new)
    licenses_added, versions_added = len(added), len(new)
    if versions_added:
        newest = LicenseVersion.objects.order_by("-id").first()
        audit.record(
            "licensing:catalog:loaded",
            subject=newest,
            actor=None,
            at=timezone.now(),
            label=f"License catalog of {catalog.as_of}",
            licenses_added=licenses_added,
            versions_added=versions_added,
        )
    return Loaded(licenses_added, versions_added)


@transaction.atomic
def add_license(
    *,
    name: str,
    version: str,
    text: str,
    terms: Mapping[str, object],
    by: User,
    scopes: frozenset[Scope] | None = None,
    key: str = "",
    spdx_id: str = "",
) -> LicenseVersion:
    """Add a lab's own license with its full text, or a new version of one that was added before.

    `key` names the license to succeed; without it the key is made of the name. The text is stored with line feeds,
    and its digest is of exactly what is stored.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    actor = selectors.actor_anywhere(by, scopes)
    policies.may_add_license(actor, name=name, version=version, text=text).require()
    same = LicenseVersion.objects.filter(text_sha256=sha256_of(text)).select_related("license").first()
    if same:
        raise Refused.because(policies.TEXT_KNOWN, name=str(same))
    try:
        terms_of(dict(terms))
    except Malformed as problem:
        raise Refused.because(policies.TERMS_MALFORMED, problem=problem) from problem
    now = timezone.now()
    license = _custom_license(key=key, name=name.strip(), spdx_id=spdx_id)
    stored = dict(terms)
    made = LicenseVersion.objects.create(
        license=license,
        version=version.strip(),
        text=text,
        text_sha256=sha256_of(text),
        likeness_sha256=words_sha256(text),
        terms=stored,
        sources=[f"Entered by {by.username}"],
        certainty=Certainty.FULL_TEXT.value,
        terms_sha256=hashlib.sha256(json.dumps(stored, sort_keys=True).encode()).hexdigest(),
        created_at=now,
        added_by=by,
    )
    audit.record(
        "licensing:license:added",
        subject=made,
        actor=by,
        at=now,
        key=license.key,
        version=made.version,
        text_sha256=made.text_sha256,
    )
    return made


@transaction.atomic
def accept(
    *,
    user: User,
    license_version: LicenseVersion,
    variant: Variant,
    form_version: int,
    seen_sha256: str,
    from_address: str | None,
    agent: str = "",
) -> Acceptance:
    """Record that a person accepted exactly the text they saw; Refused where that is not the version's text."""
    policies.may_accept(
        name=str(license_version),
        current_sha256=license_version.text_sha256,
        seen_sha256=seen_sha256.removeprefix("sha256:"),
        is_service=user.is_service,
    ).require()
    now = timezone.now()
    made = Acceptance.objects.create(
        user=user,
        user_name=user.display_name,
        affiliation=user.affiliation,
        license_version=license_version,
        text_sha256=license_version.text_sha256,
        variant=variant,
        form_version=form_version,
        from_address=_address(from_address),
        agent_sha256=sha256_of(agent) if agent else "",
        accepted_at=now,
    )
    audit.record(
        "licensing:license:accepted",
        subject=made,
        actor=user,
        at=now,
        organization=variant.organization.name,
        label=f"{license_version} for {variant.repo_id}",
        license=license_version.license.key,
        text_sha256=made.text_sha256,
        form_version=form_version,
    )
    return made


@transaction.atomic
def offer_under(
    *, variant: Variant, license_version: LicenseVersion, at: datetime, release_digest: str = "", by: User | None = None
) -> Offer:
    """Record under which license a variant is offered from now on; the same again adds nothing."""
    newest = Offer.objects.filter(variant=variant).order_by("-id").first()
    if newest and newest.license_version_id == license_version.pk and newest.release_digest == release_digest:
        return newest
    made = Offer.objects.create(
        variant=variant, license_version=license_version, release_digest=release_digest, since=at
    )
    audit.record(
        "licensing:offer:made",
        subject=variant,
        actor=by,
        at=at,
        organization=variant.organization.name,
        license=license_version.license.key,
        version=license_version.version,
        text_sha256=license_version.text_sha256,
        release_digest=release_digest,
    )
    return made


def erase_acceptances(user: User, pseudonym: str, at: datetime) -> int:
    """Take the person out of their acceptances, which stay under the pseudonym; in the caller's transaction."""
    return Acceptance.objects.filter(user=user, erased_at=None).update(
        user_name=pseudonym, affiliation="", from_address=None, agent_sha256="", erased_at=at
    )


def _described(entry: Entry) -> dict[str, object]:
    return {
        "name": entry.name,
        "spdx_id": entry.spdx_id,
        "hub_license": entry.hub_license,
        "hub_license_name": entry.hub_license_name,
        "licensor": entry.licensor,
        "aliases": list(entry.aliases),
        "kind": entry.kind.value,
        "is_custom": False,
    }


def _version(license: License, entry: Entry) -> LicenseVersion:
    return LicenseVersion(
        license=license,
        version=entry.version,
        text=entry.text,
        text_sha256=sha256_of(entry.text) if entry.text else "",
        likeness_sha256=words_sha256(entry.text) if entry.text else "",
        terms=entry.stored_terms,
        sources=list(entry.sources),
        certainty=entry.certainty.value,
        unverified=list(entry.unverified),
        terms_sha256=entry.terms_sha256,
    )


def _custom_license(*, key: str, name: str, spdx_id: str) -> License:
    wanted = key or slugify(name)[:80].strip("-")
    if not wanted:
        raise Refused.because(policies.NAME_WITHOUT_KEY)
    if not re.fullmatch(KEY.regex, wanted):
        raise Refused.because(policies.BAD_KEY)
    if wanted in policies.RESERVED_KEYS:
        raise Refused.because(policies.KEY_RESERVED, key=wanted)
    known = License.objects.select_for_update().filter(key=wanted).first()
    is_listed = spdx_id in listed()
    if known is None:
        return License.objects.create(
            key=wanted,
            name=name,
            spdx_id=spdx_id or f"LicenseRef-{wanted}",
            hub_license=spdx_id.lower() if is_listed else "other",
            hub_license_name="" if is_listed else wanted,
            kind=Kind.CUSTOM.value,
            is_custom=True,
        )
    if not (key and known.is_custom):
        raise Refused.because(policies.KEY_TAKEN, key=wanted)
    return known


def _address(given: str | None) -> str | None:
    """An address of the internet, or None for what is none: a socket's name, a proxy's placeholder."""
    try:
        return str(ip_address(given)) if given else None
    except ValueError:
        return None
