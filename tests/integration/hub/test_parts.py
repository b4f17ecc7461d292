"""Large files in parts by LFS: a break costs one part, and what is joined is what was announced."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx2 as httpx
import pytest
from django.utils import timezone
from huggingface_hub.errors import HfHubHTTPError

from accounts.services import revoke_token
from hub.models import PartedUpload
from hub.services import parts
from registry.blobs import blob_store
from registry.models import BlobHolding
from tests.integration.hub.conftest import PART_BYTES

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning"),  # the client's own
]


class Upload:
    """A file of three parts that a person sends by hand."""

    def __init__(self, lab: SimpleNamespace) -> None:
        self.lab, self.repo_id = lab, f"{lab.name}/parts"
        self.content = os.urandom(2 * PART_BYTES + 1000)
        self.sha256 = hashlib.sha256(self.content).hexdigest()
        lab.writer.api.create_repo(self.repo_id, exist_ok=True)
        self.ask()

    def ask(self) -> None:
        with self.lab.writer.http as http:
            wanted = {"oid": self.sha256, "size": len(self.content)}
            sent = {"operation": "upload", "transfers": ["basic", "multipart"], "objects": [wanted]}
            answer = http.post(f"/{self.repo_id}.git/info/lfs/objects/batch", json=sent).json()
        actions = answer["objects"][0]["actions"]
        self.header, self.join, self.verify_href = (
            actions["upload"]["header"], actions["upload"]["href"], actions["verify"]["href"],
        )  # fmt: skip

    def piece(self, number: int) -> bytes:
        return self.content[(number - 1) * PART_BYTES : number * PART_BYTES]

    def send(self, number: int, content: bytes | None = None) -> httpx.Response:
        return httpx.put(self.header[str(number)], content=self.piece(number) if content is None else content)

    def complete(self, etags: dict[int, str]) -> httpx.Response:
        named = [{"partNumber": number, "etag": etag} for number, etag in etags.items()]
        return httpx.post(self.join, json={"oid": self.sha256, "parts": named})

    def verify(self) -> int:
        with self.lab.writer.http as http:
            return http.post(self.verify_href, json={"oid": self.sha256, "size": len(self.content)}).status_code

    @property
    def is_kept(self) -> bool:
        return blob_store().exists(self.sha256) or BlobHolding.objects.filter(blob_id=self.sha256).exists()


@pytest.fixture
def upload(governed: SimpleNamespace) -> Upload:
    return Upload(governed)


def test_the_client_sends_a_large_file_in_parts(governed: SimpleNamespace) -> None:
    api, repo_id = governed.writer.api, f"{governed.name}/large"
    api.create_repo(repo_id)
    content = os.urandom(2 * PART_BYTES + 5)
    api.upload_file(repo_id=repo_id, path_or_fileobj=content, path_in_repo="model.safetensors")
    assert Path(api.hf_hub_download(repo_id, "model.safetensors")).read_bytes() == content
    assert not PartedUpload.objects.exists() and not any((blob_store().root / "parts").iterdir())


def test_an_upload_goes_on_where_it_broke(upload: Upload) -> None:
    assert upload.header["chunk_size"] == str(PART_BYTES) and len(upload.header) == 4
    first = {number: upload.send(number).headers["etag"] for number in (3, 1)}
    assert upload.complete(first).status_code == 422 and upload.verify() == 404
    upload.ask()
    again = upload.send(1)
    assert again.headers["etag"] == first[1]
    etags = first | {2: upload.send(2).headers["etag"]}
    assert [upload.complete(etags).status_code for _ in range(2)] == [200, 200]
    assert upload.verify() == 200 and upload.is_kept and not PartedUpload.objects.exists()


def test_a_part_of_another_length_is_refused_and_leaves_nothing(upload: Upload) -> None:
    for number, content in ((1, b"short"), (3, upload.piece(1)), (2, b"")):
        assert upload.send(number, content).status_code == 422
    assert not any(blob_store().incoming.iterdir()) and not PartedUpload.objects.get().parts.exists()


def test_other_content_or_other_parts_are_not_joined(upload: Upload) -> None:
    etags = {number: upload.send(number).headers["etag"] for number in (1, 2, 3)}
    assert upload.complete(etags | {2: etags[1]}).status_code == 422
    assert upload.complete({}).status_code == 422 and not upload.is_kept
    assert httpx.post(upload.join, json={"parts": [{"partNumber": "1"}]}).status_code == 400
    PartedUpload.objects.get().parts.filter(number=2).delete()
    etags[2] = upload.send(2, bytes(PART_BYTES)).headers["etag"]
    refused = upload.complete(etags)
    assert refused.status_code == 422 and not upload.is_kept and not PartedUpload.objects.exists()
    assert upload.send(1).status_code == 403, "the address outlived the upload"


def test_addresses_are_signed_bound_to_their_part_and_end_with_the_token(upload: Upload) -> None:
    assert httpx.put(upload.header["1"][:-1] + "x", content=upload.piece(1)).status_code == 403
    assert httpx.put(upload.join, content=upload.piece(1)).status_code == 403
    assert httpx.post(upload.header["1"], json={"parts": []}).status_code == 403
    whole = upload.verify_href.removesuffix("/verify")
    assert httpx.put(whole.replace("/uploads/", "/uploads/parts/"), content=upload.piece(1)).status_code == 403
    revoke_token(token_id=upload.lab.writer.token.pk, user=upload.lab.writer.user)
    assert upload.send(1).status_code == 403 and upload.complete({}).status_code == 403


def test_parts_that_nobody_completed_are_dropped_by_age(upload: Upload) -> None:
    assert upload.send(1).status_code == 200
    place = parts.place_of(PartedUpload.objects.get(), 1)
    assert place.exists() and parts.collect(now=timezone.now()) == 0
    assert parts.collect(now=timezone.now() + timedelta(days=8)) == 1
    assert not place.exists() and not PartedUpload.objects.exists()


def test_large_files_are_listed_and_never_deleted_for_good(governed: SimpleNamespace) -> None:
    api, repo_id = governed.writer.api, f"{governed.name}/stored"
    api.create_repo(repo_id)
    assert list(api.list_lfs_files(repo_id)) == []
    api.upload_file(repo_id=repo_id, path_or_fileobj=b"small", path_in_repo="note.txt")
    content = os.urandom(1000)
    made = api.upload_file(repo_id=repo_id, path_or_fileobj=content, path_in_repo="a b/model.safetensors")
    (found,) = api.list_lfs_files(repo_id)
    assert (found.filename, found.size, found.ref) == ("a b/model.safetensors", 1000, "refs/heads/main")
    assert found.oid == hashlib.sha256(content).hexdigest()
    assert found.pushed_at == api.list_repo_commits(repo_id)[0].created_at
    with pytest.raises(HfHubHTTPError, match="never rewritten"):
        api.permanently_delete_lfs_files(repo_id, [found])
    assert api.file_exists(repo_id, found.filename, revision=made.oid)
    for who in (governed.outsider, governed.reviewer):
        with pytest.raises(HfHubHTTPError):
            list(who.api.list_lfs_files(repo_id))
