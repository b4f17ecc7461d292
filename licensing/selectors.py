"""Reads of licensing. Licenses and their texts are open to everybody; acceptances are read by their owners above."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Subquery

from accounts.models import User
from accounts.roles import NOBODY, Actor, Role, Scope
from licensing import policies
from licensing.library import identify_file
from licensing.models import Acceptance, License, LicenseVersion, Offer
from licensing.spdx import Listed, listed
from licensing.texts import is_storable
from registry.models import Membership, Variant
from rules import Refused

ID = re.compile(r"[0-9]{1,18}", re.ASCII)


def licenses(*, search: str = "", kind: str = "", has_text: bool | None = None) -> QuerySet[License]:
    """The licenses with their current versions, in `current`, without the texts."""
    newest = LicenseVersion.objects.filter(license=OuterRef("license")).order_by("-id").values("pk")[:1]
    current = LicenseVersion.objects.filter(pk=Subquery(newest)).defer("text")
    found = License.objects.prefetch_related(Prefetch("versions", queryset=current, to_attr="current_versions"))
    if search and is_storable(search):
        found = found.filter(
            Q(name__icontains=search)
            | Q(key__icontains=search)
            | Q(spdx_id__icontains=search)
            | Q(licensor__icontains=search)
            | Q(aliases__icontains=search)
        )
    if kind:
        found = found.filter(kind=kind)
    if has_text is not None:
        held = LicenseVersion.objects.filter(license=OuterRef("pk")).order_by("-id").values("text_sha256")[:1]
        found = found.annotate(held=Subquery(held))
        found = found.exclude(held="") if has_text else found.filter(held="")
    return found


def license_of(key: str) -> License:
    """The license of a key; Refused where there is none."""
    found = License.objects.filter(key=key).first() if is_storable(key) else None
    if found is None:
        raise Refused.because(policies.UNKNOWN_LICENSE, key=key[:80])
    return found


def listed_license(id_: str) -> Listed:
    """The license of the SPDX list with this identifier, whatever its case; Refused where there is none."""
    found = listed().get(id_) or next((one for one in listed().values() if one.id.lower() == id_.lower()), None)
    if found is None:
        raise Refused.because(policies.UNKNOWN_LISTED, id=id_[:80])
    return found


def listed_licenses(search: str = "") -> list[Listed]:
    """Those of the SPDX list whose identifier or name holds the words."""
    words = search.lower().split()
    return [one for one in listed().values() if all(word in f"{one.id} {one.name}".lower() for word in words)]


def keys_by_spdx() -> dict[str, str]:
    """Which licenses of the catalog the list of SPDX knows, by identifier."""
    return dict(License.objects.exclude(spdx_id="").values_list("spdx_id", "key"))


def current_version(license: License) -> LicenseVersion:
    """The newest version, text included."""
    return LicenseVersion.objects.filter(license=license).select_related("license", "added_by").order_by("-id")[0]


def version_by_id(license: License, given: str) -> LicenseVersion:
    """The version of this license with the id that an address names; the current one where it names none."""
    if not given:
        return current_version(license)
    rows = LicenseVersion.objects.select_related("license", "added_by")
    found = rows.filter(license=license, pk=int(given)).first() if ID.fullmatch(given) else None
    if found is None:
        raise Refused.because(policies.UNKNOWN_VERSION, name=license.name)
    return found


def versions_of(license: License) -> list[LicenseVersion]:
    """All versions, newest first, without texts."""
    return list(LicenseVersion.objects.filter(license=license).select_related("license").defer("text").order_by("-id"))


def version_of(key: str, text_sha256: str = "") -> LicenseVersion:
    """The current version of a license, or the newest one that has this text; Refused where there is none."""
    rows = LicenseVersion.objects.filter(license__key=key).select_related("license").order_by("-id")
    found = (rows.filter(text_sha256=text_sha256) if text_sha256 else rows).first()
    if found is None:
        raise Refused.because(policies.UNKNOWN_LICENSE, key=key[:80])
    return found


def current_versions() -> QuerySet[LicenseVersion]:
    """The newest version of each license, without texts."""
    newest = LicenseVersion.objects.filter(license=OuterRef("license")).order_by("-id").values("pk")[:1]
    return LicenseVersion.objects.filter(pk=Subquery(newest)).select_related("license").defer("text")


def acceptable_versions() -> QuerySet[LicenseVersion]:
    """The current versions whose text is held, so that a gate can ask for them."""
    return current_versions().exclude(text_sha256="").order_by("license__key")


def licenses_in_card(license: str, license_name: str = "") -> list[License]:
    """The licenses that a model card's words can mean; several where the words are ambiguous, none where unknown."""
    found = License.objects.filter(hub_license__iexact=license)
    if license.lower() == "other":
        found = found.filter(hub_license_name__iexact=license_name).exclude(hub_license_name="")
    return list(found)


def identify_text(text: str) -> LicenseVersion | None:
    """The license version that a text is: exactly, or but for its form; None where none or several licenses match."""
    found = identify_file(text)
    version = next((one.version_id for one in found.held if one.key == found.key), None) if found.key else None
    return LicenseVersion.objects.select_related("license").get(pk=version) if version else None


def offers(rows: Iterable[Variant]) -> dict[int, LicenseVersion]:
    """Under which license each variant is offered, by the variant's id; variants that nothing is known of are left
    out. One query; the texts are not loaded."""
    newest = Offer.objects.filter(variant__in=list(rows)).order_by("variant_id", "-id").distinct("variant_id")
    found = newest.select_related("license_version__license").defer("license_version__text")
    return {offer.variant_id: offer.license_version for offer in found}


def offered_licenses() -> QuerySet[License]:
    """The licenses under which any variant was ever offered, for choosing among them."""
    return License.objects.filter(Exists(Offer.objects.filter(license_version__license=OuterRef("pk"))))


def offered_under(key: str) -> Exists:
    """The condition that a variant is offered under the license of this key now."""
    newest = Offer.objects.filter(variant=OuterRef("variant")).order_by("-id").values("pk")[:1]
    return Exists(Offer.objects.filter(variant=OuterRef("pk"), license_version__license__key=key, pk=Subquery(newest)))


def accepted_texts(user: User, variant: Variant) -> frozenset[str]:
    """The digests of all license texts that a person accepted for a variant."""
    return frozenset(Acceptance.objects.filter(user=user, variant=variant).values_list("text_sha256", flat=True))


def have_accepted(user: User) -> Exists:
    """The condition that a person accepted the `text_sha256` of a row for its `variant`."""
    return Exists(
        Acceptance.objects.filter(user=user, variant=OuterRef("variant"), text_sha256=OuterRef("text_sha256"))
    )


def actor_anywhere(user: User | None, scopes: frozenset[Scope] | None = None) -> Actor:
    """Somebody with their roles in all organizations: licenses belong to none of them."""
    if user is None or not user.is_authenticated or not user.is_active:
        return NOBODY
    roles = Membership.objects.filter(user=user).values_list("role", flat=True).distinct()
    return Actor(
        id=user.pk,
        name=user.username,
        roles=frozenset(Role(role) for role in roles),
        scopes=scopes,
        is_service=user.is_service,
    )
