"""The target as the publisher sees it: the real `huggingface_hub` client, its failures sorted into wait and give up."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from httpx2 import TransportError
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, hf_hub_url
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile

from jobs import Retry
from registry.blobs import blob_store
from release.models import Target
from rules import Kind, Refused, Rule

NO_TOKEN = Rule(
    "release.target_token_missing",
    "No token is configured for the target “{target}” ({variable} is not set).",
    "The operator, by setting it for the publishing workers",
    Kind.WHEN,
)
TARGET_REFUSES = Rule(
    "release.target_refuses",
    "{target} refuses to {act}: {answer}",
    "Whoever administers the target, or the operator with another token",
    Kind.WHEN,
)
READ_BACK_DIFFERS = Rule(
    "release.read_back_differs",
    "{target} does not show what was sent: {difference}",
    "The release manager, by publishing again; nothing was made visible",
    Kind.WHEN,
)
# A Hub makes this file itself with the first commit.
ATTRIBUTES = ".gitattributes"
# Answers that a later try may not get.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class WatchedFile(io.BufferedReader):
    """A blob's content as an open file that tells how much of it was read.

    Not a path, and so the client sends it by plain LFS, which every target takes.
    """

    def __init__(self, place: Path, tell: Callable[[int], None]) -> None:
        super().__init__(io.FileIO(place, "rb"), buffer_size=1 << 20)
        self._tell = tell

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes; raises whatever the listener raises, which ends the upload."""
        block = super().read(size)
        self._tell(self.tell())
        return block


@dataclass(frozen=True)
class Sending:
    """One file to send: where it goes, and what it is."""

    path: str
    sha256: str
    size_bytes: int
    git_sha1: str


