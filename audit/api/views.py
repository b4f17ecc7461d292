"""The REST API of the record: read only."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit import exports, selectors
from audit.models import Event
from audit.selectors import Filters
from web.problems import ProblemSerializer


class EventSerializer(serializers.Serializer):
    """One act. `body` is the exact text that is hashed: SHA-256 of the predecessor's `chain_sha256` and it."""

    position = serializers.IntegerField()
    at = serializers.DateTimeField()
    kind = serializers.CharField()
    actor = serializers.CharField()
    subject = serializers.CharField()
    label = serializers.CharField()
    organization = serializers.CharField()
    sentence = serializers.CharField()
    facts = serializers.DictField()
    request_id = serializers.CharField()
    chain_sha256 = serializers.CharField()
    body = serializers.CharField()

    def to_representation(self, event: Event) -> dict[str, object]:
        """As the export writes it."""
        return exports.as_record(event)


class FilterSerializer(serializers.Serializer):
    """What to look for."""

    kind = serializers.CharField(required=False, max_length=80, default="")
    actor = serializers.CharField(required=False, max_length=150, default="")
    subject = serializers.CharField(required=False, max_length=300, default="")
    day = serializers.DateField(required=False, default=None)


@extend_schema(
    summary="List events",
    description="What was done, newest first, as far as you may read it.",
    parameters=[
        OpenApiParameter("kind", description="One kind, or with a colon at its end all that begin so: `release:`."),
        OpenApiParameter("actor", description="A user name, or `system`."),
        OpenApiParameter("subject", description="`app.model:key`, or a label as events show it."),
        OpenApiParameter("day", OpenApiTypes.DATE, description="A day in UTC."),
    ],
    responses={200: EventSerializer(many=True), 401: ProblemSerializer, 422: ProblemSerializer},
    tags=["audit"],
)
class Events(ListAPIView):
    """The record, page by page."""

    serializer_class = EventSerializer
    ordering = "-id"

    def get_queryset(self) -> QuerySet[Event]:
        """The events that the caller may read and asks for."""
        asked = FilterSerializer(data=self.request.query_params.dict())
        asked.is_valid(raise_exception=True)
        return selectors.events_for(self.request.user, Filters(**asked.validated_data))


class OneEvent(APIView):
    """One act."""

    @extend_schema(
        summary="Look at one event",
        responses={200: EventSerializer, 401: ProblemSerializer, 404: ProblemSerializer},
        tags=["audit"],
    )
    def get(self, request: Request, position: int) -> Response:
        """Answer the event at this place of the chain."""
        return Response(EventSerializer(selectors.event_for(request.user, position)).data)
