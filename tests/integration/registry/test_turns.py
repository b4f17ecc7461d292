"""That whoever commits keeps others of the same organization from nothing but committing to the same model."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.utils import timezone

from gating.services import ask, put_in_force
from hub.models import Download
from registry.models import Variant
from registry.services.commits import Changes, Placed, commit, create_ref, delete_ref
from registry.services.content import receive
from registry.services.removal import delete_variant, rename_variant
from registry.states import Level, RefKind
from rules import Refused
from tests.factories import make_commit, make_gate, make_organization, make_user, make_variant, serve

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_SECONDS = 20


def beside(act: Callable[[], object], *, ends: bool = True) -> threading.Thread:
    """Do something on a connection of its own; fails where it does not end, or does where it should wait."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            act()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS if ends else 0.5)
    assert thread.is_alive() != ends and not failures, failures
    return thread


@pytest.fixture
def variant():
    made = make_variant(make_organization())
    make_commit(made, {"config.json": b"{}"})
    version = make_gate(made, made.created_by)
    put_in_force(gate_version=version, release_digest="sha256:" + "0" * 64, at=timezone.now())
    serve(made, Level.GATED)
    return made


def test_a_running_commit_holds_up_no_reader_no_request_and_no_upload(variant) -> None:
    head, sibling, person = variant.commits.first(), make_variant(variant.organization), make_user()
    kept = receive([b"more"], organization=variant.organization)
    with transaction.atomic():
        make_commit(variant, {"config.json": b'{"a": 1}'})
        beside(lambda: Download.objects.create(variant=variant, commit=head, path="config.json", size_bytes=2))
        beside(lambda: ask(variant=variant, user=person, answers={"purpose": "research"}))
        beside(lambda: receive([b"other"], organization=variant.organization))
        change = Changes(add={"a.txt": Placed(kept.sha256)})
        beside(lambda: commit(variant=sibling, changes=change, title="Beside", author=None))
        waiting = beside(lambda: commit(variant=variant, changes=change, title="After", author=None), ends=False)
    waiting.join(PATIENCE_SECONDS)
    assert not waiting.is_alive()
    assert set(variant.commits.first().checkpoint.files.values_list("path", flat=True)) == {"a.txt", "config.json"}


def test_acts_on_a_deleted_model_are_refused_as_missing() -> None:
    variant = make_variant(make_organization())
    first, owner = make_commit(variant, {"config.json": b"{}"}), variant.created_by
    gone = Variant.objects.select_related("organization").get(pk=variant.pk)
    delete_variant(variant=variant, by=owner)
    named = {"variant": gone, "kind": RefKind.BRANCH, "name": "b", "by": owner}
    for act in (
        lambda: commit(variant=gone, changes=Changes(), title="Late", author=owner),
        lambda: create_ref(**named, commit=first),
        lambda: delete_ref(**named),
        lambda: rename_variant(variant=gone, name="other", by=owner),
        lambda: delete_variant(variant=gone, by=owner),
    ):
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.verdict.codes == {"registry.unknown"}
