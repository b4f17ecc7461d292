"""The page of a model's downloads: out of the ledger, for members alone, naming nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.roles import Role
from hub.models import Download
from hub.selectors.download_counts import WEEKS, downloads_of
from registry.services import commits, content
from registry.services.commits import Changes, Placed
from tests.factories import make_commit, make_member, make_organization, make_user, make_variant

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 4, 15, tzinfo=UTC)  # a Wednesday


@pytest.fixture
def lab():
    return make_organization("acme")


@pytest.fixture
def variant(lab):
    return make_variant(lab, "nimbus")


def read(commit, path, at, *, user=None, first_byte=0, size=100):
    return Download.objects.create(
        variant=commit.variant, commit=commit, path=path, user=user, first_byte=first_byte, size_bytes=size, at=at
    )


def test_weeks_and_checkpoints_are_counted_out_of_the_ledger(variant):
    first = make_commit(variant, {"config.json": b"{}", "model.safetensors": b"\0" * 9})
    second = make_commit(variant, {"config.json": b"{}", "model.safetensors": b"\1" * 9})
    ada, bo = make_user(), make_user()
    read(second, "config.json", NOW - timedelta(weeks=WEEKS), user=ada)  # too long ago
    for user in (ada, bo):
        read(first, "config.json", NOW - timedelta(days=9), user=user)
        read(first, "model.safetensors", NOW - timedelta(days=9), user=user, size=900)
    read(second, "config.json", NOW, user=ada)
    read(second, "config.json", NOW)  # without an account
    read(second, "config.json", NOW, user=ada, first_byte=50)  # the rest of one that broke
    read(make_commit(make_variant(variant.organization), {"config.json": b"{}"}), "config.json", NOW, user=ada)
    counted = downloads_of(variant, now=NOW)
    assert (counted.total.downloads, counted.total.files, counted.total.people) == (4, 7, 2)
    assert counted.total.size_bytes == 2 * 1000 + 300
    assert len(counted.weeks) == WEEKS
    assert [(str(week.begins), week.downloads, week.files, week.people) for week in counted.weeks[-3:]] == [
        ("2026-02-16", 0, 0, 0),
        ("2026-02-23", 2, 4, 2),
        ("2026-03-02", 2, 3, 1),
    ]
    assert [(one.commit, one.downloads, one.files) for one in counted.commits] == [(first, 2, 4), (second, 2, 3)]


def test_a_checkpoint_without_a_configuration_is_counted_by_its_first_large_file(variant):
    kept = content.receive([b"weights"], organization=variant.organization).sha256
    large = {path: Placed(kept, is_large=True) for path in ("b.safetensors", "c.safetensors")}
    changes = Changes(add={"a.txt": Placed(kept), **large})
    commit = commits.commit(variant=variant, changes=changes, title="Upload", author=variant.created_by)
    for path in ("a.txt", "b.safetensors", "c.safetensors"):
        read(commit, path, NOW)
    assert downloads_of(variant, now=NOW).total.downloads == 1


def test_members_see_it_and_for_others_it_does_not_exist(client, lab, variant):
    address = "/acme/nimbus/downloads/"
    client.force_login(make_member(lab, Role.AUTOMATION))
    assert "Nobody has downloaded it yet" in client.get(address).content.decode()
    read(make_commit(variant, {"config.json": b"{}"}), "config.json", timezone.now(), user=make_user("rae"))
    page = client.get(address).content.decode()
    assert "The last 12 weeks" in page
    assert "rae" not in page
    client.force_login(make_user())
    assert client.get(address).status_code == 404
    client.logout()
    assert client.get(address).status_code in {302, 404}
