"""The record of what was done: append-only, chained by hash, written in the transaction of the fact.

What an event says in words is not stored; presenters make the sentence from its kind and facts.
"""

from __future__ import annotations

import pgtrigger
from django.db import models

LABEL_LENGTH = 300


class Event(models.Model):
    """One act of one actor on one subject. Never changed, never deleted: the database refuses both, and to empty it.

    `body` is the exact text that is hashed. `position` and `chain_sha256` are set by the database at commit, when
    the order of events is known, so that acts do not wait for one another before then. Position 1 follows 64 zeros.
    """

    kind = models.CharField(max_length=80)
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150)
    subject = models.CharField(max_length=120, help_text="`app.model:key`")
    subject_label = models.CharField(max_length=LABEL_LENGTH)
    organization = models.CharField(max_length=96, blank=True)
    facts = models.JSONField(default=dict)
    request_id = models.CharField(max_length=128, blank=True)
    body = models.TextField()
    position = models.BigIntegerField(null=True, unique=True)
    chain_sha256 = models.CharField(max_length=64, null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["subject", "-id"], name="event_subject"),
            models.Index(fields=["subject_label", "-id"], name="event_subject_label"),
            models.Index(fields=["organization", "-id"], name="event_organization"),
            models.Index(fields=["kind", "-id"], name="event_kind"),
            models.Index(fields=["actor_name", "-id"], name="event_actor"),
            models.Index(fields=["at"], name="event_at"),
            # Empty but for the transactions that are just ending.
            models.Index(fields=["id"], name="event_unsealed", condition=models.Q(position=None)),
        ]
        triggers = [
            pgtrigger.Protect(name="keep", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="keep_all",
                operation=pgtrigger.Truncate,
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                func="RAISE EXCEPTION 'pgtrigger: Cannot truncate % table', TG_TABLE_NAME;",
            ),
            pgtrigger.Trigger(
                name="refuse_seal",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                func="""
                    IF NEW.position IS NOT NULL OR NEW.chain_sha256 IS NOT NULL THEN
                        RAISE EXCEPTION 'pgtrigger: An event comes without a place in the chain';
                    END IF;
                    RETURN NEW;
                """,
            ),
            # The single change an event sees is the sealing at its own commit.
            pgtrigger.Trigger(
                name="refuse_change",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                func="""
                    IF OLD.position IS NULL
                       AND (to_jsonb(OLD) - 'position' - 'chain_sha256') = (to_jsonb(NEW) - 'position' - 'chain_sha256')
                       AND pg_trigger_depth() > 1 THEN
                        RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                """,
            ),
            # Foreign keys are checked at commit, too, and wait there for rows that others hold locked; none of those
            # may come to wait for us. So sealing is queued behind all checks: what a deferred trigger queues runs
            # after those that were queued before. The first event of a transaction does it for all.
            pgtrigger.Trigger(
                name="queue_seal",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                func="""
                    UPDATE audit_event SET position = NULL
                        WHERE id = NEW.id AND id = (SELECT min(id) FROM audit_event WHERE position IS NULL);
                    RETURN NULL;
                """,
            ),
            pgtrigger.Trigger(
                name="seal",
                operation=pgtrigger.Update,
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                condition=pgtrigger.Condition("NEW.position IS NULL"),
                declare=[("head", "RECORD"), ("event", "RECORD")],
                func="""
                    -- Held until this commit is visible: the next sealer reads our rows as the head.
                    PERFORM pg_advisory_xact_lock(7305180);
                    -- Others' events are either sealed or not visible to us yet: these are our own.
                    FOR event IN SELECT id, body FROM audit_event WHERE position IS NULL ORDER BY id LOOP
                        SELECT position, chain_sha256 INTO head FROM audit_event
                            WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1;
                        UPDATE audit_event SET
                            position = COALESCE(head.position, 0) + 1,
                            chain_sha256 = encode(sha256(convert_to(
                                COALESCE(head.chain_sha256, repeat('0', 64)) || event.body, 'UTF8')), 'hex')
                            WHERE id = event.id;
                    END LOOP;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_label}"
