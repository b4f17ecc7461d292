"""The API of access: asking, deciding, grants and gates. Each verb calls the service that the page calls."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import user_named
from accounts.signing_in import sent_from
from gating import policies, selectors, services
from gating.api import representations
from gating.api import serializers as shapes
from gating.models import AccessRequest, Grant
from gating.policies.review import UNKNOWN_USER
from gating.states import RequestState
from licensing.selectors import version_of
from registry.models import Variant
from rules import Refused
from web.problems import ProblemSerializer

PROBLEMS = dict.fromkeys((401, 403, 404, 409, 422), ProblemSerializer)
LIST_PROBLEMS = {401: ProblemSerializer}
VARIANT = OpenApiParameter("variant", OpenApiTypes.STR, description="organization/name")


class AccessView(GenericAPIView):
    """What the views of access share."""

    serializer_class = shapes.AccessRequestSerializer

    @property
    def scopes(self) -> Any:
        """Those of the caller's token; None for a signed-in session."""
        return self.request.auth.scope_set if self.request.auth else None

    def given(self, shape: type[serializers.Serializer]) -> dict[str, Any]:
        """The request's body, checked."""
        taken = shape(data=self.request.data)
        taken.is_valid(raise_exception=True)
        return dict(taken.validated_data)

    def variant(self, organization: str, name: str) -> Variant:
        """The variant, if the caller may know of it."""
        return selectors.visible_variant(self.request.user, f"{organization}/{name}", scopes=self.scopes)[0]

    def shown(self, request_id: int) -> dict[str, Any]:
        """A request as the caller may read it now."""
        row = selectors.request_for(self.request.user, request_id, scopes=self.scopes)
        actor = selectors.actor_of(self.request.user, row.variant, scopes=self.scopes)
        return dict(shapes.AccessRequestSerializer(representations.request(row, actor)).data)


