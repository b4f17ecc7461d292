"""The API of a checkpoint's validation: report, findings, files, tensors, comparison. For members alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

import weights
from registry.models import Checkpoint, Evidence
from registry.services.evidence import stop_evidence
from registry.states import EvidenceKind
from release import evidence_policies
from release.api import inputs
from release.api import validation_serializers as shapes
from release.api.releases import PROBLEMS
from release.api.variants import VariantView
from release.presenters import tensors as asked
from release.presenters import validation as shown
from release.selectors import comparison, tensors
from release.selectors import validation as reads
from release.selectors import variants as selectors
from rules import Refused
from web.pagination import PositionPagination

SHOWN_RELATED = 1000


def _word(name: str, text: str, values: Sequence[str] | None = None) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, description=text, enum=values)


class ValidationView(VariantView):
    """What the views of one validation share."""

    pagination_class = PositionPagination

    def checkpoint(self, organization: str, name: str, digest: str) -> Checkpoint:
        """The checkpoint for a member; for everybody else this address does not exist."""
        return selectors.commit_of(self.inside(organization, name).variant, digest).checkpoint

    def evidence(self, organization: str, name: str, digest: str) -> Evidence:
        """Its newest validation; Refused where there is none."""
        found = reads.validation_of(self.checkpoint(organization, name, digest))
        if found is None:
            raise Refused.because(evidence_policies.NOT_VALIDATED, digest=digest[:19])
        return found


class Validation(ValidationView):
    """The newest validation of a checkpoint."""

    pagination_class = None

    @extend_schema(operation_id="validations_retrieve", responses={200: shapes.ValidationSerializer, **PROBLEMS})
    def get(self, request: Request, organization: str, name: str, digest: str) -> Response:
        """Read the verdict, the counts and the data types."""
        evidence = self.evidence(organization, name, digest)
        found = shown.findings(evidence)
        head = shown.verdict(evidence, found)
        dtypes = tensors.by_dtype(tensors.inspected(evidence.checkpoint, evidence.rules_version))
        body = {name: getattr(evidence, name) for name in ("rules_version", "tool", "tool_version", "made_at")} | {
            "checkpoint": evidence.checkpoint.digest,
            "verdict": evidence.report.get("verdict"),
            **{name: head["facts"][name] for name in ("files", "tensors", "parameters")},
            "size_bytes": head["facts"]["bytes"],
            "seconds": head["seconds"],
            "findings": _counts(found),
            "dtypes": dtypes,
        }
        return Response(shapes.ValidationSerializer(body).data)


class Findings(ValidationView):
    """What was found."""

    @extend_schema(
        parameters=[
            _word("severity", "Only this severity.", shapes.SEVERITIES),
            _word("check", "Only this check."),
            _word("path", "Only this file."),
        ],
        responses={200: shapes.FindingSerializer(many=True), **PROBLEMS},
    )
    def get(self, request: Request, organization: str, name: str, digest: str) -> Response:
        """List findings, the gravest first, each with what it means and what to do."""
        given = [request.query_params.get(one, "") for one in ("severity", "check", "path")]
        filters = shown.Filters(*given)
        found = [one for one in shown.findings(self.evidence(organization, name, digest)) if filters.keep(one)]
        page = [_finding(one) for one in self.paginate_queryset(found) or []]
        return self.get_paginated_response(shapes.FindingSerializer(page, many=True).data)


class Tensors(ValidationView):
    """The tensors of a checkpoint."""

    @extend_schema(
        parameters=[
            _word("search", "Part of the name."),
            _word("dtype", "Only this data type."),
            _word("path", "Only this file."),
            _word("sort", "By which column; by name unless said otherwise.", list(tensors.SORTS)),
            OpenApiParameter("reverse", OpenApiTypes.BOOL, description="The other way around."),
        ],
        responses={200: shapes.TensorSerializer(many=True), **PROBLEMS},
    )
    def get(self, request: Request, organization: str, name: str, digest: str) -> Response:
        """List tensors with their statistics."""
        evidence = self.evidence(organization, name, digest)
        seen = tensors.inspected(evidence.checkpoint, evidence.rules_version)
        given = request.query_params
        is_turned = given.get("reverse", "").lower() in ("1", "true")
        query = {**given.dict(), "q": given.get("search", ""), "reverse": "1" if is_turned else ""}
        rows = tensors.rows(seen, asked.wanted(query, seen))
        page = self.paginate_queryset(rows) or []  # type: ignore[arg-type]
        body = [tensors.as_plain(row, seen.paths[row.inspection_id]) for row in page]
        return self.get_paginated_response(shapes.TensorSerializer(body, many=True).data)


class InspectedFiles(ValidationView):
    """The files of a validation report."""

    @extend_schema(
        operation_id="validations_files_list",
        responses={200: shapes.InspectedFileSerializer(many=True), **PROBLEMS},
    )
    def get(self, request: Request, organization: str, name: str, digest: str) -> Response:
        """List files, those with the gravest findings first."""
        evidence = self.evidence(organization, name, digest)
        found = shown.findings(evidence)
        seen = tensors.inspected(evidence.checkpoint, evidence.rules_version)
        rows = self.paginate_queryset(shown.files(evidence, seen, found)) or []
        names = ("path", "size_bytes", "sha256", "tensors", "is_complete")
        body = [
            {name: getattr(row, name) for name in names}
            | {"findings": _counts([one for one in found if one.path == row.path])}
            for row in rows
        ]
        return self.get_paginated_response(shapes.InspectedFileSerializer(body, many=True).data)


class Compare(ValidationView):
    """How a checkpoint relates to another."""

    pagination_class = None

    @extend_schema(
        operation_id="validations_compare",
        parameters=[OpenApiParameter("with", OpenApiTypes.STR, required=True, description="Digest of the other.")],
        responses={200: shapes.ComparisonSerializer, **PROBLEMS},
    )
    def get(self, request: Request, organization: str, name: str, digest: str) -> Response:
        """Compare the tensors of two validated checkpoints that the caller's organizations have."""
        evidence = self.evidence(organization, name, digest)
        other = comparison.chosen(request.user, request.query_params.get("with", ""))
        found = weights.compare(comparison.records(evidence), comparison.records(other))
        plain = found.to_json()
        related = [one for one in plain["tensors"] if one["other"] is not None][:SHOWN_RELATED]
        body = plain | {"missing": len(found.missing), "tensors": related}
        return Response(shapes.ComparisonSerializer(body).data)


class StopEvidence(ValidationView):
    """Stopping the making of evidence."""

    pagination_class = None

    @extend_schema(
        operation_id="checkpoints_stop_evidence",
        request=inputs.RunEvidenceSerializer,
        responses={204: None, **PROBLEMS},
    )
    def post(self, request: Request, organization: str, name: str, digest: str) -> Response:
        """Stop making one kind of evidence; files that were read to their end need not be read again."""
        self.may_run(self.inside(organization, name)).require()
        kind = EvidenceKind(self.given(inputs.RunEvidenceSerializer)["kind"])
        stop_evidence(checkpoint=self.checkpoint(organization, name, digest), kind=kind, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _counts(found: Sequence[shown.Found]) -> list[dict[str, Any]]:
    counts = Counter(one.severity for one in found)
    return [{"severity": severity, "count": counts[severity]} for severity in shown.ORDER if counts[severity]]


def _finding(one: shown.Found) -> dict[str, Any]:
    known = weights.CHECKS.get(one.check)
    words = {name: getattr(known, name) if known else "" for name in ("title", "meaning", "fix")}
    names = ("check", "severity", "path", "tensor", "offset", "message", "evidence")
    return {name: getattr(one, name) for name in names} | words
