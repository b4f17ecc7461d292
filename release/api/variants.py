"""The API of variants: what there is of each, as far as the caller may know. Hidden answers as missing."""

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

from gating.selectors import visible_variants
from licensing.selectors import offers
from registry.models import Variant
from registry.selectors import actor_for, evidence_work, latest_evidence, organization_named
from registry.services.evidence import start_evidence
from registry.services.variants import create_variant
from registry.states import EvidenceKind
from release import evidence_policies, policies, selectors
from release.api import inputs, representations
from release.api import serializers as shapes
from release.api.releases import PROBLEMS
from release.presenters import lineage
from release.presenters.files import download_url
from release.selectors import variants as reads
from rules import Refused, Verdict

REVISION = OpenApiParameter("revision", OpenApiTypes.STR, description="A branch, tag or commit; `main` by default.")


class VariantView(GenericAPIView):
    """What the views of one variant share; reading takes no account where the variant is disclosed."""

    permission_classes = [AllowAny]
    serializer_class = shapes.VariantSerializer

    @property
    def scopes(self) -> Any:
        """Those of the caller's token; None for a signed-in session."""
        return self.request.auth.scope_set if self.request.auth else None

    def seen(self, organization: str, name: str) -> reads.Seen:
        """The variant at the revision that the address names."""
        revision = self.request.query_params.get("revision", "")
        return reads.seen_by(self.request.user, organization, name, revision, scopes=self.scopes)

    def inside(self, organization: str, name: str) -> reads.Seen:
        """The variant for a member; for everybody else this address does not exist."""
        seen = self.seen(organization, name)
        if not seen.is_member:
            raise Refused.because(policies.INSIDE_ONLY)
        return seen

    def given(self, shape: type[serializers.Serializer]) -> dict[str, Any]:
        """The request's body, checked."""
        taken = shape(data=self.request.data)
        taken.is_valid(raise_exception=True)
        return dict(taken.validated_data)

    def may_run(self, seen: reads.Seen) -> Verdict:
        """Whether the caller may have evidence made again."""
        return evidence_policies.may_run_evidence(
            actor_for(self.request.user, seen.variant.organization, self.request.auth)
        )


class Variants(VariantView):
    """All variants that the caller may know of."""

    def get_queryset(self) -> QuerySet[Variant]:
        """The variants that the caller may know of."""
        return visible_variants(self.request.user, scopes=self.scopes)

    @extend_schema(
        operation_id="variants_list",
        parameters=[OpenApiParameter("organization", OpenApiTypes.STR), OpenApiParameter("search", OpenApiTypes.STR)],
        responses={200: shapes.VariantRowSerializer(many=True), 401: PROBLEMS[401]},
    )
    def get(self, request: Request) -> Response:
        """List variants, newest first."""
        rows = self.get_queryset()
        if organization := request.query_params.get("organization"):
            rows = rows.filter(organization__name__iexact=organization)
        if search := request.query_params.get("search"):
            rows = rows.filter(name__icontains=search)
        page = self.paginate_queryset(rows) or []
        states = reads.outside_states(page)
        shown = [representations.variant_row(row, states[row.pk]) for row in page]
        return self.get_paginated_response(shapes.VariantRowSerializer(shown, many=True).data)

    @extend_schema(request=inputs.NewVariantSerializer, responses={201: shapes.VariantSerializer, **PROBLEMS})
    def post(self, request: Request) -> Response:
        """Create a variant without files; it is private until a release discloses it."""
        given = self.given(inputs.NewVariantSerializer)
        organization = organization_named(given["organization"])
        policies.may_create_variant(actor_for(request.user, organization, request.auth)).require()
        family = selectors.family_named(organization, given.get("family", ""))
        made = create_variant(
            organization=organization, name=given["name"], by=request.user, family=family, summary=given["summary"]
        )
        shown = _variant(self, reads.seen_by(request.user, organization.name, made.name, scopes=self.scopes))
        answer = shapes.VariantSerializer(shown).data
        return Response(answer, status=status.HTTP_201_CREATED, headers={"Location": answer["url"]})


