"""The chain of events: what the database refuses, and what reading it back finds when somebody had power over it."""

import io
import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from audit.models import Event
from audit.services import canonical_body, record
from audit.verification import GENESIS, verify_chain
from tests.factories import make_organization, make_user

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 22, 9, 30, 15, 123456, tzinfo=UTC)


def write(count=1, **options):
    """Record events, each in a transaction of its own; returns them sealed."""
    made = []
    for number in range(count):
        with transaction.atomic():
            given = {"subject": "test.thing:1", "actor": None, "at": NOW, "number": number, **options}
            made.append(record("test:thing:done", **given))
    return [Event.objects.get(pk=event.pk) for event in made]


@contextmanager
def as_superuser():
    """Change what no application may: with all triggers off, as whoever owns the database can."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield cursor
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")


def verify(*arguments):
    """Run the command; returns its exit status and what it said."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("verify_audit", *arguments, stdout=out, stderr=err)
    except SystemExit as left:
        return left.code, err.getvalue()
    return 0, out.getvalue()


def test_an_empty_chain_holds():
    assert verify() == (0, f"The chain holds: 0 events, head {GENESIS}.\n")


def test_events_are_chained_in_the_order_of_their_commits():
    first, second = write(2)
    assert (first.position, second.position) == (1, 2)
    report = verify_chain()
    assert (report.events, report.head, report.broken) == (2, second.chain_sha256, None)


def test_all_events_of_one_transaction_are_sealed_in_order():
    with transaction.atomic():
        for number in range(5):
            record("test:thing:done", subject="test.thing:1", actor=None, at=NOW, number=number)
        assert not Event.objects.exclude(position=None).exists()
    numbers = Event.objects.order_by("position").values_list("position", "facts__number")
    assert list(numbers) == [(1, 0), (2, 1), (3, 2), (4, 3), (5, 4)]
    assert verify_chain().broken is None


def test_what_is_rolled_back_leaves_no_gap():
    write()
    with pytest.raises(RuntimeError), transaction.atomic():
        record("test:thing:done", subject="test.thing:1", actor=None, at=NOW)
        raise RuntimeError
    write()
    assert [event.position for event in Event.objects.order_by("id")] == [1, 2]
    assert verify_chain().broken is None


def test_a_check_of_constraints_in_the_middle_seals_early_and_well():
    with transaction.atomic():
        record("test:thing:done", subject="test.thing:1", actor=None, at=NOW)
        connection.check_constraints()
        record("test:thing:done", subject="test.thing:1", actor=None, at=NOW)
    assert verify_chain().events == 2


def test_no_event_without_a_transaction():
    with pytest.raises(RuntimeError, match="in the transaction of its fact"):
        record("test:thing:done", subject="test.thing:1", actor=None, at=NOW)


def test_an_event_keeps_actor_subject_and_facts():
    user, place = make_user("ada"), make_organization()
    with transaction.atomic():
        record("test:thing:done", subject=place, actor=user, at=NOW, organization=place.name, level="gated")
    event = Event.objects.get(kind="test:thing:done")
    assert (event.actor_id, event.actor_name) == (user.pk, "ada")
    assert (event.subject, event.subject_label) == (f"registry.organization:{place.pk}", place.name)
    assert json.loads(event.body)["facts"] == {"level": "gated"}


@pytest.mark.parametrize(
    "facts",
    [
        {"deep": {"list": [1, 2.5, None, True, 'ü 日本 🎉 \\ " \n']}},
        {"float": 0.1, "large": 1e300, "tiny": -1e-12, "int": 2**70, "zero": -0.0},
        {"empty": {}, "": "", "order": {"b": 1, "a": 2}},
    ],
)
def test_facts_of_every_kind_verify_after_the_database_had_them(facts):
    write(facts_of_test=facts)
    assert verify_chain().broken is None


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), {1, 2}, object()])
def test_facts_that_are_no_json_are_refused_at_once(bad):
    with pytest.raises((ValueError, TypeError)), transaction.atomic():
        record("test:thing:done", subject="test.thing:1", actor=None, at=NOW, bad=bad)


def test_a_moment_in_another_zone_and_a_long_label_verify():
    write(at=NOW.astimezone(timezone(timedelta(hours=9))), label="x" * 1000)
    event = Event.objects.get()
    assert (len(event.subject_label), event.subject_label[-1]) == (300, "…")
    assert verify_chain().broken is None


