"""What a client that lies by Xet gets: a refusal, nothing kept, nobody else's content, and no more than its leave."""

from __future__ import annotations

import hashlib
import os
import time
from types import SimpleNamespace

import httpx2 as httpx
import pytest

from accounts.services import revoke_token
from hub.models import XetSpace, Xorb
from hub.services.xet import leave
from hub.xorb_store import place_of
from registry.blobs import blob_store
from registry.models import BlobHolding, Variant
from tests.integration.hub.test_upload import lfs, send_commit
from tests.xet_parts import MadeFile, MadeXorb, chunk, packed, random_xorb, shard, whole, xorb

pytestmark = pytest.mark.django_db(transaction=True)


class Sender:
    """Somebody who may write to a repository, and speaks the protocol by hand."""

    def __init__(self, lab: SimpleNamespace, name: str = "model") -> None:
        self.lab, self.repo_id = lab, f"{lab.name}/{name}"
        lab.writer.api.create_repo(self.repo_id, exist_ok=True)
        with lab.writer.http as http:
            given = http.get(f"/api/models/{self.repo_id}/xet-write-token/main").json()
        self.url, self.token = given["casUrl"], given["accessToken"]

    def send(self, path: str, body: bytes, token: str | None = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token if token is None else token}"}
        return httpx.post(f"{self.url}{path}", content=body, headers=headers, timeout=30)

    def xorb(self, made: MadeXorb, name: str = "") -> httpx.Response:
        return self.send(f"/v1/xorbs/default/{name or made.name}", made.body)

    def shard(self, *files: MadeFile) -> httpx.Response:
        return self.send("/v1/shards", shard(*files))

    def commit(self, file: MadeFile) -> int:
        sha256 = sha256_of(file)
        return send_commit(self.lab.writer, self.repo_id, lfs("a.bin", sha256, len(file.content))).status_code


@pytest.fixture
def sender(governed: SimpleNamespace) -> Sender:
    return Sender(governed)


def sha256_of(file: MadeFile) -> str:
    return hashlib.sha256(file.content).hexdigest()


def is_kept(file: MadeFile) -> bool:
    sha256 = sha256_of(file)
    return blob_store().exists(sha256) or BlobHolding.objects.filter(blob_id=sha256).exists()


def test_xorb_shard_and_commit_are_safe_to_repeat(sender: Sender) -> None:
    made = random_xorb()
    file = whole(made)
    assert [sender.xorb(made).json() for _ in range(2)] == [{"was_inserted": True}, {"was_inserted": False}]
    assert sender.commit(file) == 400, "a commit came before its content was verified"
    assert [sender.shard(file).json() for _ in range(2)] == [{"result": 1}, {"result": 0}]
    assert not place_of(sender.lab.organization.pk, made.digest).exists()
    # Its bytes stand in content now: it need not be sent again, and can be referred to.
    assert sender.xorb(made).json() == {"was_inserted": False}
    part = MadeFile([(made, 1, 2), (made, 0, 2)])
    assert sender.shard(part).json() == {"result": 1} and is_kept(part)
    assert sender.commit(file) == 200 and sender.commit(part) == 200


def test_a_xorb_of_many_files_is_kept_until_all_are_made(sender: Sender) -> None:
    made = random_xorb(4)
    place = place_of(sender.lab.organization.pk, made.digest)
    assert sender.xorb(made).status_code == 200
    for first, end, is_left in [(0, 1, True), (2, 4, True), (1, 3, False)]:
        assert sender.shard(MadeFile([(made, first, end)])).json() == {"result": 1}
        assert place.exists() == is_left
    assert sender.shard(MadeFile([(made, 3, 4), (made, 0, 4)])).json() == {"result": 1}


def test_two_files_of_one_shard_and_a_file_of_two_xorbs(sender: Sender) -> None:
    one, two = random_xorb(), xorb(os.urandom(70_000), bytes(100), scheme=2)
    assert {sender.xorb(one).status_code, sender.xorb(two).status_code} == {200}
    files = [whole(one), MadeFile([(two, 0, 1), (one, 2, 3), (two, 1, 2)]), whole(two, flags=1 << 31)]
    assert sender.shard(*files).json() == {"result": 1}
    assert all(is_kept(file) for file in files)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (chunk(b"x" * 100, 100, scheme=7), "unknown scheme"),
        (b"", "no chunk"),
        (packed(b"abc")[:-1], "middle"),
        (packed(b"other"), "Its hash is"),
    ],
)
def test_a_xorb_that_is_none_or_another_leaves_nothing(sender: Sender, body: bytes, what: str) -> None:
    made = random_xorb()
    answer = sender.send(f"/v1/xorbs/default/{made.name}", body)
    assert answer.status_code == 400 and what in answer.json()["error"]
    assert not Xorb.objects.filter(organization=sender.lab.organization).exists()
    assert not place_of(sender.lab.organization.pk, made.digest).exists()
    assert not any(blob_store().incoming.iterdir())


