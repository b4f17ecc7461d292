"""How far a release has come on each target: bytes, percent, time left, what it waits for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jobs.models import Job
from jobs.states import JobState
from release import selectors
from release.models import Publication, PublicationFile, Release
from release.presenters import states
from release.states import PublicationState, ReleaseState
from web.tones import Status, Tone


@dataclass(frozen=True, slots=True)
class Place:
    """One variant of a release on one target."""

    row: Publication
    status: Status
    files: int
    files_sent: int
    files_verified: int
    bytes_total: int
    bytes_sent: int
    job: Job | None

    @property
    def is_given_up(self) -> bool:
        """Whether a person must act before anything more happens."""
        return bool(self.row.state == PublicationState.FAILED)

    @property
    def is_on_its_way(self) -> bool:
        """Whether a worker will go on with it by itself."""
        return self.row.state in (PublicationState.PENDING, PublicationState.STAGED, PublicationState.VERIFIED)

    @property
    def is_uploading(self) -> bool:
        """Whether bytes are on their way or waiting for it."""
        return self.row.state in (PublicationState.PENDING, PublicationState.STAGED)

    @property
    def is_running(self) -> bool:
        """Whether a worker has it in hand at this moment."""
        return self.job is not None and self.job.state == JobState.RUNNING

    @property
    def is_leaving(self) -> bool:
        """Whether it was withdrawn but is not yet observed hidden."""
        return self.row.release.state == ReleaseState.WITHDRAWN and self.row.withdrawn_at is None

    @property
    def waits_for(self) -> str:
        """What stands in the way at the moment, in words."""
        if self.job is not None and self.job.is_open and self.job.error_message:
            return self.job.error_message
        return self.row.message

    @property
    def next_try_at(self) -> datetime | None:
        """When it is tried again; None while it runs or when nobody will."""
        if self.job is None or self.job.state != JobState.QUEUED or not self.job.attempts:
            return None
        return self.job.run_after

    @property
    def done(self) -> int:
        """Bytes that the target has, the file in the air included."""
        return max(self.bytes_sent, self.job.done) if self.is_running and self.job else self.bytes_sent


def rows(release: Release) -> list[Place]:
    """Every publication of a release; four queries, however many files there are."""
    found = list(release.publications.select_related("target", "release", "item__variant__organization"))
    work = selectors.publication_work(found)
    sums = selectors.journal_sums(found)
    return [_place(row, sums.get(row.pk, {}), work.get(row.pk)) for row in found]


def _place(row: Publication, sums: dict[str, int], job: Job | None) -> Place:
    status = states.publication(row.state)
    if row.release.state == ReleaseState.WITHDRAWN and row.withdrawn_at is None:
        status = Status("Being hidden", Tone.WARNING, "eye-off")
    return Place(
        row,
        status,
        sums.get("files", 0),
        sums.get("sent", 0),
        sums.get("verified", 0),
        sums.get("bytes_total", 0),
        sums.get("bytes_sent", 0),
        job,
    )


def journal(files: list[PublicationFile]) -> list[tuple[PublicationFile, Status]]:
    """Files of the journal, each with how far it is."""
    return [(file, _file_status(file)) for file in files]


def _file_status(file: PublicationFile) -> Status:
    if file.verified_at:
        return Status("Read back equal", Tone.SUCCESS)
    if file.uploaded_at:
        return Status("Sent", Tone.INFO, "cloud-upload")
    return Status("Waits", Tone.PENDING)