# --- what the database refuses to everybody ------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda: Event.objects.update(kind="x"),
        lambda: Event.objects.update(position=77),
        lambda: Event.objects.update(chain_sha256="0" * 64),
        lambda: Event.objects.get().delete(),
        lambda: Event.objects.all().delete(),
        lambda: Event.objects.all()._raw_delete("default"),
        lambda: Event.objects.bulk_update([Event(pk=Event.objects.get().pk, facts={})], ["facts"]),
        lambda: Event.objects.create(kind="x", at=NOW, actor_name="x", subject="x", body="{}", position=2),
        lambda: Event.objects.create(kind="x", at=NOW, actor_name="x", subject="x", body="{}", chain_sha256="0" * 64),
        lambda: _sql("DELETE FROM audit_event"),
        lambda: _sql("UPDATE audit_event SET body = '{}'"),
        lambda: _sql("INSERT INTO audit_event SELECT * FROM audit_event"),
    ],
)
def test_the_database_refuses_to_change_the_record(change):
    write()
    before = list(Event.objects.values())
    with pytest.raises(DatabaseError), transaction.atomic():
        change()
    assert list(Event.objects.values()) == before


def test_an_event_cannot_be_changed_in_its_own_transaction_either():
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        event = record("test:thing:done", subject="test.thing:1", actor=None, at=NOW)
        Event.objects.filter(pk=event.pk).update(actor_name="somebody else")


def test_the_record_cannot_be_emptied():
    write()
    with pytest.raises(DatabaseError, match="Cannot truncate"), transaction.atomic():
        _sql("TRUNCATE audit_event")
    assert Event.objects.count() == 1


def _sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


# --- what reading it back finds --------------------------------------------------------------------


def _rechain(cursor):
    """Make the chain anew from the texts, as a careful forger would."""
    head = GENESIS
    import hashlib

    for position, event in enumerate(Event.objects.order_by("position"), start=1):
        head = hashlib.sha256((head + event.body).encode()).hexdigest()
        cursor.execute(
            "UPDATE audit_event SET position = %s, chain_sha256 = %s WHERE id = %s", [-position, head, event.pk]
        )
    cursor.execute("UPDATE audit_event SET position = -position")


