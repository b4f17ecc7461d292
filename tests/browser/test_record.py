"""Sign-in, account, audit, jobs and the API in a real browser: readable by everyone, in both colors, at any width."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import expect

import jobs.services as services
from accounts.roles import Role
from audit.services import record
from jobs import device_register
from jobs.models import Job
from tests.factories import make_commit, make_member, make_organization, make_token, make_variant

pytestmark = pytest.mark.django_db(transaction=True)
KINDS = ["page", "dark_page", "small_page", "small_dark_page"]


@pytest.fixture(autouse=True)
def fresh_counters():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ada():
    """An auditor of a lab where something has happened."""
    acme = make_organization("acme", title="Acme Research")
    user = make_member(acme, Role.AUDITOR, "ada")
    variant = make_variant(acme, "nimbus-nano-instruct")
    make_commit(variant)
    with transaction.atomic():
        record("release:review:approved", subject=variant, actor=user, at=datetime(2026, 3, 4, 9, tzinfo=UTC),
               organization="acme", role="safety_reviewer")  # fmt: skip
    make_token(user, "read", name="notebook", expires_days=3)
    make_token(user, "read", "write", name="training cluster")
    return user


@pytest.fixture
def work(ada):
    """A job of every kind of standing, and two workers."""
    job = Job.objects.get(kind="registry.validate")
    running = services.claim(str(job.pk), worker="worker-validate@lab-1")
    services.beat(running, done=3 * 2**30, total=7 * 2**30, stage="model-00003-of-00007.safetensors", rate=2.0**27)
    smoke = services.claim(str(Job.objects.get(kind="registry.smoke").pk), worker="worker-smoke@lab-2")
    services.put_back(smoke, code="smoke.no_device", message="No attached device has room for it.", after_seconds=900)
    device = {"id": "cuda:0", "kind": "cuda", "name": "Accelerator", "total_bytes": 2**36, "free_bytes": 2**35}
    now = timezone.now()
    services.see_worker("worker-validate@lab-1", queues=["validate"], started_at=now - timedelta(hours=5))
    services.see_worker("worker-smoke@lab-2", queues=["smoke.cuda"], started_at=now)
    device_register.register("worker-smoke@lab-2", [device | {"queue": "smoke.cuda"}])
    return running


@pytest.mark.parametrize("kind", KINDS)
def test_sign_in_is_accessible_and_fits(kind, request, live_server, axe, fits, screenshot):
    page = request.getfixturevalue(kind)
    page.goto(f"{live_server.url}/sign-in/")
    expect(page.get_by_label("User name")).to_be_focused()
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("no open account with this user name and password")
    screenshot(page, f"sign-in-{kind.replace('_', '-')}")
    axe(page)
    fits(page)


@pytest.mark.parametrize("name", ["account", "audit", "jobs", "api/v1"])
def test_pages_are_accessible_and_fit(name, page, live_server, work, ada, sign_in, look_over):
    sign_in(page, ada)
    page.goto(f"{live_server.url}/{name}/")
    if name == "api/v1":
        page.locator("details.endpoint summary").first.click()
    assert look_over(page, name.replace("/", "-")) == []


@pytest.mark.parametrize("kind", ["page", "small_dark_page"])
def test_details_are_accessible_and_fit(kind, request, live_server, work, ada, sign_in, axe, fits, screenshot):
    page = request.getfixturevalue(kind)
    sign_in(page, ada)
    for name, path in (("job", f"jobs/{work.pk}"), ("event", "audit/2")):
        page.goto(f"{live_server.url}/{path}/")
        screenshot(page, f"{name}-{kind.replace('_', '-')}")
        axe(page)
        fits(page)


def test_signing_in_leads_to_where_one_wanted_to_go_and_out_again(page, live_server, ada):
    page.goto(f"{live_server.url}/account/")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("password")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{live_server.url}/account/")
    page.locator("details.menu summary").first.click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()


@pytest.mark.parametrize("has_script", [True, False])
def test_a_token_is_made_shown_once_and_revoked(open_page, has_script, live_server, ada, sign_in, axe, screenshot):
    page = open_page(java_script_enabled=has_script)
    sign_in(page, ada)
    page.goto(f"{live_server.url}/account/")
    page.get_by_label("Name").fill("evaluation")
    page.get_by_label("Write").check()
    page.get_by_role("button", name="Make token").click()
    expect(page.get_by_text("“evaluation” is ready")).to_be_visible()
    expect(page.locator(".new-token .digest code")).to_have_text(re.compile(r"imp_[0-9a-f]{40}"))
    if has_script:
        screenshot(page, "account-new-token")
        axe(page)
    page.goto(f"{live_server.url}/account/")
    expect(page.locator(".new-token")).to_have_count(0)
    page.get_by_role("button", name="Revoke evaluation").click()
    expect(page.get_by_text("is revoked; it opens nothing from now on.")).to_be_visible()
    expect(page.get_by_role("button", name="Revoke evaluation")).to_have_count(0)


def test_the_page_of_a_job_follows_it_to_its_end(page, live_server, work, ada, sign_in):
    sign_in(page, ada)
    page.goto(f"{live_server.url}/jobs/{work.pk}/")
    expect(page.locator(".progress-head .figure")).to_have_text("42 %")
    services.beat(work, done=5 * 2**30, total=7 * 2**30, stage="x", rate=1.0)
    expect(page.locator(".progress-head .figure")).to_have_text("71 %")
    services.fail(work, code="test.no", message="The file ends too early.")
    expect(page.get_by_text("The file ends too early.")).to_be_visible()
    expect(page.locator("[hx-trigger]")).to_have_count(0)


def test_the_record_is_narrowed_and_taken_away(page, live_server, ada, sign_in):
    sign_in(page, ada)
    page.goto(f"{live_server.url}/audit/")
    page.get_by_label("Part").select_option(label="Release")
    page.get_by_label("Who").fill("ada")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#events tbody tr")).to_have_count(1)
    expect(page.locator("#events")).to_contain_text("Signed as safety reviewer.")
    with page.expect_download() as waited:
        page.get_by_role("link", name="JSON lines").click()
    assert len(waited.value.path().read_text().splitlines()) == 1