@pytest.mark.parametrize("name", ["0" * 63, "g" * 64, "..%2f..%2fetc", "A" * 64])
def test_a_name_that_is_no_hash_is_refused(sender: Sender, name: str) -> None:
    assert sender.send(f"/v1/xorbs/default/{name}", packed(b"x")).status_code == 400


def test_bodies_have_a_limit(sender: Sender) -> None:
    made = random_xorb()
    assert sender.send(f"/v1/xorbs/default/{made.name}", bytes(80 << 20)).status_code == 413
    assert sender.send("/v1/shards", bytes(100)).status_code == 400


LIES = {
    "a part longer than its chunks": lambda made: MadeFile([(longer(made), 0, 3)]),
    "chunks behind the last": lambda made: MadeFile([(longer(made), 0, 4)]),
    "chunks that the sender does not know": lambda made: whole(made, checks=(bytes(32),)),
    "another file": lambda made: whole(made, digest=bytes(32)),
    "another SHA-256": lambda made: whole(made, sha256="0" * 64),
}


def longer(made: MadeXorb) -> MadeXorb:
    """A xorb that claims the hash of another."""

    class Claims(MadeXorb):
        digest = made.digest

    return Claims([*made.chunks[:-1], made.chunks[-1] + b"x", b"y"], b"")


@pytest.mark.parametrize("lie", LIES)
def test_a_shard_that_lies_makes_no_content(sender: Sender, lie: str) -> None:
    made = random_xorb()
    assert sender.xorb(made).status_code == 200
    file = LIES[lie](made)
    answer = sender.shard(file)
    assert answer.status_code in {400, 422}, answer.text
    assert not is_kept(file) and not is_kept(whole(made))
    assert not any(blob_store().incoming.iterdir())
    assert sender.shard(whole(made)).json() == {"result": 1}


def test_another_organizations_xorb_cannot_be_named_or_sent_to(sender: Sender, direct: SimpleNamespace) -> None:
    made, thief = random_xorb(), Sender(direct)
    assert sender.xorb(made).status_code == 200
    assert sender.shard(whole(made)).status_code == 200
    refused = thief.shard(whole(made))
    assert refused.status_code == 400 and "is not here" in refused.json()["error"]
    assert thief.commit(whole(made)) == 400
    # The leave of one organization opens no other's space, under whatever name.
    for path in ("/v1/shards", f"/v1/xorbs/default/{made.name}"):
        assert sender.send(path, b"", thief.token).status_code == 401
    assert thief.xorb(made).json() == {"was_inserted": True}, "the answer told that somebody else has it"


def test_leave_is_bound_short_and_ends_with_the_token(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    made = random_xorb()
    assert httpx.post(f"{sender.url}/v1/shards", content=b"").status_code == 401
    assert sender.send("/v1/shards", b"", sender.token[:-1] + "x").status_code == 401
    assert sender.send("/v1/shards", b"", sender.lab.writer.secret).status_code == 401
    variant, token = Variant.objects.get(name="model"), sender.lab.writer.token
    then = time.time() - leave.TTL_SECONDS - leave.SLACK_SECONDS - 1
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: then)
        old = leave.issue(variant=variant, token=token).text
    assert sender.send("/v1/shards", b"", old).status_code == 401
    with sender.lab.writer.http as http:
        http.headers["authorization"] = f"Bearer {sender.token}"
        assert http.get("/api/whoami-v2").status_code == 401, "leave to send opened something else"
    revoke_token(token_id=token.pk, user=sender.lab.writer.user)
    assert sender.xorb(made).status_code == 401


def test_readers_and_outsiders_are_given_no_leave(sender: Sender) -> None:
    for who, status in ((sender.lab.outsider, 404), (sender.lab.reviewer, 403)):
        with who.http as http:
            assert http.get(f"/api/models/{sender.repo_id}/xet-write-token/main").status_code == status


def test_a_xorb_that_was_damaged_is_told_as_gone_and_sent_anew(sender: Sender) -> None:
    made = random_xorb()
    assert sender.xorb(made).status_code == 200
    place = place_of(sender.lab.organization.pk, made.digest)
    place.chmod(0o600)
    place.write_bytes(bytes(place.stat().st_size))
    space = XetSpace.objects.get(organization=sender.lab.organization).name
    refused = sender.shard(whole(made))
    assert refused.status_code == 400 and "is not here" in refused.json()["error"] and not is_kept(whole(made))
    assert XetSpace.objects.get(organization=sender.lab.organization).name != space
    assert sender.xorb(made).json() == {"was_inserted": True}
    assert sender.shard(whole(made)).json() == {"result": 1}


def test_no_chunk_is_known_to_anybody(sender: Sender) -> None:
    headers = {"authorization": f"Bearer {sender.token}"}
    answer = httpx.get(f"{sender.url}/v1/chunks/default/{'0' * 64}", headers=headers)
    assert answer.status_code == 404 and answer.headers["content-type"] == "application/json"
