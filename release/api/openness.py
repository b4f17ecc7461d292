"""The API of openness: the assessment of a variant, and stating what no file tells."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from licensing.openness.framework import Part
from licensing.openness.statements import GATING, MONETIZATION
from licensing.openness_reads import openness_of
from licensing.openness_tasks import findings_of
from licensing.openness_writes import state_openness
from registry.selectors import actor_for
from release import policies
from release.api.releases import PROBLEMS
from release.api.variants import VariantView
from release.selectors.variants import Seen
from rules import Refused


class ComponentSerializer(serializers.Serializer):
    """One component of the Model Openness Framework."""

    name = serializers.CharField()
    content = serializers.CharField()
    of_class = serializers.IntegerField()
    required = serializers.BooleanField()
    availability = serializers.CharField()
    license = serializers.CharField(allow_null=True)
    license_name = serializers.CharField(allow_null=True)
    origin = serializers.CharField()
    counts = serializers.BooleanField()
    why_not = serializers.CharField()
    files = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
    stated_by = serializers.CharField()


class LineSerializer(serializers.Serializer):
    """One line of a checklist."""

    name = serializers.CharField()
    answer = serializers.CharField()
    reason = serializers.CharField()


class OpennessSerializer(serializers.Serializer):
    """How open a variant is: three separate statements, and the strongest words that its card may use."""

    variant = serializers.CharField()
    checkpoint = serializers.CharField()
    assumed = serializers.CharField(help_text="What was assumed for want of a decision; empty where one was taken.")
    mof_class = serializers.IntegerField(help_text="1 is the most open, 3 the least, 0 none.")
    mof_blockers = serializers.ListField(child=serializers.CharField())
    osaid = serializers.CharField()
    osaid_missing = serializers.ListField(child=serializers.CharField())
    osaid_checklist = LineSerializer(many=True)
    eu_exemption = serializers.CharField()
    eu_conditions = LineSerializer(many=True)
    eu_duties = serializers.ListField(child=serializers.CharField())
    label = serializers.CharField()
    label_why_not_more = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())
    components = ComponentSerializer(many=True)
    findings = serializers.ListField(child=serializers.DictField(), help_text="Claims of the card; to members only.")
    sources = serializers.DictField(child=serializers.CharField())
    disclaimer = serializers.CharField()
    rules_version = serializers.CharField()


class StatementSerializer(serializers.Serializer):
    """What no file tells; what is left out stays unknown. It counts instead of the statements before it."""

    description = serializers.ChoiceField(choices=["full", "partial", "none"], required=False)
    public_list = serializers.BooleanField(required=False)
    third_party_list = serializers.BooleanField(required=False)
    training_flop = serializers.CharField(required=False, max_length=30)
    usage_public = serializers.BooleanField(required=False)
    monetization = serializers.ChoiceField(choices=list(MONETIZATION), required=False)
    gating = serializers.ChoiceField(choices=list(GATING), required=False)
    components = serializers.DictField(
        child=serializers.DictField(child=serializers.CharField(allow_blank=True)),
        required=False,
        help_text=f"By the framework's names, such as “{Part.DATASETS.value}”: is, license, place.",
    )


class Openness(VariantView):
    """How open a variant is."""

    @extend_schema(operation_id="variants_openness", responses={200: OpennessSerializer, **PROBLEMS})
    def get(self, request: Request, organization: str, name: str) -> Response:
        """Read the assessment of what is served, or, to members, of the newest commit."""
        return Response(OpennessSerializer(_shown(self.seen(organization, name))).data)

    @extend_schema(
        operation_id="variants_state_openness",
        request=StatementSerializer,
        responses={201: OpennessSerializer, **PROBLEMS},
    )
    def post(self, request: Request, organization: str, name: str) -> Response:
        """State what no file tells; the assessment that follows is answered, and kept as evidence."""
        seen = self.inside(organization, name)
        actor = actor_for(request.user, seen.variant.organization, request.auth)
        said = self.given(StatementSerializer)
        state_openness(variant=seen.variant, said=said, by=request.user, actor=actor)
        return Response(OpennessSerializer(_shown(seen)).data, status=status.HTTP_201_CREATED)


def _shown(seen: Seen) -> dict[str, Any]:
    if seen.commit is None:
        raise Refused.because(policies.NO_CHECKPOINT, variant=seen.variant.repo_id, digest="main")
    checkpoint = seen.commit.checkpoint
    found = openness_of(seen.variant, checkpoint, is_inside=seen.is_member)
    shown = found.assessment.as_dict()
    components = [one | {"of_class": one["class"]} for one in shown["components"]]  # type: ignore[attr-defined]
    return shown | {
        "variant": seen.variant.repo_id,
        "checkpoint": checkpoint.digest,
        "assumed": found.assumed,
        "components": components,
        "findings": findings_of(found) if seen.is_member else [],
    }
