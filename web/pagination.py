"""Pages by key: no counting, no offset, so that a page stays right while rows are added.

Owns the two forms of it, for the API and for pages, and pages by position for what never changes.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import DataError
from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from rules import Kind, Refused, Rule

BAD_PAGE_KEY = Rule(
    "page_key_invalid",
    "The page cannot be found from the key that the address names.",
    "Anyone, by opening the list from its beginning.",
    Kind.WHAT,
    "after",
)


class KeyPagination(CursorPagination):
    """API pages: `?limit=` and `?cursor=`; a view names its `ordering`, else the newest id comes first."""

    page_size_query_param = "limit"
    max_page_size = 200
    ordering = "-id"
    invalid_cursor_message = "This cursor was not given out by us. Start again without one."

    def get_ordering(self, request: Any, queryset: QuerySet, view: Any) -> tuple[str, ...]:
        """Prefer the view's own ordering, which must end in something unique."""
        ordering = getattr(view, "ordering", None) or self.ordering
        return (ordering,) if isinstance(ordering, str) else tuple(ordering)

    def get_page_size(self, request: Any) -> int:
        """Read the limit; one that is no number from 1 to the maximum is refused, not replaced."""
        given = request.query_params.get(self.page_size_query_param)
        if given is None:
            return self.page_size
        if not (given.isascii() and given.isdigit() and 1 <= int(given[:6]) <= self.max_page_size):
            message = f"Give a whole number from 1 to {self.max_page_size}."
            raise exceptions.ValidationError({self.page_size_query_param: [message]})
        return int(given)

    def decode_cursor(self, request: Any) -> Any:
        """Read the cursor; a forged one is a fault of the request, not a missing page."""
        given = request.query_params.get(self.cursor_query_param, "")
        try:
            b64decode(given, validate=True)
            return super().decode_cursor(request)
        except (exceptions.NotFound, ValueError):
            raise self._forged() from None

    def paginate_queryset(self, queryset: QuerySet, request: Any, view: Any = None) -> list[Any] | None:
        """Cut out the page; a cursor whose position no key can have is forged, too."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, ValidationError, DataError):
            raise self._forged() from None

    def _forged(self) -> exceptions.ValidationError:
        return exceptions.ValidationError({self.cursor_query_param: [self.invalid_cursor_message]})

    def get_paginated_response(self, data: Any) -> Response:
        """Answer `results` with the addresses of the next and previous page."""
        return Response({"results": data, "next": self.get_next_link(), "previous": self.get_previous_link()})


class PositionPagination(KeyPagination):
    """API pages of what never changes, in any order: the cursor is a position, and no key need be unique.

    For lists and query sets alike; costs one query of `limit + 1` rows.
    """

    def decode_cursor(self, request: Any) -> int:
        """Read the position; anything that we did not give out is a fault of the request."""
        given = request.query_params.get(self.cursor_query_param)
        if given is None:
            return 0
        try:
            word, _, number = b64decode(given, validate=True).decode("ascii").partition("=")
        except ValueError:
            raise self._forged() from None
        if word != "at" or not (number.isascii() and number.isdigit() and len(number) < 12):
            raise self._forged()
        return int(number)

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> list[Any]:
        """Cut out the page."""
        self.size, self.at = self.get_page_size(request), self.decode_cursor(request)
        self.address = request.build_absolute_uri()
        found = list(queryset[self.at : self.at + self.size + 1])
        self.has_more, rows = len(found) > self.size, found[: self.size]
        return rows

    def get_next_link(self) -> str | None:
        """The address of the page behind this one."""
        return self._link(self.at + self.size) if self.has_more else None

    def get_previous_link(self) -> str | None:
        """The address of the page before this one."""
        return self._link(max(0, self.at - self.size)) if self.at else None

    def _link(self, at: int) -> str:
        cursor = b64encode(f"at={at}".encode("ascii")).decode("ascii")
        return replace_query_param(self.address, self.cursor_query_param, cursor)


@dataclass(frozen=True, slots=True)
class KeyPage:
    """Rows of one page, with the addresses of the pages around it, empty where there is none."""

    rows: list[Any]
    older: str = ""
    newer: str = ""

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def page_by_key(request: HttpRequest, rows: QuerySet, *, size: int = 50, key: str = "-pk") -> KeyPage:
    """Cut one page out of the rows by `?after=` or `?before=`, a value of the unique field `key`.

    Raises `Refused` where the key is nothing that the field can hold. Costs one query of `size + 1` rows.
    """
    name, downward = key.lstrip("-"), key.startswith("-")
    after, before = request.GET.get("after"), request.GET.get("before")
    backward = after is None and before is not None
    ordered = rows.order_by(f"{'-' if downward != backward else ''}{name}")
    if (given := before if backward else after) is not None:
        side = "lt" if downward != backward else "gt"
        ordered = ordered.filter(**{f"{name}__{side}": _value(rows, name, given)})
    found = list(ordered[: size + 1])
    more, found = len(found) > size, found[:size]
    if backward:
        found.reverse()
    has_older = more if not backward else True
    has_newer = after is not None or (backward and more)
    older = _address(request, "after", getattr(found[-1], name)) if found and has_older else ""
    newer = _address(request, "before", getattr(found[0], name)) if found and has_newer else ""
    return KeyPage(found, older, newer)


def _value(rows: QuerySet, name: str, given: str) -> Any:
    options = rows.model._meta
    try:
        field = options.pk if name == "pk" else options.get_field(name)
        return field.to_python(given)
    except (ValidationError, FieldDoesNotExist, ValueError, OverflowError):
        raise Refused.because(BAD_PAGE_KEY) from None


def _address(request: HttpRequest, side: str, key: Any) -> str:
    query = request.GET.copy()
    query.pop("after", None)
    query.pop("before", None)
    query[side] = str(key)
    return f"{request.path}?{query.urlencode()}"
