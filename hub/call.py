"""One call of the protocol: who calls, what they sent, and where answers' addresses begin.

Reads bodies as streams, since Django's own `request.body` would hold them in memory and refuses large ones. Decides
nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

from accounts.authentication import bearer_secret
from accounts.models import Token, User
from accounts.policies import BAD_TOKEN
from accounts.roles import Scope
from accounts.selectors import token_of
from hub import bodies, policies
from hub.routing import raw_path, under
from rules import Refused

# In memory a value takes up to some twenty times what it takes here.
JSON_LIMIT_BYTES, MOST_FIELDS = 4 << 20, 10_000
BLOCK_BYTES = 1 << 20
DEEPEST = 64
READING = frozenset({"GET", "HEAD"})
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Call:
    """One request as the protocol's views see it.

    The way in is a bearer token. A session's cookie opens nothing but what a view that only reads asks it for.
    """

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self._is_session_enough = False

    def accept_session(self) -> None:
        """Let people who are signed in to the pages follow a link to a file; a token that was sent goes before."""
        self._is_session_enough = self.request.method in READING

    @cached_property
    def token(self) -> Token | None:
        """The token that was sent; Refused where it opens nothing, None where none was sent."""
        secret = bearer_secret(self.request)
        if secret is None:
            if self.request.headers.get("Authorization"):
                raise Refused.because(BAD_TOKEN)
            return None
        token = token_of(secret)
        if token is None:
            raise Refused.because(BAD_TOKEN)
        return token

    @property
    def user(self) -> User | None:
        """Who calls; None for nobody."""
        if self.token:
            return self.token.user
        return self._signed_in if self._is_session_enough else None

    @cached_property
    def _signed_in(self) -> User | None:
        """Whose session's cookie came along; sessions are asked here because this door stands before theirs."""
        key = self.request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if not key:
            return None
        self.request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
        found = get_user(self.request)
        return found if found.is_authenticated else None

    @property
    def scopes(self) -> frozenset[Scope] | None:
        """What the token may be used for."""
        return self.token.scope_set if self.token else None

    def somebody(self) -> User:
        """Who calls; Refused where nobody does."""
        if self.user is None:
            raise Refused.because(policies.LOG_IN)
        return self.user

    @cached_property
    def origin(self) -> str:
        """Scheme, host and prefix by which the client reached us; every address in an answer begins with it."""
        prefix = self.request.META.get("SCRIPT_NAME", "").rstrip("/")
        return f"{self.request.scheme}://{self.request.get_host()}{prefix}"

    def location_under(self, former: str, now: str) -> str:
        """The address that was asked for, undecoded, with its query, for a repository that has another name now."""
        query = self.request.META.get("QUERY_STRING", "")
        return self.origin + under(raw_path(self.request.META), former, now) + (f"?{query}" if query else "")

    def next_link(self, **changed: str) -> str:
        """The value of a Link header that leads to the same list with some of its query changed."""
        query = self.request.GET.copy()
        for name, value in changed.items():
            query[name] = value
        return f'<{self.origin}{raw_path(self.request.META)}?{query.urlencode()}>; rel="next"'

    # --- what was asked ------------------------------------------------------------------------

    def asks(self, name: str) -> bool:
        """Whether a flag of the query is set."""
        return self.request.GET.get(name, "").lower() in {"1", "true", "yes"}

    def query(self, name: str) -> str:
        """One value of the query, empty where it is not there."""
        return storable(self.request.GET.get(name, ""))

    def words(self, name: str) -> list[str]:
        """All values of a repeated parameter, whether written `name` or `name[]`."""
        return [*self.request.GET.getlist(name), *self.request.GET.getlist(f"{name}[]")]

    # --- what was sent -------------------------------------------------------------------------

    @property
    def announced_bytes(self) -> int | None:
        """The body's length as announced; None where it is sent in chunks of unannounced number."""
        announced = self.request.META.get("CONTENT_LENGTH") or ""
        return int(announced) if announced.isdigit() else None

    def blocks(self, size: int = BLOCK_BYTES) -> Iterator[bytes]:
        """The body as it arrives; Refused at its end where it was cut short, so that no half of it counts."""
        environ, announced, received = self.request.META, self.announced_bytes, 0
        # Django would read nothing that has no announced length, though the server knows where such a body ends.
        if announced is None and not environ.get("wsgi.input_terminated"):
            announced = 0
        for block in bodies.blocks(environ["wsgi.input"], announced, size):
            received += len(block)
            yield block
        if announced is not None and received != announced:
            raise Refused.because(policies.BODY_CUT, received=received, announced=announced)

    def json(self) -> dict[str, Any]:
        """The body as a JSON object."""
        try:
            found = json.loads(self._whole() or b"{}")
        except (ValueError, RecursionError):
            raise malformed("The body is not JSON.") from None
        if not isinstance(found, dict):
            raise malformed("The body is not a JSON object.")
        return storable_in(found)

    def form(self) -> list[tuple[str, str]]:
        """The body as the fields of a form, in either of a form's encodings, in order, with repetitions."""
        try:
            if self.request.content_type == "multipart/form-data":
                fields = self.request.POST.lists()
                return [(storable(name), storable(value)) for name, values in fields for value in values]
            text = storable(self._whole().decode())
            return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
        except (ValueError, MultiPartParserError):
            raise malformed("The body is not a form.") from None

    def _whole(self) -> bytes:
        whole = bytearray()
        for block in self.blocks():
            whole += block
            if len(whole) > JSON_LIMIT_BYTES:
                raise Refused.because(policies.TOO_LARGE, limit=JSON_LIMIT_BYTES)
        return bytes(whole)


def malformed(what: str) -> Refused:
    """A refusal of a request that is not as the protocol says."""
    return Refused.because(policies.MALFORMED, what=what)


def storable(text: str) -> str:
    """The text, refused where the database could not hold it."""
    if UNSTORABLE.search(text):
        raise malformed("A text holds a NUL character or half of a surrogate pair.")
    return text


def storable_in(value: Any) -> Any:
    """A JSON value, refused where any text in it could not be stored, or where it is nested so deeply that writing it
    again could fail."""
    level = [value]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, str):
                storable(one)
            elif isinstance(one, dict):
                for name in one:
                    storable(name)
                inner += one.values()
            elif isinstance(one, list):
                inner += one
        if not inner:
            return value
        level = inner
    raise malformed(f"The JSON is nested deeper than {DEEPEST} levels.")


def text_of(values: dict[str, Any], name: str, default: str | None = None, limit: int = 10_000) -> str:
    """A text field of a JSON object; Refused where it is no text, too long, or missing without a default."""
    value = values.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or len(value) > limit:
        raise malformed(f"The field {name} must be a text of at most {limit} characters.")
    return value
