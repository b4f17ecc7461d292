"""The licenses of this instance as the engine's book: the shipped catalog, and what the lab added to it."""

from __future__ import annotations

from functools import lru_cache

from licensing.catalog import shipped
from licensing.engine import Book, KnownLicense, shipped_book
from licensing.models import LicenseVersion
from licensing.selectors import current_versions
from licensing.terms import Certainty, Kind, terms_of


def book() -> Book:
    """All licenses in their current versions; one query, and reading where a version is new."""
    newest = LicenseVersion.objects.order_by("-pk").values_list("pk", flat=True).first()
    return _book(newest or 0)


def known(version: LicenseVersion) -> KnownLicense:
    """One version as the engine sees it; its text is not needed for rules, and left out where it was not loaded."""
    license = version.license
    return KnownLicense(
        key=license.key,
        name=license.name,
        terms=terms_of(version.terms),
        kind=Kind(license.kind),
        version=version.version,
        certainty=Certainty(version.certainty),
        sources=tuple(version.sources),
        unverified=tuple(version.unverified),
        spdx_id=license.spdx_id,
        hub_license=license.hub_license,
        hub_license_name=license.hub_license_name,
        text=version.text if "text" not in version.get_deferred_fields() else "",
    )


@lru_cache(maxsize=1)
def _book(newest: int) -> Book:
    held = [known(version) for version in current_versions()]
    return Book.of([*shipped_book().licenses.values(), *held], shipped().obligations)
