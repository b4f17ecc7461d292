"""Acceptances as they are read and handed out: whose one may see, narrowed by filters, and as lines of a file.

Owns reading and exporting; acceptances are written by `licensing.services.accept` alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date

import audit.services as audit
from accounts.models import User
from accounts.roles import Role, Scope
from licensing.models import Acceptance
from licensing.texts import is_storable
from registry.models import Membership
from web.exports import csv_lines

# Who reads what others agreed to: names and addresses are personal, so that not every member does.
READERS = frozenset({Role.OWNER, Role.LEGAL_REVIEWER, Role.ACCESS_REVIEWER, Role.AUDITOR})
COLUMNS = (
    "id", "accepted_at", "person", "name", "organization", "license", "license_version", "text_sha256", "model",
    "form_version", "from_address", "agent_sha256", "is_erased",
)  # fmt: skip
CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader looks for; empty words and None narrow nothing."""

    person: str = ""
    organization: str = ""
    model: str = ""
    license: str = ""
    text: str = ""
    since: date | None = None
    until: date | None = None

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Filters:
        """The filters that an address or a form names; what cannot be a filter is left out."""
        words = {
            name: given.get(name, "").strip()[:200] for name in ("person", "organization", "model", "license", "text")
        }
        clean = {name: word if is_storable(word) else "" for name, word in words.items()}
        return cls(**clean, since=_day(given.get("since", "")), until=_day(given.get("until", "")))

    def as_dict(self) -> dict[str, str]:
        """Those that narrow something, as words."""
        said = {name: str(getattr(self, name) or "") for name in self.__slots__}
        return {name: word for name, word in said.items() if word}


def readable(user: User, filters: Filters, *, scopes: frozenset[Scope] | None = None) -> QuerySet[Acceptance]:
    """One's own acceptances, and those for models of the organizations whose acceptances one reads by role."""
    if scopes is not None and Scope.READ not in scopes:
        return Acceptance.objects.none()
    by_role = Membership.objects.filter(user=user, role__in=[role.value for role in READERS]).values("organization")
    rows = Acceptance.objects.filter(Q(user=user) | Q(variant__organization__in=by_role))
    rows = rows.select_related("user", "license_version__license", "variant__organization")
    return _narrowed(rows, filters).defer("license_version__text").order_by("-id")


@transaction.atomic
def record_export(*, by: User, filters: Filters, form: str, count: int) -> None:
    """Put on record who took a copy of which acceptances; called before the first line is handed out."""
    audit.record(
        "licensing:acceptances:exported",
        subject=by,
        actor=by,
        at=timezone.now(),
        label=by.username,
        form=form,
        count=count,
        filters=filters.as_dict(),
    )


def as_csv(rows: QuerySet[Acceptance]) -> Iterator[str]:
    """Comma-separated lines with a heading; read in chunks, so that any number of them fits."""
    return csv_lines(COLUMNS, (as_dict(row) for row in rows.iterator(chunk_size=CHUNK)))


def as_json_lines(rows: QuerySet[Acceptance]) -> Iterator[str]:
    """One JSON object a line."""
    for row in rows.iterator(chunk_size=CHUNK):
        yield json.dumps(as_dict(row), ensure_ascii=False) + "\n"


FORMS = {"csv": (as_csv, "text/csv; charset=utf-8"), "jsonl": (as_json_lines, "application/jsonl; charset=utf-8")}


def as_dict(row: Acceptance) -> dict[str, object]:
    """An acceptance as it is exported and shown by the API; who was erased has a pseudonym, no place and no name."""
    values = (
        row.pk,
        row.accepted_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        row.user.username,
        row.user_name,
        row.affiliation,
        row.license_version.license.key,
        row.license_version.version,
        row.text_sha256,
        row.variant.repo_id,
        row.form_version,
        row.from_address or "",
        row.agent_sha256,
        row.erased_at is not None,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _narrowed(rows: QuerySet[Acceptance], filters: Filters) -> QuerySet[Acceptance]:
    if filters.person:
        rows = rows.filter(Q(user__username__iexact=filters.person) | Q(user_name__icontains=filters.person))
    if filters.organization:
        rows = rows.filter(affiliation__icontains=filters.organization)
    if filters.model:
        organization, _, name = filters.model.partition("/")
        rows = rows.filter(variant__organization__name__iexact=organization)
        rows = rows.filter(variant__name__iexact=name) if name else rows
    if filters.license:
        rows = rows.filter(license_version__license__key=filters.license)
    if filters.text:
        rows = rows.filter(text_sha256__startswith=filters.text.lower().removeprefix("sha256:"))
    if filters.since:
        rows = rows.filter(accepted_at__gte=datetime.combine(filters.since, time.min, UTC))
    if filters.until:
        rows = rows.filter(accepted_at__lte=datetime.combine(filters.until, time.max, UTC))
    return rows


def _day(given: str) -> date | None:
    try:
        return parse_date(given.strip()) if given else None
    except ValueError:
        return None
