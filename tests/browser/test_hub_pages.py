"""What the Hub endpoint shows in a browser: pull requests, merged by those who may, and programs that log in."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.roles import Role
from hub.models import Download
from hub.services import device_logins, pull_requests
from registry.models import Commit
from registry.services import content
from registry.services.commits import Changes, Placed
from tests.factories import make_commit, make_member, make_organization, make_variant

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lab(db: None) -> SimpleNamespace:
    """A governed model with two pull requests by automation, one of which main has overtaken."""
    organization = make_organization()
    owner, author = make_member(organization, Role.OWNER), make_member(organization, Role.AUTOMATION)
    variant = make_variant(organization, by=owner)

    def propose(title: str, message: str, files: dict[str, bytes]) -> None:
        kept = {path: content.receive([body], organization=organization).sha256 for path, body in files.items()}
        changes = Changes(add={path: Placed(sha256) for path, sha256 in kept.items()})
        pull_requests.propose(variant=variant, changes=changes, title=title, message=message, author=author)

    make_commit(variant, {"config.json": b"{}", "notes.txt": b"one"})
    weights = {"config.json": b'{"epochs": 2}', "model.safetensors": b"\0" * 40_000}
    propose("Train two more epochs", "Loss fell from **2.31** to 2.18.", weights)
    propose("Other notes", "", {"notes.txt": b"two"})
    make_commit(variant, {"config.json": b"{}", "notes.txt": b"three"})
    return SimpleNamespace(variant=variant, owner=owner, author=author)


def test_a_pull_request_is_looked_at_and_merged(page, live_server, sign_in, look_over, lab) -> None:
    address = f"{live_server.url}/{lab.variant.repo_id}/discussions"
    sign_in(page, lab.owner)
    page.goto(f"{address}/")
    faults = look_over(page, "pulls")
    page.get_by_role("link", name="Train two more epochs").click()
    page.get_by_role("textbox", name="Comment").fill("Looks **fine** <b>now</b>")
    page.get_by_role("button", name="Comment").click()
    expect(page.get_by_text("Looks fine")).to_be_visible()
    faults += look_over(page, "pull")
    page.get_by_role("button", name="Merge into main").click()
    expect(page.get_by_text("Pull request 1 is merged into main.")).to_be_visible()
    assert Commit.objects.filter(variant=lab.variant, title="Train two more epochs (#1)").exists()
    page.goto(f"{address}/2")
    expect(page.get_by_role("button", name="Merge into main")).to_be_disabled()
    expect(page.get_by_text("main changed as well, and otherwise: notes.txt").first).to_be_visible()
    assert faults == []


def test_downloads_are_drawn_week_by_week(page, live_server, sign_in, look_over, lab) -> None:
    commit = lab.variant.commits.order_by("pk").first()
    for week in range(11):
        for user in (lab.owner, lab.author)[: 1 + week % 2]:
            at = timezone.now() - timedelta(weeks=week)
            Download.objects.create(
                variant=lab.variant, commit=commit, path="config.json", user=user, size_bytes=2**30, at=at
            )
    sign_in(page, lab.owner)
    page.goto(f"{live_server.url}/{lab.variant.repo_id}/downloads/")
    expect(page.locator(".plot-bars rect")).to_have_count(12)
    assert look_over(page, "downloads") == []


def test_its_author_sees_why_only_others_merge(page, live_server, sign_in, lab) -> None:
    sign_in(page, lab.author)
    page.goto(f"{live_server.url}/{lab.variant.repo_id}/discussions/1/")
    expect(page.get_by_role("button", name="Merge into main")).to_be_disabled()
    expect(page.get_by_text("merged by a person who is owner or release manager").first).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_text("Pull request 1 is closed.")).to_be_visible()


def test_a_program_that_logs_in_is_confirmed(page, live_server, sign_in, look_over, lab) -> None:
    begun = device_logins.begin(address="192.0.2.7", agent="hf_hub/2.4.0; python/3.11")
    sign_in(page, lab.owner)
    page.goto(f"{live_server.url}/account/device/")
    page.get_by_role("textbox", name="Code").fill(begun.user_code)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("192.0.2.7")).to_be_visible()
    assert look_over(page, "device-login") == []
    page.get_by_role("button", name="It is mine").click()
    expect(page.get_by_text("The program is logged in; go back to it.")).to_be_visible()
    assert device_logins.redeem(device_code=begun.device_code).scopes == ("read",)
