"""Addresses of what is not kept here, told from those that are the protocol's, the pages' and the REST API's."""

from __future__ import annotations

import pytest

from hub.left_out import AREAS, area_of
from hub.routes import ROUTER
from hub.routing import segments_of


@pytest.mark.parametrize(
    ("path", "sought"),
    [
        ("/api/datasets", "datasets"),
        ("/api/datasets/a/b/tree/main", "datasets"),
        ("/datasets/a/b/resolve/main/x", "datasets"),
        ("/api/spaces/a/b/runtime", "spaces"),
        ("/buckets/a/b/resolve/x", "buckets"),
        ("/api/jobs/a/1/logs", "jobs"),
        ("/api/settings/webhooks/1/enable", "webhooks"),
        ("/api/models/a/b/like", "likes"),
        ("/api/users/a/likes", "likes"),
        ("/api/organizations/a/members", "lists of who follows or belongs to whom"),
        ("/api/models/a/b/safetensors-metadata/model.safetensors.index.json", "collected headers of shards"),
    ],
)
def test_what_is_left_out(path: str, sought: str) -> None:
    area = area_of(segments_of(path))
    assert area is not None and area.sought == sought


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/api", "/api/nothing", "/datasets/model/", "/datasets/model/files/main/", "/buckets/a/b/"),
        *("/api/settings/repositories", "/api/organizations/a/settings/repositories", "/api/v1/datasets/"),
        *("/api/models/a/b/likes", "/a/b/resolve/main/api/datasets"),
    ],
)
def test_what_is_answered_by_others(path: str) -> None:
    area = area_of(segments_of(path))
    assert area is None


def test_no_route_of_the_protocol_lies_in_what_is_left_out() -> None:
    for route in ROUTER.routes:
        assert area_of([segment.strip("{}*") for segment in route.pattern]) is None, route.pattern


def test_every_area_says_what_to_do_in_a_sentence() -> None:
    for area in AREAS:
        assert area.sought and area.instead.endswith(".") and area.instead[0].isalpha(), area