class AccessRequests(AccessView):
    """One's own requests, and those that one may read by role."""

    def get_queryset(self) -> QuerySet[AccessRequest]:
        """The requests that the caller may read, narrowed by the query."""
        rows = selectors.readable_requests(self.request.user, scopes=self.scopes)
        query = self.request.query_params
        if (state := query.get("state", "")) in set(RequestState):
            rows = rows.filter(state=state)
        if user := query.get("user"):
            rows = rows.filter(user__username=user)
        return selectors.of_variant(rows, query.get("variant", ""))

    @extend_schema(
        operation_id="access_requests_list",
        parameters=[
            OpenApiParameter("state", OpenApiTypes.STR, enum=shapes.REQUEST_STATES),
            OpenApiParameter("user", OpenApiTypes.STR),
            VARIANT,
        ],
        responses={200: shapes.AccessRequestRowSerializer(many=True), **LIST_PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        """List requests, newest first."""
        rows = [representations.request_row(row) for row in self.paginate_queryset(self.get_queryset()) or []]
        return self.get_paginated_response(shapes.AccessRequestRowSerializer(rows, many=True).data)


class OneAccessRequest(AccessView):
    """One request."""

    @extend_schema(operation_id="access_requests_retrieve", responses={200: shapes.AccessRequestSerializer, **PROBLEMS})
    def get(self, request: Request, request_id: int) -> Response:
        """Read a request: its answers, its grants, and what the caller may do."""
        return Response(self.shown(request_id))


class Decide(AccessView):
    """Accept, reject or reopen a request."""

    verb = ""

    @extend_schema(request=shapes.DecisionSerializer, responses={200: shapes.AccessRequestSerializer, **PROBLEMS})
    def post(self, request: Request, request_id: int) -> Response:
        """Decide; rejecting and reopening need a reason, which the requester reads."""
        reason = self.given(shapes.DecisionSerializer)["reason"]
        act = {"accept": services.accept, "reject": services.reject, "reopen": services.reopen}[self.verb]
        act(request_id=request_id, by=request.user, reason=reason, scopes=self.scopes)
        return Response(self.shown(request_id))


class Cancel(AccessView):
    """Withdraw one's own request."""

    @extend_schema(request=None, responses={200: shapes.AccessRequestSerializer, **PROBLEMS})
    def post(self, request: Request, request_id: int) -> Response:
        """Withdraw; a request for renewal goes back to the grant that still runs."""
        services.cancel(request_id=request_id, by=request.user, scopes=self.scopes)
        return Response(self.shown(request_id))


class Grants(AccessView):
    """One's own grants, and those that one may read by role."""

    serializer_class = shapes.GrantSerializer

    def get_queryset(self) -> QuerySet[Grant]:
        """The grants that the caller may read, narrowed by the query."""
        rows = selectors.readable_grants(self.request.user, scopes=self.scopes)
        if user := self.request.query_params.get("user"):
            rows = rows.filter(user__username=user)
        return selectors.of_variant(rows, self.request.query_params.get("variant", ""))

    @extend_schema(
        operation_id="grants_list",
        parameters=[OpenApiParameter("user", OpenApiTypes.STR), VARIANT],
        responses={200: shapes.GrantSerializer(many=True), **LIST_PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        """List grants, newest first, those that have ended among them."""
        rows = [representations.grant(row) for row in self.paginate_queryset(self.get_queryset()) or []]
        return self.get_paginated_response(shapes.GrantSerializer(rows, many=True).data)


class Revoke(AccessView):
    """End a grant early."""

    @extend_schema(
        operation_id="grants_revoke",
        request=shapes.DecisionSerializer,
        responses={200: shapes.GrantSerializer, **PROBLEMS},
    )
    def post(self, request: Request, grant_id: int) -> Response:
        """Revoke; the next download is refused, copies already made stay where they are."""
        reason = self.given(shapes.DecisionSerializer)["reason"]
        ended = services.revoke(grant_id=grant_id, by=request.user, reason=reason, scopes=self.scopes)
        return Response(shapes.GrantSerializer(representations.grant(ended)).data)


class VariantGrants(AccessView):
    """Granting access to one variant."""

    @extend_schema(
        operation_id="variants_grant",
        request=shapes.NewGrantSerializer,
        responses={201: shapes.GrantSerializer, **PROBLEMS},
    )
    def post(self, request: Request, organization: str, name: str) -> Response:
        """Give somebody access who need not have asked."""
        given, variant = self.given(shapes.NewGrantSerializer), self.variant(organization, name)
        actor = selectors.actor_of(request.user, variant, scopes=self.scopes)
        policies.may_review(variant.organization.name, actor).require()
        user = user_named(given["user"])
        if user is None:
            raise Refused.because(UNKNOWN_USER, name=given["user"])
        made = services.grant(variant=variant, user=user, by=request.user, days=given["days"], scopes=self.scopes)
        return Response(shapes.GrantSerializer(representations.grant(made)).data, status=status.HTTP_201_CREATED)


class VariantAccess(AccessView):
    """One's own access to one variant, and asking for it."""

    serializer_class = shapes.AccessSerializer
    permission_classes = [AllowAny]

    @extend_schema(operation_id="variants_access", responses={200: shapes.AccessSerializer, **PROBLEMS})
    def get(self, request: Request, organization: str, name: str) -> Response:
        """Read what one may do with a variant, why not, and what its gate asks."""
        variant = self.variant(organization, name)
        facts = selectors.access_facts(request.user, [variant])[variant.pk]
        actor = selectors.actor_of(request.user, variant, scopes=self.scopes)
        decided, gate = policies.decide(facts, actor), selectors.gate_in_force(variant)
        verdicts = {
            "read": decided.reads,
            "write": decided.writes,
            "ask": policies.may_ask(facts, selectors.gate_facts(variant, gate), actor),
            "accept_text": policies.may_accept_text(facts, actor),
        }
        live, own = facts.standing.live_grant(facts.at), selectors.request_at(request.user, variant)
        shown = {
            "variant": variant.repo_id,
            "is_member": decided.is_member,
            "is_gated": decided.is_gated,
            "expires_at": live.expires_at if live else None,
            "accept_by": facts.standing.accept_by if live else None,
            "request": representations.request_row(own) if own else None,
            "gate": representations.gate(gate, in_force=gate) if gate and decided.is_gated else None,
            "actions": [representations.action(verb, verdict) for verb, verdict in verdicts.items()],
        }
        return Response(shapes.AccessSerializer(shown).data)

    @extend_schema(
        operation_id="variants_ask",
        request=shapes.AskSerializer,
        responses={201: shapes.AccessRequestSerializer, **PROBLEMS},
    )
    def post(self, request: Request, organization: str, name: str) -> Response:
        """Ask for access, for the first time or for renewal; an automatic gate accepts at once."""
        variant, given = self.variant(organization, name), self.given(shapes.AskSerializer)
        asked = services.ask(variant=variant, user=request.user, **given, **sent_from(request), scopes=self.scopes)
        shown = self.shown(asked.pk)
        return Response(shown, status=status.HTTP_201_CREATED, headers={"Location": shown["url"]})


class VariantText(AccessView):
    """Accepting a license text that changed."""

    @extend_schema(
        operation_id="variants_accept_text",
        request=shapes.AcceptTextSerializer,
        responses={204: None, **PROBLEMS},
    )
    def post(self, request: Request, organization: str, name: str) -> Response:
        """Accept the text that the gate demands now; a grant that runs goes on."""
        variant, given = self.variant(organization, name), self.given(shapes.AcceptTextSerializer)
        services.accept_text(variant=variant, user=request.user, **given, **sent_from(request), scopes=self.scopes)
        return Response(status=status.HTTP_204_NO_CONTENT)


class VariantGate(AccessView):
    """The gate of one variant, for those who keep it."""

    serializer_class = shapes.GateSerializer
    pagination_class = None

    def kept(self, organization: str, name: str) -> Variant:
        """The variant, if the caller keeps its gate."""
        variant = self.variant(organization, name)
        actor = selectors.actor_of(self.request.user, variant, scopes=self.scopes)
        policies.may_keep_gate(variant.organization.name, actor).require()
        return variant

    @extend_schema(operation_id="variants_gates", responses={200: shapes.GateSerializer(many=True), **PROBLEMS})
    def get(self, request: Request, organization: str, name: str) -> Response:
        """List the versions of a gate, newest first, saying which is in force."""
        variant = self.kept(organization, name)
        in_force = selectors.gate_in_force(variant)
        rows = [representations.gate(row, in_force=in_force) for row in selectors.gates_of(variant)[:100]]
        return Response(shapes.GateSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="variants_set_gate",
        request=shapes.NewGateSerializer,
        responses={201: shapes.GateSerializer, **PROBLEMS},
    )
    def post(self, request: Request, organization: str, name: str) -> Response:
        """Write a new version; in a governed organization the release that carries it puts it in force."""
        variant, given = self.kept(organization, name), self.given(shapes.NewGateSerializer)
        fields, key = given.pop("form"), given.pop("license")
        license_version = version_of(key) if key else None
        made = services.set_gate(
            variant=variant,
            fields=fields,
            license_version=license_version,
            by=request.user,
            scopes=self.scopes,
            **given,
        )
        shown = representations.gate(made, in_force=selectors.gate_in_force(variant))
        return Response(shapes.GateSerializer(shown).data, status=status.HTTP_201_CREATED)