class OneVariant(VariantView):
    """One variant."""

    @extend_schema(
        operation_id="variants_retrieve", parameters=[REVISION], responses={200: shapes.VariantSerializer, **PROBLEMS}
    )
    def get(self, request: Request, organization: str, name: str) -> Response:
        """Read a variant: what is served of it, or, to members, its newest commit."""
        return Response(shapes.VariantSerializer(_variant(self, self.seen(organization, name))).data)


class Files(VariantView):
    """The files at a revision."""

    ordering = ("path", "id")

    @extend_schema(parameters=[REVISION], responses={200: shapes.FileSerializer(many=True), **PROBLEMS})
    def get(self, request: Request, organization: str, name: str) -> Response:
        """List files, each with the address to download it from where the caller may."""
        seen = self.seen(organization, name)
        files = reads.files_at(seen)
        rows = []
        for row in self.paginate_queryset(files) or []:
            is_open = seen.access.reads_path(row.path).allowed
            rows.append(representations.file(row, download_url(seen.variant, seen.commit, row.path) if is_open else ""))
        return self.get_paginated_response(shapes.FileSerializer(rows, many=True).data)


class Checkpoints(VariantView):
    """A variant's checkpoints; members only."""

    pagination_class = None

    @extend_schema(responses={200: shapes.CheckpointSerializer(many=True), **PROBLEMS})
    def get(self, request: Request, organization: str, name: str) -> Response:
        """List the 50 newest checkpoints."""
        seen = self.inside(organization, name)
        rows = [representations.checkpoint(commit) for commit in selectors.checkpoints_of(seen.variant)]
        return Response(shapes.CheckpointSerializer(rows, many=True).data)


class OneCheckpoint(VariantView):
    """One checkpoint with its evidence; members only."""

    @extend_schema(operation_id="checkpoints_retrieve", responses={200: shapes.CheckpointDetailSerializer, **PROBLEMS})
    def get(self, request: Request, organization: str, name: str, digest: str) -> Response:
        """Read a checkpoint: its evidence of each kind, and the work on more."""
        seen = self.inside(organization, name)
        commit = reads.commit_of(seen.variant, digest)
        made, work = latest_evidence(commit.checkpoint), evidence_work(commit.checkpoint)
        shown = representations.checkpoint(commit) | {
            "evidence": [representations.evidence(kind, made.get(kind), work.get(kind)) for kind in EvidenceKind],
            "actions": [representations.action("run evidence", self.may_run(seen))],
        }
        return Response(shapes.CheckpointDetailSerializer(shown).data)


class RunEvidence(VariantView):
    """Having evidence made again."""

    @extend_schema(
        operation_id="checkpoints_run_evidence",
        request=inputs.RunEvidenceSerializer,
        responses={202: shapes.JobSerializer(many=True), **PROBLEMS},
    )
    def post(self, request: Request, organization: str, name: str, digest: str) -> Response:
        """Make one kind of evidence again; the earlier result stays on record."""
        seen = self.inside(organization, name)
        self.may_run(seen).require()
        kind = EvidenceKind(self.given(inputs.RunEvidenceSerializer)["kind"])
        checkpoint = reads.commit_of(seen.variant, digest).checkpoint
        begun = start_evidence(checkpoint=checkpoint, kinds={kind}, again=True)
        shown = [representations.job(job) for job in begun]
        headers = {"Location": shown[0]["url"]} if shown and shown[0] else {}
        body = shapes.JobSerializer(shown, many=True).data
        return Response(body, status=status.HTTP_202_ACCEPTED, headers=headers)


def _variant(view: VariantView, seen: reads.Seen) -> dict[str, Any]:
    variant = seen.variant
    parents, _ = lineage.relatives(view.request.user, variant, scopes=view.scopes)
    acts = {"read": seen.access.reads, "write": seen.access.writes}
    return representations.variant_row(variant, reads.outside_states([variant])[variant.pk]) | {
        "revision": seen.commit.oid if seen.commit else None,
        "checkpoint": seen.commit.checkpoint.digest if seen.commit else None,
        "license": representations.license_reference(offers([variant]).get(variant.pk)),
        "parents": [{"name": one.name, "relation": one.code} for one in parents],
        "actions": [representations.action(name, verdict) for name, verdict in acts.items()],
    }