TAMPERING = {
    "body": ("UPDATE audit_event SET body = replace(body, 'system', 'nobody') WHERE position = 3", 3, "its text"),
    "column": ("UPDATE audit_event SET actor_name = 'mallory' WHERE position = 3", 3, "columns of event 3 differ"),
    "actor": ("UPDATE audit_event SET actor_id = 1 WHERE position = 3", 3, "columns of event 3 differ"),
    "facts": ("""UPDATE audit_event SET facts = '{"number": 9}' WHERE position = 3""", 3, "columns of event 3 differ"),
    "true for 1": ("""UPDATE audit_event SET facts = '{"number": true}' WHERE position = 2""", 2, "columns of event 2"),
    "moment": ("UPDATE audit_event SET at = at - interval '1 day' WHERE position = 1", 1, "columns of event 1 differ"),
    "request": ("UPDATE audit_event SET request_id = 'x' WHERE position = 5", 5, "columns of event 5 differ"),
    "deleted": ("DELETE FROM audit_event WHERE position = 3", 3, "Event 3 is missing"),
    "deleted first": ("DELETE FROM audit_event WHERE position = 1", 1, "Event 1 is missing"),
    "no json": ("UPDATE audit_event SET body = '{' WHERE position = 3", 3, "its text"),
    "unsealed": ("UPDATE audit_event SET position = NULL WHERE position = 5", 5, "never sealed"),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_found_at_its_place(name):
    statement, position, said = TAMPERING[name]
    write(5)
    with as_superuser() as cursor:
        cursor.execute(statement)
        assert cursor.rowcount == 1
    status, words = verify()
    assert status == 1
    assert f"BROKEN at position {position}:" in words
    assert said in words


def test_swapped_events_are_found():
    write(5)
    with as_superuser() as cursor:
        for old, new in ((2, -2), (4, 2), (-2, 4)):
            cursor.execute("UPDATE audit_event SET position = %s WHERE position = %s", [new, old])
    assert verify()[0] == 1
    assert verify_chain().broken.position == 2


def test_an_event_that_was_put_in_between_is_found():
    write(3)
    with as_superuser() as cursor:
        cursor.execute("UPDATE audit_event SET position = 4 WHERE position = 3")
        cursor.execute(
            "INSERT INTO audit_event (kind, at, actor_name, subject, subject_label, organization, facts, request_id,"
            " body, position, chain_sha256) SELECT kind, at, actor_name, subject, subject_label, organization, facts,"
            " request_id, body, 3, chain_sha256 FROM audit_event WHERE position = 2"
        )
    assert verify_chain().broken.position == 3


def test_a_text_that_is_rewritten_with_its_columns_and_its_own_hash_is_found_by_the_next():
    write(5)
    event = Event.objects.get(position=3)
    event.actor_name = "mallory"
    with as_superuser() as cursor:
        cursor.execute(
            "UPDATE audit_event SET actor_name = 'mallory', body = %s, chain_sha256 = encode(sha256(convert_to("
            "(SELECT chain_sha256 FROM audit_event WHERE position = 2) || %s, 'UTF8')), 'hex') WHERE position = 3",
            [canonical_body(event), canonical_body(event)],
        )
    assert verify_chain().broken.position == 4


def test_a_tail_that_was_cut_off_is_found_by_a_hash_noted_elsewhere():
    noted = write(5)[-1].chain_sha256
    assert verify("--head", noted)[0] == 0
    with as_superuser() as cursor:
        cursor.execute("DELETE FROM audit_event WHERE position = 5")
    assert verify()[0] == 0  # what remains is a chain
    status, words = verify("--head", noted)
    assert status == 1
    assert "cut or made anew" in words


def test_a_chain_that_was_made_anew_is_found_by_a_hash_noted_elsewhere():
    noted = write(5)[3].chain_sha256
    event = Event.objects.get(position=2)
    event.actor_name = "mallory"
    with as_superuser() as cursor:
        cursor.execute(
            "UPDATE audit_event SET actor_name = 'mallory', body = %s WHERE position = 2", [canonical_body(event)]
        )
        _rechain(cursor)
    assert verify()[0] == 0
    assert verify("--head", noted)[0] == 1


def test_a_hash_in_the_middle_is_still_contained():
    events = write(4)
    write(3)
    assert verify("--head", events[1].chain_sha256)[0] == 0


def test_more_events_than_one_chunk_are_read(monkeypatch):
    monkeypatch.setattr("audit.verification.CHUNK", 3)
    write(7)
    counted = []
    assert verify_chain(progress=counted.append).events == 7
    assert counted == list(range(1, 8))


# --- many at once ------------------------------------------------------------------------------------


def test_many_threads_record_at_once_and_the_chain_holds():
    threads, faults, together = 8, [], threading.Barrier(8)

    def work(name):
        try:
            together.wait(20)
            for number in range(15):
                with transaction.atomic():
                    for part in range(1 + number % 3):
                        record("test:thing:done", subject=f"test.thing:{name}", actor=None, at=NOW, part=part)
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    running = [threading.Thread(target=work, args=[name]) for name in range(threads)]
    [thread.start() for thread in running]
    [thread.join(60) for thread in running]
    assert faults == []
    report = verify_chain()
    assert (report.broken, report.events) == (None, threads * 30)


def test_sealing_never_waits_for_a_row_that_waits_for_it():
    """One transaction holds a row and records; another records, and then refers to that row.

    The second one's foreign key is checked at its commit, where it waits for the row; had it sealed before, the first
    could not seal, and neither would end.
    """
    from accounts.models import User
    from registry.models import Membership

    place, user = make_organization(), make_user()
    locked, referred, faults = threading.Event(), threading.Event(), []

    def holder():
        try:
            with transaction.atomic():
                User.objects.select_for_update().get(pk=user.pk)
                locked.set()
                assert referred.wait(10)
                time.sleep(0.3)  # until the other one waits in its commit
                record("test:thing:held", subject=user, actor=None, at=NOW)
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=holder)
    thread.start()
    assert locked.wait(10)
    with transaction.atomic():
        record("test:thing:referred", subject=user, actor=None, at=NOW)
        Membership.objects.create(organization=place, user=user, role="auditor")
        referred.set()
    thread.join(20)
    assert faults == []
    assert verify_chain().broken is None
    assert Event.objects.filter(kind__startswith="test:").count() == 2
