"""The record of what was done: append-only, chained by hash, written in the transaction of the fact.

What an event says in words is not stored; presenters make the sentence from its kind and facts.
"""

from __future__ import annotations

import pgtrigger
from django.db import models


class Event(models.Model):
    """One act of one actor on one subject. Never changed, never deleted: the database refuses both.

    `body` is the exact text that is hashed. `position` and `chain_sha256` are set by the database at commit, when
    the order of events is known, so that acts do not wait for one another before then. Position 1 follows 64 zeros.
    """

    kind = models.CharField(max_length=80)
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150)
    subject = models.CharField(max_length=120, help_text="`app.model:key`")
    subject_label = models.CharField(max_length=300)
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
            models.Index(fields=["organization", "-id"], name="event_organization"),
            models.Index(fields=["kind", "-id"], name="event_kind"),
            models.Index(fields=["actor_id", "-id"], name="event_actor"),
        ]
        triggers = [
            pgtrigger.Protect(name="keep", operation=pgtrigger.Delete),
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
            pgtrigger.Trigger(
                name="seal",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                declare=[("head", "RECORD")],
                func="""
                    -- Held until this commit is visible: the next sealer reads our row as the head.
                    PERFORM pg_advisory_xact_lock(7305180);
                    SELECT position, chain_sha256 INTO head FROM audit_event
                        WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1;
                    UPDATE audit_event SET
                        position = COALESCE(head.position, 0) + 1,
                        chain_sha256 = encode(sha256(convert_to(
                            COALESCE(head.chain_sha256, repeat('0', 64)) || NEW.body, 'UTF8')), 'hex')
                        WHERE id = NEW.id;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_label}"
