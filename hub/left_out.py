"""What the protocol has beyond model repositories, none of which is here, and where to go instead.

Knows addresses alone: nothing below them exists for anybody, so that nothing is told by answering. Whoever asks for
another kind of repository is answered as for one that is missing, with the reason in words.
"""

from __future__ import annotations

from dataclasses import dataclass

OTHER_KINDS = ("datasets", "spaces", "kernels")
ANY = "*"
SEGMENTS_OF_A_LIST = 2


@dataclass(frozen=True, slots=True)
class Area:
    """Addresses that begin with certain segments, where `*` is any one; what is sought there, and what to do."""

    beginnings: tuple[tuple[str, ...], ...]
    sought: str
    instead: str
    is_repository: bool = False


def _area(sought: str, instead: str, *beginnings: str, is_repository: bool = False) -> Area:
    return Area(tuple(tuple(one.split("/")) for one in beginnings), sought, instead, is_repository)


AREAS = (
    *(
        _area(
            kind,
            "Keep them where they are, and name them in the model card.",
            f"api/{kind}",
            f"{kind}/*/*/resolve",
            is_repository=True,
        )
        for kind in OTHER_KINDS
    ),
    _area(
        "buckets",
        "Put files that belong to a model into its repository.",
        "api/buckets",
        "buckets/*/*/resolve",
        is_repository=True,
    ),
    _area("jobs", "Run programs where your compute is; this instance keeps models.", "api/jobs", "api/scheduled-jobs"),
    _area("webhooks", "Ask /api/v1/events/ for what happened since.", "api/settings/webhooks"),
    _area("collections", "List an organization's models by list_models(author=…).", "api/collections"),
    _area("papers", "Name a paper in the model card.", "api/papers", "api/daily_papers"),
    _area(
        "likes",
        "What is disclosed is decided, not voted on.",
        "api/models/*/*/like",
        "api/models/*/*/likers",
        "api/users/*/likes",
    ),
    _area(
        "lists of who follows or belongs to whom",
        "whoami tells a caller's own organizations; who else belongs to one is not told.",
        "api/users/*/followers",
        "api/users/*/following",
        "api/organizations/*/followers",
        "api/organizations/*/members",
        "api/organizations/*/overview",
    ),
    _area(
        "lists of all tags",
        "Tags are told with each model, and list_models filters by them.",
        "api/models-tags-by-type",
        "api/datasets-tags-by-type",
    ),
    _area(
        "collected headers of shards",
        "Use get_safetensors_metadata, which reads them by ranges.",
        "api/models/*/*/safetensors-metadata",
    ),
    _area(
        "copies of large files between repositories",
        "Use duplicate_repo for a whole repository, or upload the file again.",
        "api/models/*/*/lfs-files/duplicate",
    ),
)


def area_of(segments: list[str] | None) -> Area | None:
    """The area that an address lies in, if any."""
    return next((area for area in AREAS if any(_begins(segments or [], one) for one in area.beginnings)), None)


def code_of(area: Area, segments: list[str], missing: str) -> str:
    """`missing` where one repository is asked for; nothing for lists, whose refusal the client then shows as it is."""
    return missing if area.is_repository and len(segments) > SEGMENTS_OF_A_LIST else ""


def _begins(segments: list[str], beginning: tuple[str, ...]) -> bool:
    return len(segments) >= len(beginning) and all(
        wanted in {ANY, segment} for segment, wanted in zip(segments, beginning, strict=False)
    )
