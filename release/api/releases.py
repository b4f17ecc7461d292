"""The API of releases: what there is, and everything that can be done with one. The verbs are those of the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.roles import Actor
from registry.selectors import actor_for, organization_named
from release import policies, selectors
from release.api import inputs, representations
from release.api import serializers as shapes
from release.models import Release
from release.requirements import requirements
from release.services import drafts, publications, reviews
from release.services import policies as policy_services
from release.states import ReleaseState
from web.problems import ProblemSerializer

PROBLEMS = dict.fromkeys((401, 403, 404, 409, 422), ProblemSerializer)


class ReleaseView(GenericAPIView):
    """What the views of one release share: the release as this caller may know it, and who they are."""

    serializer_class = shapes.ReleaseSerializer

    def found(self, release_id: int) -> tuple[Release, Actor]:
        """The release and the caller; Refused as missing to outsiders, and to tokens that may not read."""
        release = selectors.release_for(self.request.user, release_id)
        actor = selectors.actor_in(release, self.request.user, self.request.auth)
        policies.may_see(actor).require()
        return release, actor

    def given(self, shape: type[serializers.Serializer]) -> dict[str, Any]:
        """The request's body, checked; an answer of 422 names what is wrong with it."""
        taken = shape(data=self.request.data)
        taken.is_valid(raise_exception=True)
        return dict(taken.validated_data)

    def answer(self, release_id: int, code: int = status.HTTP_200_OK) -> Response:
        """The release as it is now; work that has begun is named in the header as well."""
        release, actor = self.found(release_id)
        shown = representations.release(release, actor)
        headers = {"Location": shown["jobs"][0]} if code == status.HTTP_202_ACCEPTED and shown["jobs"] else {}
        if code == status.HTTP_201_CREATED:
            headers = {"Location": shown["url"]}
        return Response(shapes.ReleaseSerializer(shown).data, status=code, headers=headers)


class Releases(ReleaseView):
    """All releases that the caller may know of."""

    def get_queryset(self) -> QuerySet[Release]:
        """The releases of the caller's organizations."""
        return selectors.with_parts(selectors.releases_for(self.request.user))

    @extend_schema(
        operation_id="releases_list",
        parameters=[
            OpenApiParameter("state", OpenApiTypes.STR, enum=[state.value for state in ReleaseState]),
            OpenApiParameter("organization", OpenApiTypes.STR),
        ],
        responses={200: shapes.ReleaseRowSerializer(many=True), 401: ProblemSerializer, 403: ProblemSerializer},
    )
    def get(self, request: Request) -> Response:
        """List releases, newest first."""
        policies.may_list(request.auth.scope_set if request.auth else None).require()
        rows = self.get_queryset()
        if state := request.query_params.get("state"):
            rows = rows.filter(state=state)
        if organization := request.query_params.get("organization"):
            rows = rows.filter(organization__name__iexact=organization)
        page = self.paginate_queryset(rows)
        shown = [representations.release_row(row) for row in page or []]
        return self.get_paginated_response(shapes.ReleaseRowSerializer(shown, many=True).data)

    @extend_schema(request=inputs.NewReleaseSerializer, responses={201: shapes.ReleaseSerializer, **PROBLEMS})
    def post(self, request: Request) -> Response:
        """Draft a release, bound for the organization's default targets."""
        given = self.given(inputs.NewReleaseSerializer)
        organization = organization_named(given.pop("organization"))
        actor = actor_for(request.user, organization, request.auth)
        made = drafts.create_draft(organization=organization, by=request.user, actor=actor, **given)
        return self.answer(made.pk, status.HTTP_201_CREATED)


class OneRelease(ReleaseView):
    """One release."""

    @extend_schema(operation_id="releases_retrieve", responses={200: shapes.ReleaseSerializer, **PROBLEMS})
    def get(self, request: Request, release_id: int) -> Response:
        """Read a release, with every act as the caller may do it now."""
        return self.answer(release_id)

    @extend_schema(request=inputs.DescriptionSerializer, responses={200: shapes.ReleaseSerializer, **PROBLEMS})
    def patch(self, request: Request, release_id: int) -> Response:
        """Change a draft's title, summary or hour."""
        release, actor = self.found(release_id)
        known = {name: getattr(release, name) for name in ("title", "summary", "scheduled_for")}
        given = known | self.given(inputs.DescriptionSerializer)
        drafts.describe(release_id=release.pk, by=request.user, actor=actor, **given)
        return self.answer(release_id)