class TargetClient:
    """One repository on one target."""

    def __init__(self, target: Target, repo_id: str) -> None:
        variable = target.name
        token = settings.TARGET_TOKENS.get(variable)
        if not token:
            name = f"TARGET_TOKEN_{variable.upper().replace('-', '_')}"
            raise Refused.because(NO_TOKEN, target=target.title, variable=name)
        self.target = target
        self.repo_id = repo_id
        self._api = HfApi(endpoint=target.endpoint, token=token, library_name="imprimatur")
        self._anybody = HfApi(endpoint=target.endpoint, token=False, library_name="imprimatur")

    @property
    def url(self) -> str:
        """The repository's page on the target."""
        return f"{self.target.endpoint.rstrip('/')}/{self.repo_id}"

    def ensure_private_repository(self) -> None:
        """Create the repository, private, where it is missing; one that exists keeps its visibility."""
        with self._acting("create the repository"):
            self._api.create_repo(self.repo_id, private=True, exist_ok=True)

    def upload(self, sending: Sending, tell: Callable[[int], None]) -> CommitOperationAdd:
        """Send one file's bytes, unless the target has them, and return it ready to be committed."""
        with blob_store().local(sending.sha256) as place:
            operation = CommitOperationAdd(sending.path, str(place))
            # We hashed these bytes when they arrived; hashing them again would only read them once more.
            operation.upload_info.sha256 = bytes.fromhex(sending.sha256)
            with WatchedFile(place, tell) as source, self._acting(f"take {sending.path}"):
                operation.path_or_fileobj = source
                self._api.preupload_lfs_files(self.repo_id, [operation], num_threads=1, free_memory=False)
            if operation._upload_mode != "lfs":
                operation.path_or_fileobj = place.read_bytes()
        return operation

    def commit(self, operations: list[CommitOperationAdd], *, title: str) -> str:
        """Make the files the whole content of the repository, at once; returns the commit's id."""
        wanted = {operation.path_in_repo for operation in operations}
        with self._acting("list its files"):
            gone = [
                path for path in self._api.list_repo_files(self.repo_id) if path not in wanted and path != ATTRIBUTES
            ]
        with self._acting("commit"):
            made = self._api.create_commit(
                self.repo_id,
                [*operations, *(CommitOperationDelete(path) for path in gone)],
                commit_message=title,
                num_threads=1,
            )
        return made.oid

    def differences(self, files: list[Sending], commit: str) -> list[str]:
        """What a commit shows otherwise than it was sent: sentences, empty where every digest is equal."""
        with self._acting("be read back"):
            entries = list(self._api.list_repo_tree(self.repo_id, recursive=True, revision=commit))
        shown = {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}
        found = [f"{path} was not sent" for path in shown.keys() - {file.path for file in files} - {ATTRIBUTES}]
        for file in files:
            entry = shown.get(file.path)
            if entry is None:
                found.append(f"{file.path} is missing")
            elif entry.size != file.size_bytes:
                found.append(f"{file.path} has {entry.size} bytes, not {file.size_bytes}")
            elif entry.lfs is not None and entry.lfs.sha256 != file.sha256:
                found.append(f"{file.path} has sha256:{entry.lfs.sha256}, not sha256:{file.sha256}")
            elif entry.lfs is None and entry.blob_id != (file.git_sha1 or _git_sha1(file)):
                found.append(f"{file.path} has another content")
        return sorted(found)

    def open_to(self, *, is_gated: bool, gate_mode: str) -> None:
        """Set the gate, then the visibility: in this order nobody ever gets in without the gate."""
        with self._acting("set the gate"):
            self._api.update_repo_settings(self.repo_id, gated=gate_mode if is_gated else False)  # type: ignore[arg-type]
        with self._acting("make it visible"):
            self._api.update_repo_settings(self.repo_id, private=False)

    def close(self) -> None:
        """Make the repository private; nothing where it is gone."""
        with self._acting("make it private"):
            try:
                self._api.update_repo_settings(self.repo_id, private=True)
            except RepositoryNotFoundError:
                return

    def audience_differences(self, *, commit: str, is_gated: bool, path: str) -> list[str]:
        """What an outsider meets otherwise than the release says, seen without a token."""
        with self._acting("be read back by an outsider"):
            try:
                info = self._anybody.model_info(self.repo_id)
            except RepositoryNotFoundError:
                return ["an outsider does not see the repository"]
            found = []
            if bool(info.gated) != is_gated:
                found.append(f"its gate is {info.gated!r}")
            if info.sha != commit:
                found.append(f"an outsider sees the commit {info.sha}, not {commit}")
            try:
                self._anybody.get_hf_file_metadata(url=hf_hub_url(self.repo_id, path, endpoint=self.target.endpoint))
                is_open = True
            except GatedRepoError:
                is_open = False
            if is_open == is_gated:
                found.append(f"{path} is {'open' if is_open else 'closed'} to an outsider")
            return found

    def is_hidden(self) -> bool:
        """Whether an outsider sees no such repository."""
        with self._acting("be read back by an outsider"):
            try:
                self._anybody.model_info(self.repo_id)
            except RepositoryNotFoundError:
                return True
            return False

    @contextmanager
    def _acting(self, act: str) -> Iterator[None]:
        """Sort what can go wrong: what a later try may not meet is retried, everything else is a refusal."""
        try:
            yield
        except (HfHubHTTPError, TransportError, OSError, RuntimeError) as error:
            raise self._sorted(_cause_of(error), act) from error

    def _sorted(self, error: BaseException, act: str) -> BaseException:
        title = self.target.title
        if isinstance(error, HfHubHTTPError):
            status = error.response.status_code if error.response is not None else 0
            if status in PASSING or not status:
                return Retry("release.target_busy", f"{title} answered {status}; trying again.")
            return Refused.because(TARGET_REFUSES, target=title, act=act, answer=_words(error))
        if isinstance(error, TransportError | OSError):
            return Retry("release.target_silent", f"{title} does not answer ({type(error).__name__}); trying again.")
        return error


def _cause_of(error: BaseException) -> BaseException:
    """What really happened: the client wraps whatever breaks an upload in a RuntimeError."""
    while isinstance(error, RuntimeError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def _words(error: BaseException) -> str:
    """What the target said, in one bounded line that can be shown."""
    said = getattr(error, "server_message", None) or str(error)
    return " ".join(said.split())[:300]


def _git_sha1(file: Sending) -> str:
    digest = hashlib.sha1(f"blob {file.size_bytes}\0".encode(), usedforsecurity=False)
    with blob_store().open(file.sha256) as source:
        while block := source.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
