"""What ends by the clock, while the clocks of client and server differ and an upload is under way."""

from __future__ import annotations

import time
from datetime import timedelta
from types import SimpleNamespace

import httpx2 as httpx
import pytest
from django.utils import timezone

from hub.models import DeviceLogin, PartedUpload
from hub.services import device_logins, parts, tickets
from hub.services.xet import leave
from registry.models import Variant
from rules import Refused
from tests.integration.hub.test_parts import Upload

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = 3600


def signed(hours_ago: float, monkeypatch: pytest.MonkeyPatch, make):
    """What `make` signs, as it would have been signed some hours ago, or ahead of now where that is negative."""
    then = time.time() - hours_ago * HOUR
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: then)
        return make()


@pytest.fixture
def upload(governed: SimpleNamespace) -> Upload:
    return Upload(governed)


def test_an_upload_in_parts_may_take_longer_than_an_address_holds_at_rest(upload, monkeypatch) -> None:
    """Addresses of 30 hours ago: while parts come they hold; after half a day without one they do not."""
    row, variant, token = PartedUpload.objects.get(), Variant.objects.get(name="parts"), upload.lab.writer.token
    base = upload.join.rpartition("/")[0]

    def part(number: int) -> str:
        return f"{base}/{tickets.issue_part(upload=row, number=number, variant=variant, token=token)}"

    old = {number: signed(30, monkeypatch, lambda number=number: part(number)) for number in range(4)}
    ancient = signed(8 * 24, monkeypatch, lambda: part(2))
    first = httpx.put(old[1], content=upload.piece(1))
    assert first.status_code == 200 and httpx.put(ancient, content=upload.piece(2)).status_code == 403

    PartedUpload.objects.update(used_at=timezone.now() - timedelta(hours=13))
    late = httpx.put(old[2], content=upload.piece(2))
    assert late.status_code == 403 and "ask for a new one" in late.json()["error"]
    assert not upload.is_kept

    upload.ask()  # as the client does when it is run again: what arrived counts, and the old addresses hold again
    etags = {1: upload.send(1).headers["etag"], 2: httpx.put(old[2], content=upload.piece(2)).headers["etag"]}
    assert etags[1] == first.headers["etag"]
    etags[3] = upload.send(3).headers["etag"]
    named = [{"partNumber": number, "etag": etag} for number, etag in etags.items()]
    assert httpx.post(old[0], json={"oid": upload.sha256, "parts": named}).status_code == 200
    assert upload.verify() == 200 and upload.is_kept
    assert timedelta(seconds=tickets.LONGEST_SECONDS) == parts.KEPT_FOR


def test_addresses_of_whole_files_end_and_a_clock_set_back_ends_none(upload, monkeypatch) -> None:
    variant, token = Variant.objects.get(name="parts"), upload.lab.writer.token

    def address() -> str:
        return tickets.issue(sha256="ab" * 32, size_bytes=3, variant=variant, token=token)

    for hours_ago in (-2, -1, 0, 11.9):
        assert tickets.redeem(signed(hours_ago, monkeypatch, address)).size_bytes == 3
    with pytest.raises(Refused, match="ask for a new one"):
        tickets.redeem(signed(12.1, monkeypatch, address))
    # Whether it arrived is asked after the last part, and may be asked as late as that may come.
    assert tickets.redeem(signed(12.1, monkeypatch, address), tickets.LONGEST_SECONDS)


def test_a_client_whose_clock_is_behind_goes_on_with_a_token_that_it_takes_for_good(upload, monkeypatch) -> None:
    variant, token = Variant.objects.get(name="parts"), upload.lab.writer.token

    def made() -> leave.Leave:
        return leave.issue(variant=variant, token=token)

    assert 0 < made().ends_at - time.time() <= leave.TTL_SECONDS
    organization = str(variant.organization_id)
    for hours_ago in (-1, 0, 1.25, 2.2):  # an hour behind, the client believes in it for an hour and a quarter
        assert leave.redeem(signed(hours_ago, monkeypatch, made).text, organization)
    with pytest.raises(Refused, match="no longer"):
        leave.redeem(signed(2.3, monkeypatch, made).text, organization)


def test_a_login_that_waits_survives_a_clock_that_is_set_and_ends_in_its_time() -> None:
    begun = device_logins.begin(address="192.0.2.1", agent="test")
    row = DeviceLogin.objects.filter(token=None)

    def asked() -> str:
        return device_logins.redeem(device_code=begun.device_code).error

    assert [asked(), asked()] == ["authorization_pending", "slow_down"]
    row.update(polled_at=timezone.now() + timedelta(hours=1))  # the server's clock was an hour ahead, and was set
    assert asked() == "authorization_pending"
    row.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert asked() == "expired_token"
