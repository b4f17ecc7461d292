"""The REST API of background work: read only, since work is asked for through what it is for."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs import policies, selectors, subjects
from jobs.api.serializers import JobSerializer, WorkerSerializer
from jobs.models import Job
from jobs.states import JobState
from web.problems import ProblemSerializer


@extend_schema(
    summary="List background work",
    description="The jobs on what you may see, newest first; parts of a job only where `part_of` names it.",
    parameters=[
        OpenApiParameter("state", enum=[state.value for state in JobState], description="Only this state."),
        OpenApiParameter("part_of", OpenApiTypes.UUID, description="The parts of this job instead of whole jobs."),
    ],
    responses={200: JobSerializer(many=True), 401: ProblemSerializer},
    tags=["jobs"],
)
class Jobs(ListAPIView):
    """What runs, waits and has ended."""

    serializer_class = JobSerializer
    ordering = "-id"

    def get_queryset(self) -> QuerySet[Job]:
        """The jobs that the caller may see."""
        whole = self.request.query_params.get("part_of")
        if whole is not None:
            return selectors.parts_of(self.request.user, serializers.UUIDField().run_validation(whole))
        return selectors.of_state(self.request.user, self.request.query_params.get("state", ""))

    def paginate_queryset(self, queryset: QuerySet[Job]) -> list[Job]:
        """One page, with the parts of divided jobs added up."""
        return selectors.with_parts(super().paginate_queryset(queryset) or [])


class OneJob(APIView):
    """One piece of background work, as long work is answered with its address."""

    @extend_schema(
        summary="Look at one job",
        description="Poll it until `state` is succeeded, failed or cancelled.",
        responses={200: JobSerializer, 401: ProblemSerializer, 404: ProblemSerializer},
        tags=["jobs"],
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        """Answer how far it is."""
        return Response(JobSerializer(selectors.job_for(request.user, job_id)).data)


class Workers(APIView):
    """What does the work, and with what."""

    @extend_schema(
        summary="List workers and their devices",
        responses={200: WorkerSerializer(many=True), 401: ProblemSerializer, 403: ProblemSerializer},
        tags=["jobs"],
    )
    def get(self, request: Request) -> Response:
        """Answer all workers that were seen within a day; a few dozen rows, so in one page."""
        policies.may_see_workers(is_concerned=subjects.are_shown_to(request.user)).require()
        return Response(WorkerSerializer(selectors.workers(), many=True).data)
