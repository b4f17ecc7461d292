"""How a request proves who it is from: a session's cookie in pages, a bearer token for programs."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework import authentication
from rest_framework.request import Request

from accounts import policies, selectors
from accounts.models import Token, User
from accounts.roles import NOBODY, Actor
from rules import Refused


def bearer_secret(request: HttpRequest) -> str | None:
    """The secret of an `Authorization: Bearer` header; None where there is no such header."""
    scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def actor_of(request: HttpRequest | Request) -> Actor:
    """Whoever sends a request, through the door that they came by, without a role: those are held in organizations."""
    user, token = request.user, getattr(request, "auth", None)
    if not user.is_authenticated:
        return NOBODY
    scopes = token.scope_set if token else None
    return Actor(id=user.pk, name=user.username, scopes=scopes, is_service=user.is_service)


class TokenAuthentication(authentication.BaseAuthentication):
    """A bearer token; one that opens nothing is refused rather than ignored."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        secret = bearer_secret(request._request)
        if secret is None:
            return None
        token = selectors.token_of(secret)
        if token is None:
            raise Refused.because(policies.BAD_TOKEN)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Imprimatur"'


class SessionAuthentication(authentication.SessionAuthentication):
    """The session of the pages, with its protection against forged requests."""
