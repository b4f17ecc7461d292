"""Who sees which jobs, on pages and over the API."""

from datetime import timedelta

import pytest
from django.utils import timezone

import jobs.services as services
from accounts.roles import Role
from jobs import device_register
from jobs.models import Device, Job, Worker
from tests.factories import make_commit, make_member, make_organization, make_token, make_user, make_variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme():
    return make_organization("acme")


@pytest.fixture
def member(acme):
    return make_member(acme, Role.AUTOMATION, "pipeline")


@pytest.fixture
def validation(acme):
    """The validation job of a checkpoint that acme committed."""
    make_commit(make_variant(acme, "nimbus"))
    return Job.objects.get(kind="registry.validate")


def test_members_see_the_work_of_their_organization(client, member, validation):
    client.force_login(member)
    page = client.get("/jobs/").content.decode()
    assert "registry.validate" in page
    assert "acme/nimbus" in page
    told = client.get(f"/api/v1/jobs/{validation.pk}/").json()
    assert (told["state"], told["subject"], told["percent"]) == ("queued", validation.subject, None)


def test_members_of_others_see_none_of_it(client, validation):
    client.force_login(make_member(make_organization("other"), Role.OWNER))
    assert "registry.validate" not in client.get("/jobs/").content.decode()
    assert client.get(f"/jobs/{validation.pk}/").status_code == 404
    refused = client.get(f"/api/v1/jobs/{validation.pk}/")
    assert (refused.status_code, refused.json()["code"]) == (404, "jobs.unknown_job")
    assert client.get("/api/v1/jobs/").json()["results"] == []


def test_who_is_no_member_is_told_so(client, validation):
    client.force_login(make_user())
    assert client.get("/jobs/").status_code == 403
    refused = client.get("/api/v1/workers/")
    assert (refused.status_code, refused.json()["code"]) == (403, "jobs.not_concerned")


def test_nobody_sees_anything(client, validation):
    assert client.get("/jobs/").status_code == 302
    assert client.get("/api/v1/jobs/").status_code == 401


def test_jobs_on_what_nobody_registered_are_seen_by_nobody(client, member):
    job = services.enqueue("test.quick", subject=member)
    client.force_login(member)
    assert client.get(f"/jobs/{job.pk}/").status_code == 404


def test_an_open_job_is_asked_for_again_and_a_closed_one_is_not(client, member, validation):
    client.force_login(member)
    page = client.get(f"/jobs/{validation.pk}/")
    assert b'hx-trigger="every 2s"' in page.content
    job = services.claim(str(validation.pk), worker="one@test")
    services.beat(job, done=2**30, total=2**32, stage="model.safetensors", rate=2.0**26)
    part = client.get(f"/jobs/{job.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "25 %" in part
    assert "48 s left" in part
    assert "model.safetensors" in part
    services.fail(job, code="test.no", message="It cannot be.")
    last = client.get(f"/jobs/{job.pk}/", headers={"HX-Request": "true"})
    assert last.status_code == 286
    assert b"every 2s" not in last.content
    assert b"It cannot be." in last.content
    assert client.get(f"/jobs/{job.pk}/").status_code == 200


@pytest.mark.parametrize(("state", "shown"), [("queued", True), ("failed", False), ("", True), ("nonsense", True)])
def test_the_list_narrows_to_a_state(client, member, validation, state, shown):
    client.force_login(member)
    assert ("registry.validate" in client.get(f"/jobs/?state={state}").content.decode()) == shown


def test_a_job_that_failed_once_says_why_it_waits(client, member, validation):
    job = services.claim(str(validation.pk), worker="one@test")
    services.put_back(job, code="test.later", message="The other side is away.", after_seconds=60)
    client.force_login(member)
    page = client.get("/jobs/").content.decode()
    assert "Will be tried again" in page
    assert "The other side is away." in page


def test_workers_are_listed_with_what_they_have(client, member):
    now = timezone.now()
    device = {"id": "cpu", "kind": "cpu", "name": "A Processor", "total_bytes": 2**34, "free_bytes": 2**33}
    for name, queues in (("smoke@lab-1", ["smoke.cpu"]), ("old@lab-2", ["default"])):
        services.see_worker(name, queues=queues, started_at=now)
    gone = device | {"id": "cuda:0", "kind": "cuda", "name": "Taken out"}
    device_register.register("smoke@lab-1", [one | {"dtypes": [], "queue": "smoke.cpu"} for one in (device, gone)])
    Device.objects.filter(name="cuda:0").update(seen_at=now - timedelta(hours=1))
    Worker.objects.filter(name="old@lab-2").update(seen_at=now - timedelta(hours=1))
    told = client.get("/api/v1/workers/", headers={"Authorization": f"Bearer {make_token(member, 'read')}"}).json()
    assert [(worker["name"], worker["is_alive"]) for worker in told] == [("smoke@lab-1", True), ("old@lab-2", False)]
    assert told[0]["devices"] == [device]
    client.force_login(member)
    page = client.get("/jobs/").content.decode()
    assert "A Processor" in page
    assert "8.00 GiB free of 16.0 GiB" in page
    assert "Silent" in page


def test_the_list_makes_a_constant_number_of_queries(client, member, acme, django_assert_max_num_queries):
    variant = make_variant(acme, "nimbus")
    for _ in range(12):
        make_commit(variant)
    client.force_login(member)
    with django_assert_max_num_queries(12):
        client.get("/jobs/")
