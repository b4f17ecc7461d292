"""The library of this process: all texts of the catalog's versions and of the list of SPDX, arranged once.

Versions are never changed, so that a newer one is the only reason to arrange anew.
"""

from __future__ import annotations

from functools import lru_cache

from licensing.identification import Held, Identification, Library, identify
from licensing.models import LicenseVersion
from licensing.spdx import listed


def library() -> Library:
    """All texts that are held; one query, and a second of work where a version is new."""
    newest = LicenseVersion.objects.order_by("-pk").values_list("pk", flat=True).first()
    return _arranged(newest or 0)


def identify_file(text: str) -> Identification:
    """What a license text is, against all that are held."""
    return identify(text, library())


@lru_cache(maxsize=1)
def _arranged(newest: int) -> Library:
    rows = LicenseVersion.objects.exclude(text_sha256="").filter(pk__lte=newest).order_by("-pk")
    own = tuple(
        Held(version.license.key, version.license.name, version.text, version_id=version.pk)
        for version in rows.select_related("license")
    )
    return Library((*own, *_listed()))


@lru_cache(maxsize=1)
def _listed() -> tuple[Held, ...]:
    return tuple(Held(one.id, one.name, one.text, is_listed=True) for one in listed().values() if one.text)
