"""Commits: all or nothing, in order, idempotent, and never with a path that could lead outside."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, connections

from audit.models import Event
from registry.models import Checkpoint, Commit
from registry.selectors import commit_at, head_of
from registry.services import content
from registry.services.commits import Changes, Placed, _apply, commit, create_ref, delete_ref
from registry.states import RefKind
from rules import Refused
from tests.factories import make_commit, make_organization, make_variant

pytestmark = pytest.mark.django_db


def placed(variant, data: bytes) -> Placed:
    return Placed(content.receive([data], organization=variant.organization).sha256)


def refused_codes(call) -> set[str]:
    with pytest.raises(Refused) as refused:
        call()
    return set(refused.value.verdict.codes)


def paths(made: Commit) -> set[str]:
    return set(made.checkpoint.files.values_list("path", flat=True))


def test_a_commit_adds_to_what_is_there():
    variant = make_variant()
    make_commit(variant, {"a.txt": b"a", "b/c.txt": b"c"})
    made = commit(
        variant=variant, changes=Changes(add={"d.txt": placed(variant, b"d")}), title="More", author=variant.created_by
    )
    assert paths(made) == {"a.txt", "b/c.txt", "d.txt"}
    assert head_of(variant) == made


def test_deletions_of_files_and_folders():
    variant = make_variant()
    make_commit(variant, {"a.txt": b"a", "b/c.txt": b"c", "b/d/e.txt": b"e"})
    made = commit(variant=variant, changes=Changes(delete=["a.txt"], delete_folders=["b/d/"]), title="-", author=None)
    assert paths(made) == {"b/c.txt"}


def test_many_deletions_cost_no_more_than_many_files():
    one = Placed("0" * 64)
    before = {f"a{number}/x": one for number in range(20_000)} | {"z/deep/y": one, "zz/y": one}
    began = time.process_time()
    after = _apply(before, Changes(delete=["z/deep", "z/"] * 10_000, delete_folders=["z", "a7/"] * 10_000))
    assert set(before) - set(after) == {"z/deep/y", "a7/x"}
    assert time.process_time() - began < 2


def test_deleting_what_is_not_there_is_refused_and_changes_nothing():
    variant = make_variant()
    first = make_commit(variant, {"a.txt": b"a"})
    call = lambda: commit(variant=variant, changes=Changes(delete=["b.txt"]), title="-", author=None)  # noqa: E731
    assert refused_codes(call) == {"registry.path_missing"}
    assert head_of(variant) == first


@pytest.mark.parametrize(
    "path",
    [
        "../outside",
        "a/../../outside",
        "/etc/passwd",
        "a//b",
        "./a",
        "a\\b",
        "C:/x",
        ".git/config",
        "x/.GIT/hooks",
        "con",
        "nul.txt",
        "a\nb",
        "a\x00b",
        "‮exe.txt",
        "x" * 300,
        "",
    ],
)
def test_paths_that_could_lead_outside_or_mislead_are_refused(path):
    variant = make_variant()
    call = lambda: commit(  # noqa: E731
        variant=variant, changes=Changes(add={path: placed(variant, b"x")}), title="-", author=None
    )
    assert refused_codes(call) <= {"registry.bad_path"}
    assert not Commit.objects.filter(variant=variant).exists()


def test_paths_that_are_one_on_some_disks_are_refused():
    variant = make_variant()
    files = {"README.md": placed(variant, b"x"), "readme.md": placed(variant, b"y")}
    call = lambda: commit(variant=variant, changes=Changes(add=files), title="-", author=None)  # noqa: E731
    assert refused_codes(call) == {"registry.paths_collide"}


def test_content_that_was_never_uploaded_is_refused():
    variant = make_variant()
    theirs = content.receive([b"theirs"], organization=make_organization())
    call = lambda: commit(  # noqa: E731
        variant=variant, changes=Changes(add={"a": Placed(theirs.sha256)}), title="-", author=None
    )
    assert refused_codes(call) == {"registry.content_unknown"}


def test_a_commit_on_a_parent_that_is_no_longer_the_head_is_refused():
    variant = make_variant()
    first = make_commit(variant, {"a": b"1"})
    make_commit(variant, {"a": b"2"})
    call = lambda: commit(  # noqa: E731
        variant=variant,
        changes=Changes(add={"b": placed(variant, b"b")}),
        title="-",
        author=None,
        expected_parent=first.oid,
    )
    assert refused_codes(call) == {"registry.branch_moved"}


def test_a_commit_sent_twice_is_one_commit():
    variant = make_variant()
    first = make_commit(variant, {"a": b"1"})
    change = {
        "variant": variant,
        "changes": Changes(add={"b": placed(variant, b"b")}),
        "title": "Add b",
        "author": variant.created_by,
        "expected_parent": first.oid,
    }
    assert commit(**change) == commit(**change)
    assert variant.commits.count() == 2


def test_the_same_files_are_one_checkpoint_wherever_they_are():
    one, other = make_commit(make_variant(), {"a": b"1"}), make_commit(make_variant(), {"a": b"1"})
    assert one.checkpoint == other.checkpoint
    assert one.oid != other.oid
    assert Checkpoint.objects.filter(digest=one.checkpoint.digest).count() == 1


def test_a_commit_is_recorded():
    made = make_commit(make_variant())
    event = Event.objects.filter(kind="registry:checkpoint:committed").latest("id")
    assert event.facts["digest"] == made.checkpoint.digest


def test_revisions_are_branches_tags_and_commit_ids():
    variant = make_variant()
    first = make_commit(variant, {"a": b"1"})
    second = make_commit(variant, {"a": b"2"})
    create_ref(variant=variant, kind=RefKind.TAG, name="v1", commit=first, by=variant.created_by)
    named = {name: commit_at(variant, name) for name in ("main", "v1", "refs/tags/v1", first.oid, second.oid[:7])}
    assert named == {"main": second, "v1": first, "refs/tags/v1": first, first.oid: first, second.oid[:7]: second}
    assert refused_codes(lambda: commit_at(variant, "nothing")) == {"registry.revision_missing"}
    assert refused_codes(lambda: commit_at(variant, first.oid[:6])) == {"registry.revision_missing"}


def test_refs_are_taken_once_and_main_stays():
    variant = make_variant()
    first = make_commit(variant)
    again = {"variant": variant, "kind": RefKind.BRANCH, "name": "dev", "by": variant.created_by}
    create_ref(**again, commit=first)
    assert refused_codes(lambda: create_ref(**again, commit=first)) == {"registry.ref_taken"}
    delete_ref(**again)
    assert refused_codes(lambda: delete_ref(**again)) == {"registry.revision_missing"}
    assert refused_codes(lambda: delete_ref(**(again | {"name": "main"}))) == {"registry.main_is_kept"}


@pytest.mark.django_db(transaction=True)
def test_two_commits_that_race_on_one_parent_make_one_winner():
    variant = make_variant()
    first = make_commit(variant, {"a": b"1"})
    contents = [placed(variant, b"x"), placed(variant, b"y")]
    outcomes: list[str] = []
    together = threading.Barrier(2)

    def race(number: int) -> None:
        try:
            together.wait()
            commit(
                variant=variant,
                changes=Changes(add={f"{number}.txt": contents[number]}),
                title=f"Racer {number}",
                author=None,
                expected_parent=first.oid,
            )
            outcomes.append("won")
        except Refused as refused:
            outcomes.extend(refused.verdict.codes)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=race, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["registry.branch_moved", "won"]
    assert variant.commits.count() == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE registry_checkpoint SET size_bytes = 0",
        "UPDATE registry_checkpointfile SET path = 'other'",
        "UPDATE registry_commit SET title = 'other'",
    ],
)
def test_the_database_refuses_to_change_history(statement):
    make_commit(make_variant())
    with pytest.raises(Exception, match="Cannot update rows"), connection.cursor() as cursor:
        cursor.execute(statement)
