"""The API of publications: how far a release has come on each target, and trying again."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from release import policies, selectors
from release.api import representations
from release.api import serializers as shapes
from release.api.releases import PROBLEMS, ReleaseView
from release.presenters import publications as shown
from release.services import publications


class Publications(ReleaseView):
    """A release on its targets."""

    pagination_class = None

    @extend_schema(responses={200: shapes.PublicationSerializer(many=True), **PROBLEMS})
    def get(self, request: Request, release_id: int) -> Response:
        """List the publications of a release."""
        release, actor = self.found(release_id)
        retry = policies.may_retry(selectors.outline_of(release), actor)
        rows = [representations.publication(place, retry) for place in shown.rows(release)]
        return Response(shapes.PublicationSerializer(rows, many=True).data)


class Journal(ReleaseView):
    """The files of one publication."""

    ordering = ("path", "id")

    @extend_schema(responses={200: shapes.JournalFileSerializer(many=True), **PROBLEMS})
    def get(self, request: Request, release_id: int, publication_id: int) -> Response:
        """List the files, each with when it was sent and read back."""
        release, _ = self.found(release_id)
        files = selectors.publication_of(release, publication_id).files.all()
        rows = [representations.journal_file(row) for row in self.paginate_queryset(files) or []]
        return self.get_paginated_response(shapes.JournalFileSerializer(rows, many=True).data)


class Retry(ReleaseView):
    """Taking up what was given up."""

    @extend_schema(
        operation_id="releases_publications_retry",
        request=None,
        responses={202: shapes.ReleaseSerializer, **PROBLEMS},
    )
    def post(self, request: Request, release_id: int, publication_id: int) -> Response:
        """Try a publication again where it stopped."""
        release, actor = self.found(release_id)
        publication = selectors.publication_of(release, publication_id)
        publications.retry(publication_id=publication.pk, by=request.user, actor=actor)
        return self.answer(release_id, status.HTTP_202_ACCEPTED)