class OneItem(ReleaseView):
    """How one variant stands in a draft."""

    @extend_schema(request=inputs.PutItemSerializer, responses={200: shapes.ReleaseSerializer, **PROBLEMS})
    def put(self, request: Request, release_id: int, name: str) -> Response:
        """Put a variant in, or change how it stands."""
        release, actor = self.found(release_id)
        given = self.given(inputs.PutItemSerializer)
        variant = selectors.own_variant(release, name)
        key, text = given.pop("license", None), given.pop("license_text_sha256", "")
        drafts.put_item(
            release_id=release.pk,
            variant=variant,
            by=request.user,
            actor=actor,
            **given
            | {
                "checkpoint": selectors.own_checkpoint(variant, given["checkpoint"]),
                "license_version": selectors.license_named(key or "", text),
                "owner": selectors.member_named(release.organization, given.get("owner", "")),
            },
        )
        return self.answer(release_id)

    @extend_schema(responses={200: shapes.ReleaseSerializer, **PROBLEMS})
    def delete(self, request: Request, release_id: int, name: str) -> Response:
        """Take a variant out."""
        release, actor = self.found(release_id)
        variant = selectors.own_variant(release, name)
        drafts.remove_item(release_id=release.pk, variant=variant, by=request.user, actor=actor)
        return self.answer(release_id)


class Targets(ReleaseView):
    """Where a draft goes."""

    @extend_schema(request=inputs.TargetNamesSerializer, responses={200: shapes.ReleaseSerializer, **PROBLEMS})
    def put(self, request: Request, release_id: int) -> Response:
        """Set the targets, by name."""
        release, actor = self.found(release_id)
        names = self.given(inputs.TargetNamesSerializer)["names"]
        drafts.set_targets(release_id=release.pk, names=names, by=request.user, actor=actor)
        return self.answer(release_id)


def act(
    verb: str,
    service: Callable[..., object],
    shape: type[serializers.Serializer] = inputs.NothingSerializer,
    *,
    code: int = status.HTTP_200_OK,
    said: str,
) -> type[ReleaseView]:
    """The view of one verb on a release."""

    class Act(ReleaseView):
        @extend_schema(
            operation_id=f"releases_{verb}",
            description=said,
            request=None if shape is inputs.NothingSerializer else shape,
            responses={code: shapes.ReleaseSerializer, **PROBLEMS},
        )
        def post(self, request: Request, release_id: int) -> Response:
            release, actor = self.found(release_id)
            given = self.given(shape)
            if "note" in given:
                given["reason"] = given.pop("note")
            service(release_id=release.pk, by=request.user, actor=actor, **given)
            return self.answer(release_id, code)

    Act.__name__ = Act.__qualname__ = verb.capitalize()
    return Act


ACCEPTED = status.HTTP_202_ACCEPTED
Submit = act("submit", reviews.submit, said="Package what would leave, fix the digest, hand it to the reviewers.")
Approve = act("approve", reviews.approve, inputs.ApproveSerializer, said="Sign exactly the digest that you read.")
Refuse = act("refuse", reviews.refuse, inputs.RefuseSerializer, said="Refuse the digest that you read.")
Recall = act("recall", reviews.recall, said="Take a release back to draft.")
Schedule = act("schedule", publications.schedule, said="Publish it at its signed hour.")
Publish = act("publish", publications.publish, code=ACCEPTED, said="Begin to carry an approved release out.")
Withdraw = act(
    "withdraw", publications.withdraw, inputs.WithdrawSerializer, code=ACCEPTED, said="Take back what is out."
)


class Requirements(ReleaseView):
    """What the policy asks of a release."""

    pagination_class = None

    @extend_schema(responses={200: shapes.RequirementSerializer(many=True), **PROBLEMS})
    def get(self, request: Request, release_id: int) -> Response:
        """List every requirement with how it stands."""
        release, _ = self.found(release_id)
        rows = [representations.requirement(one) for one in requirements(selectors.facts_of(release))]
        return Response(shapes.RequirementSerializer(rows, many=True).data)


class Waivers(ReleaseView):
    """Doing without a piece of evidence."""

    @extend_schema(request=inputs.NewWaiverSerializer, responses={201: shapes.WaiverSerializer, **PROBLEMS})
    def post(self, request: Request, release_id: int) -> Response:
        """Waive one kind of evidence for one checkpoint of the release."""
        release, actor = self.found(release_id)
        given = self.given(inputs.NewWaiverSerializer)
        what = f"{given.pop('requirement')}@{given.pop('checkpoint')}"
        made = policy_services.waive_for(release=release, what=what, by=request.user, actor=actor, **given)
        return Response(shapes.WaiverSerializer(representations.waiver(made)).data, status=status.HTTP_201_CREATED)
