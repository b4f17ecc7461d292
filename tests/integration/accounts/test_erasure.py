"""A person who is erased: what names them goes everywhere, what they agreed to stays under a pseudonym."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services import erase_person
from audit.models import Event
from gating.models import AccessRequest
from licensing.models import Acceptance
from rules import Refused
from tests.factories import make_token
from tests.integration.gating.world import make_gate

pytestmark = pytest.mark.django_db


def test_what_was_agreed_outlives_the_person() -> None:
    gate = make_gate()
    gate.researcher.affiliation, gate.researcher.email = "Example University", "rae@example.org"
    gate.researcher.save(update_fields=["affiliation", "email"])
    token, request = make_token(gate.researcher), gate.ask(from_address="192.0.2.1", agent="Browser/1")
    before = Acceptance.objects.get()
    assert before.affiliation == "Example University" and before.from_address == "192.0.2.1"

    pseudonym = erase_person(user_id=gate.researcher.pk, by=None)

    after = Acceptance.objects.get()
    assert (after.user_name, after.affiliation, after.from_address, after.agent_sha256) == (pseudonym, "", None, "")
    kept = ("pk", "user_id", "license_version_id", "text_sha256", "variant_id", "form_version", "accepted_at")
    assert all(getattr(before, name) == getattr(after, name) for name in kept)
    user = User.objects.get(pk=gate.researcher.pk)
    assert (user.username, user.full_name, user.email, user.affiliation, user.is_active) == (
        pseudonym,
        "",
        "",
        "",
        False,
    )
    assert AccessRequest.objects.get(pk=request.pk).answers == {}
    assert Client().get("/api/v1/grants/", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert Event.objects.get(kind="accounts:user:erased").facts == {"rows": {"acceptances": 1, "answers": 1}}
    with pytest.raises(Refused) as caught:
        erase_person(user_id=user.pk, by=None)
    assert caught.value.verdict.codes == {"accounts.already_erased"}


def test_who_still_holds_a_role_is_not_erased() -> None:
    gate = make_gate()
    with pytest.raises(Refused) as caught:
        erase_person(user_id=gate.reviewer.pk, by=None)
    assert caught.value.verdict.codes == {"accounts.holds_duties"}
    with pytest.raises(CommandError, match="a role in an organization"):
        call_command("erase_person", "access", "--yes")


def test_the_command_wants_to_be_sure(capsys: pytest.CaptureFixture) -> None:
    make_gate()
    with pytest.raises(CommandError, match="cannot be undone"):
        call_command("erase_person", "rae")
    with pytest.raises(CommandError, match="no open account"):
        call_command("erase_person", "nobody", "--yes")
    call_command("erase_person", "rae", "--yes")
    assert "rae is erased; what they agreed to stays as erased-" in capsys.readouterr().out


ERASED = {"user_name": "erased-1", "affiliation": "", "from_address": None, "agent_sha256": ""}


@pytest.mark.parametrize(
    "change",
    [
        {"user_name": "Somebody Else"},
        {"text_sha256": "0" * 64},
        {**ERASED, "erased_at": None},
        {**ERASED, "erased_at": "now", "user_name": "Somebody Else"},
        {**ERASED, "erased_at": "now", "text_sha256": "0" * 64},
        {**ERASED, "erased_at": "now", "affiliation": "Elsewhere"},
        {**ERASED, "erased_at": "now", "accepted_at": "now"},
    ],
)
def test_the_database_allows_no_other_change(change: dict) -> None:
    gate = make_gate()
    gate.ask()
    values = {name: timezone.now() if value == "now" else value for name, value in change.items()}
    with pytest.raises(DatabaseError), transaction.atomic():
        Acceptance.objects.update(**values)
    with pytest.raises(DatabaseError), transaction.atomic():
        Acceptance.objects.all()._raw_delete("default")
