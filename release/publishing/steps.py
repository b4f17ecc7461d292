"""The steps of one publication, each safe to repeat: stage, upload, verify, open, observe."""

from __future__ import annotations

from django.utils import timezone

from jobs.running import Lease
from registry.policies import BYTES_DIFFER
from registry.states import Level
from release.models import Publication, PublicationFile
from release.publishing.target_client import READ_BACK_DIFFERS, Sending, TargetClient
from release.services import publications as services
from release.states import PublicationState
from rules import Refused


def publish_to_hub(lease: Lease, publication: Publication) -> None:
    """Bring one publication from wherever it stands to live, observed from outside.

    Raises Retry where the target may answer otherwise later, Refused where it will not. A successor of a killed
    worker repeats only what the target itself says is missing.
    """
    client = TargetClient(publication.target, publication.repo_id)
    files = sendings(publication)
    if publication.state != PublicationState.VERIFIED or not publication.remote_commit:
        commit = _stage(lease, publication, client, files)
        _verify(lease, publication, client, files, commit)
    _open(lease, publication, client, files)


def withdraw_from_hub(lease: Lease, publication: Publication) -> None:
    """Hide the repository and observe that outsiders don't see it."""
    client = TargetClient(publication.target, publication.repo_id)
    client.close()
    if not client.is_hidden():
        raise Refused.because(
            READ_BACK_DIFFERS, target=publication.target.title, difference="an outsider still sees the repository"
        )
    with lease.writing():
        services.withdrawn(publication)


def sendings(publication: Publication) -> list[Sending]:
    """What goes up, in the order of the paths; Refused where stored bytes were found damaged."""
    files = list(publication.item.packaged.files.select_related("blob"))
    for file in files:
        if file.blob.damaged_at is not None:
            raise Refused.because(BYTES_DIFFER, path=file.path, sha256=file.blob_id)
    return [Sending(file.path, file.blob_id, file.blob.size_bytes, file.blob.git_sha1) for file in files]


def _stage(lease: Lease, publication: Publication, client: TargetClient, files: list[Sending]) -> str:
    with lease.writing():
        services.note(
            publication,
            PublicationState.STAGED,
            staged_at=publication.staged_at or timezone.now(),
            message="",
            url=client.url,
        )
    client.ensure_private_repository()
    total = sum(file.size_bytes for file in files)
    sent = 0
    operations = []
    for file in files:
        operations.append(
            client.upload(file, lambda done, file=file, sent=sent: lease.report(sent + done, total, file.path))
        )
        sent += file.size_bytes
        lease.report(sent, total, file.path)
        with lease.writing():
            PublicationFile.objects.filter(publication=publication, path=file.path, uploaded_at=None).update(
                uploaded_at=timezone.now()
            )
    lease.report(total, total, "committing")
    return client.commit(operations, title=publication.release.title)


def _verify(lease: Lease, publication: Publication, client: TargetClient, files: list[Sending], commit: str) -> None:
    _require_equal(publication, client.differences(files, commit))
    now = timezone.now()
    with lease.writing():
        PublicationFile.objects.filter(publication=publication).update(verified_at=now)
        services.note(publication, PublicationState.VERIFIED, remote_commit=commit, verified_at=now)


def _open(lease: Lease, publication: Publication, client: TargetClient, files: list[Sending]) -> None:
    if not services.is_wanted(publication):
        return
    item = publication.item
    is_gated = item.level == Level.GATED
    gate = item.gate_version
    client.open_to(is_gated=is_gated, gate_mode="auto" if gate and gate.is_automatic else "manual")
    commit = publication.remote_commit
    differences = client.differences(files, commit) + client.audience_differences(
        commit=commit, is_gated=is_gated, path=_telling_path(files)
    )
    if differences:
        # What is open must be what was signed; anything else goes back behind the door before anybody is told.
        client.close()
        _require_equal(publication, differences)
    with lease.writing():
        services.go_live(publication, remote_commit=commit, url=client.url, at=timezone.now())


def _telling_path(files: list[Sending]) -> str:
    """A file that the gate covers: the largest."""
    return max(files, key=lambda file: file.size_bytes).path


def _require_equal(publication: Publication, differences: list[str]) -> None:
    if differences:
        shown = "; ".join(differences[:3]) + (f"; and {len(differences) - 3} more" if len(differences) > 3 else "")
        raise Refused.because(READ_BACK_DIFFERS, target=publication.target.title, difference=shown)
