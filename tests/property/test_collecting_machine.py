"""Whatever is sent, committed, promised, damaged and collected in any order: no row names content that is gone."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from registry.blobs import blob_store
from registry.models import Blob, BlobHolding, CheckpointFile
from registry.services import collecting, content
from registry.services.commits import Changes, Placed, commit
from rules import Refused
from tests.factories import make_variant

pytestmark = pytest.mark.django_db
CONTENTS = st.sampled_from([b"machine %d" % number for number in range(5)])


class CollectingMachine(RuleBasedStateMachine):
    """One organization, few contents, and a clock that only goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.before = transaction.savepoint()
        for one in list(blob_store().listing()):
            blob_store().delete(one.sha256)
        self.variant = make_variant()
        self.now = timezone.now()
        self.sent: dict[str, bytes] = {}
        self.committed: set[str] = set()
        self.fresh: set[str] = set()

    @rule(data=CONTENTS)
    def send(self, data: bytes) -> None:
        kept = content.receive([data], organization=self.variant.organization)
        Blob.objects.filter(pk=kept.sha256).update(used_at=self.now)
        self.sent[kept.sha256] = data
        self.fresh.add(kept.sha256)

    @rule(data=CONTENTS)
    def commit(self, data: bytes) -> None:
        sha256 = hashlib.sha256(data).hexdigest()
        held = BlobHolding.objects.filter(blob_id=sha256).exists()
        try:
            commit(
                variant=self.variant, changes=Changes(add={f"{sha256}.txt": Placed(sha256)}), title="Add", author=None
            )
            assert held
            self.committed.add(sha256)
        except Refused as refused:
            assert not held and refused.verdict.codes == {"registry.content_unknown"}

    @rule(data=CONTENTS)
    def promise(self, data: bytes) -> None:
        sha256 = hashlib.sha256(data).hexdigest()
        if content.promised(self.variant.organization, [sha256]):
            Blob.objects.filter(pk=sha256).update(used_at=self.now)
            self.fresh.add(sha256)

    @rule()
    def time_goes_on(self) -> None:
        self.now += timedelta(days=31)
        self.fresh = set()

    @rule()
    def collect(self) -> None:
        collecting.collect(now=self.now, among={sha256[:2] for sha256 in self.sent})
        left = set(Blob.objects.values_list("pk", flat=True))
        assert left >= (self.committed | self.fresh)
        assert left - self.committed - self.fresh == set()

    @invariant()
    def nothing_that_is_named_is_gone(self) -> None:
        named = set(BlobHolding.objects.values_list("blob_id", flat=True))
        named |= set(CheckpointFile.objects.values_list("blob_id", flat=True))
        for sha256 in named & set(self.sent):
            assert blob_store().exists(sha256)

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.before)


def test_no_row_ever_names_content_that_is_gone() -> None:
    run_state_machine_as_test(
        CollectingMachine,
        settings=settings(
            max_examples=12,
            stateful_step_count=14,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
