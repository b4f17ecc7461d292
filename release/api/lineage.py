"""REST API of a variant's parents: naming them, and what the weights say of them."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from registry.selectors import actor_for
from registry.states import Relation
from release.api.inputs import StrictSerializer
from release.api.releases import PROBLEMS
from release.api.serializers import words
from release.api.variants import VariantView
from release.parentage import Standing, parentage_of
from release.selectors import variants as reads
from release.services.parents import forget_parent, name_parent


class NamedParentSerializer(StrictSerializer):
    """A parent to put on record."""

    parent = serializers.CharField(max_length=193, help_text="organization/name, here or on the Hub.")
    relation = serializers.ChoiceField(choices=words(Relation))


class ParentageSerializer(serializers.Serializer):
    """What the weights of a variant say of one parent."""

    parent = serializers.CharField()
    relation = serializers.ChoiceField(choices=words(Relation), allow_null=True)
    standing = serializers.ChoiceField(choices=words(Standing))
    sentence = serializers.CharField()


class Parents(VariantView):
    """The parents of a variant; members only."""

    pagination_class = None

    @extend_schema(operation_id="variants_parents_list", responses={200: ParentageSerializer(many=True), **PROBLEMS})
    def get(self, request: Request, organization: str, name: str) -> Response:
        """List parents on record and those that the card names, each with what the weights of both say of it."""
        return Response(_shown(self.inside(organization, name)))

    @extend_schema(
        operation_id="variants_parents_create",
        request=NamedParentSerializer,
        responses={201: ParentageSerializer(many=True), **PROBLEMS},
    )
    def post(self, request: Request, organization: str, name: str) -> Response:
        """Put a parent on record; naming one again with another relation corrects it."""
        seen, given = self.inside(organization, name), self.given(NamedParentSerializer)
        actor = actor_for(request.user, seen.variant.organization, request.auth)
        name_parent(
            variant=seen.variant,
            name=given["parent"],
            relation=Relation(given["relation"]),
            by=request.user,
            actor=actor,
            scopes=self.scopes,
        )
        return Response(_shown(seen), status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="variants_parents_destroy",
        parameters=[OpenApiParameter("parent", OpenApiTypes.STR, required=True, description="organization/name")],
        responses={204: None, **PROBLEMS},
    )
    def delete(self, request: Request, organization: str, name: str) -> Response:
        """Take a parent off the record; the audit trail keeps that it was there."""
        seen = self.inside(organization, name)
        actor = actor_for(request.user, seen.variant.organization, request.auth)
        forget_parent(variant=seen.variant, name=request.query_params.get("parent", ""), by=request.user, actor=actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _shown(seen: reads.Seen) -> object:
    found = parentage_of(seen.variant, seen.commit.checkpoint) if seen.commit else []
    return ParentageSerializer(found, many=True).data
