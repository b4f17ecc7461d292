"""The API of licenses: the same reads and the same service as the pages."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from licensing import policies, selectors, services
from licensing.acceptances import Filters, as_dict, readable
from licensing.api.serializers import (
    AcceptanceSerializer,
    AssessmentSerializer,
    ExportSerializer,
    LicenseCaseSerializer,
    LicenseRowSerializer,
    LicenseSerializer,
    NewLicenseSerializer,
)
from licensing.book import book
from licensing.cases import CaseRefused
from licensing.engine import evaluate, read_case
from licensing.models import Acceptance, License, LicenseVersion
from licensing.terms import Kind
from licensing.views.acceptances import export_response
from rules import Refused, Verdict
from web.problems import ProblemSerializer

PROBLEMS = dict.fromkeys((401, 403, 404, 422), ProblemSerializer)


class LicenseView(GenericAPIView):
    """What the views of licenses share; reading needs no account."""

    serializer_class = LicenseSerializer
    ordering = ("key",)

    def get_permissions(self) -> list[Any]:
        """Everybody reads; whoever writes must be somebody."""
        return [AllowAny()] if self.request.method in {"GET", "HEAD", "OPTIONS"} else [IsAuthenticated()]

    @property
    def scopes(self) -> Any:
        """Those of the caller's token; None for a signed-in session."""
        return self.request.auth.scope_set if self.request.auth else None

    def may_add(self) -> Verdict:
        """Whether the caller may add licenses at all."""
        actor = selectors.actor_anywhere(self.request.user, self.scopes)
        return policies.may_add_license(actor, name="any", version="", text="any")


class Licenses(LicenseView):
    """All licenses."""

    def get_queryset(self) -> QuerySet[License]:
        """The licenses that the query asks for."""
        query = self.request.query_params
        kind = query.get("kind", "")
        held = {"true": True, "false": False}.get(query.get("has_text", ""))
        return selectors.licenses(search=query.get("search", ""), kind=kind if kind in set(Kind) else "", has_text=held)

    @extend_schema(
        operation_id="licenses_list",
        parameters=[
            OpenApiParameter("search", OpenApiTypes.STR),
            OpenApiParameter("kind", OpenApiTypes.STR, enum=[kind.value for kind in Kind]),
            OpenApiParameter("has_text", OpenApiTypes.BOOL),
        ],
        responses={200: LicenseRowSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        """List licenses by key."""
        page = self.paginate_queryset(self.get_queryset()) or []
        rows = [_row(license, license.current_versions[0]) for license in page]
        return self.get_paginated_response(LicenseRowSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="licenses_create", request=NewLicenseSerializer, responses={201: LicenseSerializer, **PROBLEMS}
    )
    def post(self, request: Request) -> Response:
        """Add a license of the lab's own, or a new version of one; legal reviewers only."""
        self.may_add().require()
        given = NewLicenseSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.add_license(**given.validated_data, by=request.user, scopes=self.scopes)
        shown = LicenseSerializer(_license(self, made)).data
        return Response(shown, status=status.HTTP_201_CREATED, headers={"Location": shown["url"]})


class OneLicense(LicenseView):
    """One license."""

    @extend_schema(
        operation_id="licenses_retrieve",
        parameters=[OpenApiParameter("version", OpenApiTypes.INT, description="The id of an older version.")],
        responses={200: LicenseSerializer, 404: ProblemSerializer},
    )
    def get(self, request: Request, key: str) -> Response:
        """Read a license: its terms, how they are known, and the text where it is held."""
        found = selectors.license_of(key)
        version = selectors.version_by_id(found, request.query_params.get("version", ""))
        return Response(LicenseSerializer(_license(self, version)).data)


class LicenseChecks(LicenseView):
    """What licenses demand of a release: the same engine as the page and the command. Facts, not legal advice."""

    serializer_class = AssessmentSerializer
    pagination_class = None

    def get_permissions(self) -> list[Any]:
        """Nothing is written and nothing of ours is told: anybody may ask."""
        return [AllowAny()]

    @extend_schema(
        operation_id="license_checks_create",
        request=LicenseCaseSerializer,
        responses={200: AssessmentSerializer, 422: ProblemSerializer},
    )
    def post(self, request: Request) -> Response:
        """Judge a license case; nothing of it is kept. An unknown key is refused by name."""
        held = book()
        try:
            answer = evaluate(read_case(request.data, held), held)
        except CaseRefused as refused:
            raise Refused.because(policies.BAD_CASE, problem=refused.message, field=refused.key) from refused
        return Response(answer.as_dict())


@extend_schema(exclude=True)
class LicenseChecksWithoutSlash(LicenseChecks):
    """The same, for who leaves the last slash out: a redirect would lose what was sent."""


FILTERS = [
    OpenApiParameter(name, OpenApiTypes.DATE if name in {"since", "until"} else OpenApiTypes.STR)
    for name in ("person", "organization", "model", "license", "text", "since", "until")
]


class Acceptances(LicenseView):
    """Who accepted which text: one's own, and those that one reads by role."""

    serializer_class = AcceptanceSerializer
    ordering = ("-id",)

    def get_permissions(self) -> list[Any]:
        """Names and addresses are personal: whoever reads them must be somebody."""
        return [IsAuthenticated()]

    def get_queryset(self) -> QuerySet[Acceptance]:
        """The acceptances that the query asks for."""
        return readable(self.request.user, Filters.of(self.request.query_params.dict()), scopes=self.scopes)

    @extend_schema(
        operation_id="acceptances_list",
        parameters=FILTERS,
        responses={200: AcceptanceSerializer(many=True), **PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        """List acceptances, newest first."""
        rows = [as_dict(row) for row in self.paginate_queryset(self.get_queryset()) or []]
        return self.get_paginated_response(AcceptanceSerializer(rows, many=True).data)


class ExportAcceptances(LicenseView):
    """A copy of acceptances as a file."""

    serializer_class = ExportSerializer

    @extend_schema(
        operation_id="acceptances_export",
        request=ExportSerializer,
        responses={(200, "text/csv"): str, (200, "application/jsonl"): str, **PROBLEMS},
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        """Hand out all acceptances that the filters leave, streamed; that somebody took them is put on record."""
        given = ExportSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        words = given.validated_data
        return export_response(request.user, Filters.of(words), words["form"], scopes=self.scopes)


def _row(license: License, version: LicenseVersion) -> dict[str, Any]:
    card = {"license": license.hub_license}
    if license.hub_license_name:
        card["license_name"] = license.hub_license_name
    return {
        "key": license.key,
        "url": reverse("licensing-api:license", args=[license.key]),
        "name": license.name,
        "spdx_id": license.spdx_id,
        "kind": license.kind,
        "is_custom": license.is_custom,
        "card": card,
        "version": version.version,
        "certainty": version.certainty,
        "text_sha256": version.text_sha256,
    }


def _license(view: LicenseView, version: LicenseVersion) -> dict[str, Any]:
    license, verdict = version.license, view.may_add()
    actions = [{"name": "succeed", "allowed": verdict.allowed, "reasons": verdict.as_list()}]
    return _row(license, version) | {
        "licensor": license.licensor,
        "aliases": license.aliases,
        "terms": version.terms,
        "sources": version.sources,
        "unverified": version.unverified,
        "text": version.text,
        "versions": [
            {"id": row.pk, "version": row.version, "text_sha256": row.text_sha256, "recorded_at": row.created_at}
            for row in selectors.versions_of(license)
        ],
        "actions": actions if license.is_custom else [],
    }
