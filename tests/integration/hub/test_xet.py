"""Uploads by Xet, the client's default: what is rebuilt is what was sent, and is sent and kept once."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone
from huggingface_hub import CommitOperationAdd, constants
from huggingface_hub.errors import RepositoryNotFoundError

from hub.models import XetSpace, Xorb
from hub.xorb_store import place_of
from registry.blobs import blob_store
from registry.models import Blob
from tests.integration.hub.test_upload import NAMES, read, write

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning"),  # the client's own
]


@pytest.fixture(autouse=True)
def by_xet(own_cache: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client as it comes."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)


def staged(lab) -> list[Path]:
    """Files of an organization's xorbs, and drafts, that lie in the store."""
    folders = (blob_store().root / "xorbs" / str(lab.organization.pk), blob_store().incoming)
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of every kind that the client packs differently, with bytes in common."""
    noise = os.urandom(3_000_000)
    weights = np.random.default_rng().standard_normal(500_000).astype(np.float32).tobytes()
    files = {
        "noise.bin": noise,
        "weights.safetensors": weights,
        "zeros.bin": bytes(2_000_000),
        "text.bin": b"".join(b"line %d\n" % number for number in range(100_000)),
        "shifted.bin": noise[700_001:] + os.urandom(1000),
        "tiny.bin": b"\0\1",
    }
    return write(tmp_path / "in", NAMES | files)


def test_a_folder_comes_back_and_nothing_is_kept_twice(governed, folder: Path, tmp_path: Path) -> None:
    api, repo_id = governed.writer.api, f"{governed.name}/by-xet"
    api.create_repo(repo_id)
    made = api.upload_folder(repo_id=repo_id, folder_path=folder)
    assert read(Path(api.snapshot_download(repo_id, local_dir=tmp_path / "out"))) == read(folder)
    xorbs = Xorb.objects.filter(organization=governed.organization)
    assert xorbs.exists() and not xorbs.filter(has_bytes=True).exists() and staged(governed) == []
    assert api.upload_folder(repo_id=repo_id, folder_path=folder).oid == made.oid

    # Another repository of the organization is filled from what the client knows to be here.
    before = xorbs.count()
    other = f"{governed.name}/again"
    api.create_repo(other)
    api.upload_folder(repo_id=other, folder_path=folder)
    assert xorbs.count() == before and staged(governed) == []
    assert read(Path(api.snapshot_download(other, local_dir=tmp_path / "other"))) == read(folder)


def test_a_changed_file_is_made_of_old_chunks_and_new_ones(governed, tmp_path: Path) -> None:
    api, repo_id = governed.writer.api, f"{governed.name}/versions"
    api.create_repo(repo_id)
    first = os.urandom(2_000_000)
    second = first[:1_000_000] + b"changed" + first[1_000_000:]
    for content in (first, second):
        api.upload_file(repo_id=repo_id, path_or_fileobj=content, path_in_repo="weights.bin")
    assert Path(api.hf_hub_download(repo_id, "weights.bin")).read_bytes() == second
    sent = sum(len(bytes(row.chunks)) // 36 for row in Xorb.objects.filter(organization=governed.organization))
    assert sent < 2 * len(first) / 65536, "what was there was sent again"


def test_the_command_uploads_and_downloads(governed, hf_by_xet, folder: Path, tmp_path: Path) -> None:
    sent = hf_by_xet(governed.writer, "upload", f"{governed.name}/cli", str(folder))
    assert sent.returncode == 0, sent.stderr
    got = hf_by_xet(governed.writer, "download", f"{governed.name}/cli", "--local-dir", str(tmp_path / "out"))
    assert got.returncode == 0, got.stderr
    assert read(tmp_path / "out") == read(folder)
    assert "xet" not in sent.stderr.lower()


def test_organizations_share_nothing(governed, direct, tmp_path: Path) -> None:
    content = os.urandom(1_000_000)
    for lab in (governed, direct):
        lab.writer.api.create_repo(f"{lab.name}/same")
        lab.writer.api.upload_file(repo_id=f"{lab.name}/same", path_or_fileobj=content, path_in_repo="a.bin")
    for lab in (governed, direct):
        assert Xorb.objects.filter(organization=lab.organization).count() == 1
    assert Blob.objects.filter(size_bytes=len(content)).count() == 1


def test_an_upload_heals_itself_where_the_store_lost_what_the_client_relies_on(governed) -> None:
    api, repo_id = governed.writer.api, f"{governed.name}/healed"
    api.create_repo(repo_id)
    content = os.urandom(1_000_000)
    api.upload_file(repo_id=repo_id, path_or_fileobj=content, path_in_repo="a.bin")
    Xorb.objects.all().delete()
    space = XetSpace.objects.get(organization=governed.organization).name
    with pytest.raises(Exception, match="400 Bad Request"):
        api.upload_file(repo_id=repo_id, path_or_fileobj=content + b"x", path_in_repo="a.bin")
    assert XetSpace.objects.get(organization=governed.organization).name != space
    api.upload_file(repo_id=repo_id, path_or_fileobj=content + b"x", path_in_repo="a.bin")
    assert Path(api.hf_hub_download(repo_id, "a.bin")).read_bytes() == content + b"x"


def test_an_outsider_is_given_no_leave(governed) -> None:
    repo_id = f"{governed.name}/closed"
    governed.writer.api.create_repo(repo_id)
    with pytest.raises(RepositoryNotFoundError):
        governed.outsider.api.create_commit(
            repo_id, [CommitOperationAdd("a.bin", os.urandom(1000))], commit_message="Mine"
        )


def test_what_was_sent_and_never_used_is_dropped_by_age(governed, tmp_path: Path) -> None:
    from hub.services.xet import collecting

    api, repo_id = governed.writer.api, f"{governed.name}/left"
    api.create_repo(repo_id)
    api.upload_file(repo_id=repo_id, path_or_fileobj=os.urandom(300_000), path_in_repo="a.bin")
    row = Xorb.objects.get(organization=governed.organization)
    place = place_of(row.organization_id, bytes(row.digest))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"left by a crash")
    now = timezone.now()
    assert collecting.collect(now=now) and place.exists()
    assert collecting.collect(now=now + timedelta(hours=2)).files >= 1 and not place.exists()
    assert collecting.collect(now=now + timedelta(days=27)).xorbs == 0
    assert collecting.collect(now=now + timedelta(days=29)).xorbs >= 1
    assert not Xorb.objects.filter(pk=row.pk).exists()
    assert api.file_exists(repo_id, "a.bin")


def test_an_upload_collects_in_passing(governed) -> None:
    api, repo_id = governed.writer.api, f"{governed.name}/passing"
    api.create_repo(repo_id)
    api.upload_file(repo_id=repo_id, path_or_fileobj=os.urandom(100_000), path_in_repo="a.bin")
    long_ago = timezone.now() - timedelta(days=29)
    Xorb.objects.filter(organization=governed.organization).update(used_at=long_ago)
    api.upload_file(repo_id=repo_id, path_or_fileobj=os.urandom(100_000), path_in_repo="a.bin")
    assert Xorb.objects.filter(organization=governed.organization).count() == 2, "it looked for leftovers each time"
    XetSpace.objects.filter(organization=governed.organization).update(collected_at=long_ago)
    api.upload_file(repo_id=repo_id, path_or_fileobj=os.urandom(100_000), path_in_repo="a.bin")
    assert Xorb.objects.filter(organization=governed.organization, used_at__lte=long_ago).count() == 0
