"""The REST API of accounts: who one is, and one's own tokens."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import policies, presenters, selectors, services
from accounts.api.serializers import NewTokenSerializer, TokenInputSerializer, TokenSerializer, WhoAmISerializer
from accounts.authentication import actor_of
from accounts.models import Token
from web.problems import ProblemSerializer


class WhoAmI(APIView):
    """Whoever asks."""

    @extend_schema(
        summary="Ask who you are",
        responses={200: WhoAmISerializer, 401: ProblemSerializer},
        tags=["accounts"],
    )
    def get(self, request: Request) -> Response:
        """Answer the user, their roles and the token at hand."""
        user = request.user
        shown = {
            "id": user.pk,
            "username": user.username,
            "full_name": user.full_name,
            "is_service": user.is_service,
            "organizations": presenters.roles_of(user),
            "token": request.auth,
        }
        return Response(WhoAmISerializer(shown).data)


@extend_schema_view(
    get=extend_schema(
        summary="List your tokens",
        description="Your own, newest first, with those that expired or were revoked.",
        responses={200: TokenSerializer(many=True), 401: ProblemSerializer},
        tags=["accounts"],
    )
)
class Tokens(ListAPIView):
    """One's own tokens."""

    serializer_class = TokenSerializer
    ordering = "-id"

    def get_queryset(self) -> QuerySet[Token]:
        """The caller's own."""
        return selectors.tokens_of(self.request.user)

    @extend_schema(
        summary="Make a token",
        description="Needs a session of the pages, since a token cannot make another. The secret is answered once.",
        request=TokenInputSerializer,
        responses={
            201: NewTokenSerializer,
            401: ProblemSerializer,
            403: ProblemSerializer,
            422: ProblemSerializer,
        },
        examples=[
            OpenApiExample(
                "A training job",
                {"name": "training cluster", "scopes": ["read", "write"], "expires_days": 30},
                request_only=True,
            )
        ],
        tags=["accounts"],
    )
    def post(self, request: Request) -> Response:
        """Make one; its secret is in this answer alone."""
        policies.may_manage_tokens(actor_of(request)).require()
        asked = TokenInputSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        new = services.create_token(user=request.user, **asked.validated_data)
        shown = TokenSerializer(new.token).data | {"secret": new.secret}
        return Response(shown, status=201, headers={"Cache-Control": "no-store"})


class RevokeToken(APIView):
    """The end of a token."""

    @extend_schema(
        summary="Revoke a token",
        description="One of your own. Needs a session or the scope `write`; a token may always end itself.",
        request=None,
        responses={200: TokenSerializer, 401: ProblemSerializer, 403: ProblemSerializer, 404: ProblemSerializer},
        tags=["accounts"],
    )
    def post(self, request: Request, token_id: int) -> Response:
        """End it; it opens nothing from now on."""
        is_itself = request.auth is not None and request.auth.pk == token_id
        policies.may_revoke_token(actor_of(request), is_itself=is_itself).require()
        token = services.revoke_token(token_id=token_id, user=request.user)
        return Response(TokenSerializer(token).data)
