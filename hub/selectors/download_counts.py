"""How often a model is downloaded, week by week and by checkpoint, out of the ledger. Names nobody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncWeek

from hub.models import Download
from hub.selectors.trees import tree_of
from registry.models import Commit, Variant

WEEKS = 12
MOST_CHECKPOINTS = 10
# One checkpoint is many files, and each may be read in parts: a download is counted by one file that everybody reads.
COUNTED_FILES = ("config.json", "params.json", "adapter_config.json")
FIGURES = {
    "files": Count("id"),
    "size_bytes": Sum("size_bytes"),
    "people": Count("user", distinct=True),
}


@dataclass(frozen=True, slots=True)
class Counted:
    """What was downloaded of a model in some time, or of one of its checkpoints.

    `files` are reads that began, a part of a file being one; `size_bytes` is what they asked for. `people` are those
    with an account.
    """

    downloads: int = 0
    files: int = 0
    size_bytes: int = 0
    people: int = 0


@dataclass(frozen=True, slots=True)
class Week(Counted):
    """A week that begins on a Monday, in UTC."""

    begins: date = date.min


@dataclass(frozen=True, slots=True)
class OfCommit(Counted):
    """A commit that was downloaded."""

    commit: Commit | None = None


@dataclass(frozen=True, slots=True)
class Downloads:
    """The last weeks, oldest first, and the checkpoints that were downloaded most in them."""

    total: Counted
    weeks: Sequence[Week]
    commits: Sequence[OfCommit]


def counted_file(commit: Commit) -> str:
    """The file of a commit that stands for all: its configuration, or else the first large file."""
    tree = tree_of(commit.checkpoint)
    named = next((name for name in COUNTED_FILES if name in tree.entries), None)
    large = (entry.path for entry in tree.files if entry.is_large)
    return named or next(large, "")


def downloads_of(variant: Variant, *, now: datetime) -> Downloads:
    """The weeks until now; reads the rows that the ledger has of the model in them, and none before."""
    monday = now.astimezone(UTC).date() - timedelta(days=now.astimezone(UTC).weekday())
    begins = [monday - timedelta(weeks=back) for back in reversed(range(WEEKS))]
    since = datetime(begins[0].year, begins[0].month, begins[0].day, tzinfo=UTC)
    ledger = Download.objects.filter(variant=variant)
    # Rows are written as time goes by, so the index by number finds those of the last weeks; none knows of times.
    last_before = ledger.filter(at__lt=since).order_by("-id").values_list("id", flat=True).first() or 0
    rows = ledger.filter(id__gt=last_before, at__gte=since).order_by()
    read = set(rows.values_list("commit", flat=True).distinct())
    commits = {commit.pk: commit for commit in Commit.objects.filter(pk__in=read).select_related("checkpoint")}
    figures = FIGURES | {"downloads": Count("id", filter=_begins_a_download(commits.values()))}
    weekly = rows.values(week=TruncWeek("at", tzinfo=UTC)).annotate(**figures)
    of_week = {row.pop("week").date(): row for row in weekly}
    most = rows.values("commit").annotate(**figures).order_by("-downloads", "-files", "-commit")[:MOST_CHECKPOINTS]
    return Downloads(
        total=Counted(**{name: value or 0 for name, value in rows.aggregate(**figures).items()}),
        weeks=[Week(begins=day, **of_week.get(day, {})) for day in begins],
        commits=[OfCommit(**row | {"commit": commits[row["commit"]]}) for row in most],
    )


def _begins_a_download(commits: Iterable[Commit]) -> Q:
    """The rows that the counter of the model counted, too."""
    wanted = Q(pk__in=[])
    for commit in commits:
        wanted |= Q(commit=commit, path=counted_file(commit))
    return wanted & Q(first_byte=0)
