"""What somebody with a token may try that no client does: nesting, aliases, names that come back, broken content."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from accounts.roles import Role
from gating.services import grant
from hub.models import Download
from hub.selectors import last_commits
from hub.services import device_logins
from hub.services.pull_requests import propose
from registry.blobs import blob_store
from registry.models import Ref
from registry.services.commits import Changes, Placed
from registry.services.content import receive
from registry.services.variants import set_direct_control
from registry.states import Level, RefKind
from rules import Refused
from tests.factories import make_commit, make_member, make_organization, make_token, make_user, make_variant, serve

pytestmark = pytest.mark.django_db


class Sender:
    """Somebody with a token."""

    def __init__(self, user) -> None:
        self.user, self.client = user, Client(headers={"Authorization": f"Bearer {make_token(user, 'write')}"})

    def send(self, method: str, address: str, body: object = None):
        """The answer to a request with a JSON body, or with bytes as they are."""
        content = body if isinstance(body, bytes | str) else json.dumps(body or {})
        return self.client.generic(method, address, content, content_type="application/json")


@pytest.fixture
def direct():
    """An organization under direct control."""
    return make_organization(is_direct_control=True)


@pytest.fixture
def owner(direct) -> Sender:
    return Sender(make_member(direct, Role.OWNER))


@pytest.fixture
def variant(direct):
    made = make_variant(direct, is_private=False)
    make_commit(made, {"README.md": b"---\nlicense: mit\n---\n", "config.json": b"{}"})
    return made


@pytest.mark.parametrize("depth", [50, 300, 700, 850, 900, 950, 2000, 5000, 100_000])
def test_no_depth_of_nesting_makes_the_server_fail(owner, variant, depth: int) -> None:
    nested = "[" * depth + "]" * depth
    lines = f'{{"key": "header", "value": {{"summary": "x", "more": {nested}}}}}\n'
    for method, address, body in [
        ("POST", f"/api/models/{variant.repo_id}/paths-info/main", f'{{"paths": [], "more": {nested}}}'),
        ("POST", f"/api/models/{variant.repo_id}/commit/main", lines),
        ("POST", f"/{variant.repo_id}/ask-access", f'{{"more": {nested}}}'),
    ]:
        assert owner.send(method, address, body).status_code < 500, (address, depth)


def test_a_configuration_that_is_nested_deeply_fails_no_list(owner, direct) -> None:
    made = make_variant(direct, is_private=False)
    make_commit(
        made, {"config.json": f'{{"model_type": "x", "quantization_config": {"[" * 600 + "]" * 600}}}'.encode()}
    )
    for address in ("/api/models?config=true", f"/api/models/{made.repo_id}"):
        assert owner.send("GET", address).status_code == 200


def test_no_branch_or_tag_stands_before_the_commit_that_it_is_named_like(owner, variant) -> None:
    first = variant.commits.get()
    second = make_commit(variant, {"config.json": b'{"other": 1}'})
    for kind, address in [("branch", first.oid), ("tag", second.oid)]:
        sent = {"startingPoint": second.oid, "tag": first.oid}
        answer = owner.send("POST", f"/api/models/{variant.repo_id}/{kind}/{address}", sent)
        assert (answer.status_code, "cannot name" in answer.json()["error"]) == (400, True)
    Ref.objects.create(variant=variant, kind=RefKind.BRANCH, name=first.oid, commit=second)  # as older ones may be
    got = owner.send("GET", f"/{variant.repo_id}/resolve/{first.oid}/config.json")
    assert got["X-Repo-Commit"] == first.oid and b"".join(got.streaming_content) == b"{}"


def test_a_name_may_change_in_case_alone_and_return(owner, variant) -> None:
    space = variant.organization.name
    for now, to in [(variant.name, "Nimbus"), ("Nimbus", "nimbus"), ("nimbus", "NIMBUS"), ("NIMBUS", "other")]:
        answer = owner.send("POST", "/api/repos/move", {"fromRepo": f"{space}/{now}", "toRepo": f"{space}/{to}"})
        assert answer.status_code == 200, (now, to, answer.content)
    for written in ("nimBUS", "%6eimbus"):
        answer = owner.send("GET", f"/api/models/{space}/{written}/refs?x=%2F")
        assert answer.status_code == 307
        assert answer["Location"] == f"http://testserver/api/models/{space}/other/refs?x=%2F"
    answer = owner.send("POST", f"/{space}/nimbus.git/info/lfs/objects/batch", {"objects": []})
    assert answer["Location"] == f"http://testserver/{space}/other.git/info/lfs/objects/batch"


def test_missing_content_is_told_of_and_fails_nothing_else(owner, variant) -> None:
    for file in variant.commits.get().checkpoint.files.all():
        blob_store().delete(file.blob_id)
    for address in ("/api/models", f"/api/models/{variant.repo_id}", f"/api/models/{variant.repo_id}/tree/main"):
        assert owner.send("GET", address).status_code == 200
    answer = owner.send("GET", f"/{variant.repo_id}/resolve/main/config.json")
    assert (answer.status_code, "no longer have the hash" in answer.json()["error"]) == (409, True)
    assert not Download.objects.filter(variant=variant).exists()


def test_lists_tell_outsiders_neither_work_behind_what_is_served_nor_how_much_is_hidden() -> None:
    lab, stranger = make_organization(), Sender(make_user())
    old, new = (make_variant(lab, name) for name in ("old", "new"))
    for one in (old, new):
        make_commit(one, {"config.json": b"{}"})
        serve(one, Level.PUBLIC)
    make_commit(old, {"config.json": b'{"secret": 1}'})  # what is served stays as it was
    old.refresh_from_db()
    got = stranger.send("GET", f"/api/models?author={lab.name}&sort=lastModified&limit=1")
    assert [item["id"] for item in got.json()] == [new.repo_id]
    following = got["Link"].partition("<")[2].partition(">")[0]
    said = base64.urlsafe_b64decode(parse_qs(urlsplit(following).query)["cursor"][0].partition(":")[0] + "==")
    shown_at, mask = json.loads(said)
    assert shown_at < old.updated_at.isoformat() and int(mask, 16) > 1 << 40
    assert [item["id"] for item in stranger.send("GET", following).json()] == [old.repo_id]
    member = Sender(make_member(lab, Role.AUTOMATION))
    got = member.send("GET", f"/api/models?author={lab.name}&sort=lastModified")
    assert [item["id"] for item in got.json()] == [old.repo_id, new.repo_id]
    first, second = (int(item["_id"], 16) for item in got.json())
    assert abs(first - second) > 1 << 40


def test_a_card_with_tags_without_end_takes_no_room_in_lists(owner, direct) -> None:
    made, tags = make_variant(direct, is_private=False), [f"tag-{number}" for number in range(20_000)]
    card = "---\nlibrary_name: x\ntags:\n" + "".join(f"- {tag}\n" for tag in tags) + "---\n"
    make_commit(made, {"README.md": card.encode()})
    (listed,) = owner.send("GET", "/api/models?filter=tag-1").json()
    assert 0 < len("".join(listed["tags"])) <= 10_000 and "cardData" not in listed
    (whole,) = owner.send("GET", "/api/models?cardData=true").json()
    assert whole["cardData"]["tags"] == tags and whole["library_name"] == listed["library_name"] == "x"
    make_commit(made, {"config.json": b"{}"})
    (bare,) = owner.send("GET", "/api/models?cardData=true").json()
    assert (bare["cardData"], bare["tags"]) == ({}, [])


def test_programs_that_wait_for_somebody_are_few_from_one_network() -> None:
    for number in range(device_logins.WAITING_LOGINS):
        device_logins.begin(address=f"2001:db8:7:7::{number:x}", agent="")
    with pytest.raises(Refused, match="More than 200"):
        device_logins.begin(address="2001:db8:7:7:ffff::", agent="")
    assert device_logins.begin(address="2001:db8:7:8::1", agent="").user_code


def test_what_a_patch_shows_to_people_outside_is_on_record(direct, owner, variant) -> None:
    variant = set_direct_control(variant=variant, by=owner.user, gate_mode="manual")
    reader, stranger = Sender(make_user()), Sender(make_user())
    given = grant(variant=variant, user=reader.user, by=owner.user)
    change = Changes(add={"config.json": Placed(receive([b'{"new": 1}'], organization=direct).sha256)})
    propose(variant=variant, changes=change, title="Change", message="", author=owner.user)
    address = f"/api/models/{variant.repo_id}/discussions/1?diff=1"
    assert "new" not in stranger.send("GET", address).content.decode()
    for who in (owner, reader):
        assert '+{\\"new\\": 1}' in who.send("GET", address).content.decode()
    rows = Download.objects.order_by("id").values_list("user", "path", "size_bytes", "grant", "commit__title")
    assert list(rows) == [
        (reader.user.pk, "config.json", 2, given.pk, "Upload"),
        (reader.user.pk, "config.json", 10, given.pk, "Change"),
    ]


def test_a_listing_looks_through_a_bounded_part_of_the_history(owner, variant, monkeypatch) -> None:
    for number in range(3):
        make_commit(variant, {"config.json": b"{}", "notes.txt": b"%d" % number})
    oids = list(variant.commits.values_list("oid", flat=True))  # the newest first
    for most, answer in [(200_000, oids[-1]), (3, oids[1])]:  # each has two files
        monkeypatch.setattr(last_commits, "MOST_FILES", most)
        got = owner.send("GET", f"/api/models/{variant.repo_id}/tree/main?expand=true")
        assert {item["path"]: item["lastCommit"]["id"] for item in got.json()}["config.json"] == answer
