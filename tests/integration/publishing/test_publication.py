"""Publication to a second real instance, through the real client: nothing is visible before it was read back."""

from __future__ import annotations

from datetime import date

import pytest
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

from gating.services.gates import set_gate
from licensing.models import LicenseVersion
from registry.models import Disclosure, Serving
from registry.services.commits import Changes, Placed, commit
from registry.states import Level
from release.models import Publication, Release
from release.services import publications, reviews
from release.states import PublicationState, ReleaseState
from rules import Refused
from tests.faults import Fault
from tests.integration.publishing.lab import CARD, work

pytestmark = pytest.mark.django_db(transaction=True)


def state(release: Release) -> str:
    return Release.objects.get(pk=release.pk).state


def on_hub(release: Release) -> Publication:
    return Publication.objects.get(release=release, target__name="hub")


def gated(lab) -> dict[str, object]:
    item = lab.item(Level.GATED, reason_code="safety", owner=lab.manager)
    set_gate(
        variant=item["variant"],
        fields=[{"name": "who", "label": "Who are you?", "type": "text", "required": True}],
        license_version=LicenseVersion.objects.filter(license__key="apache-2.0").latest("id"),
        duration_days=30,
        by=lab.manager,
    )
    return item


def test_a_public_release_is_the_same_bytes_on_the_target(lab, hub, proxy, tmp_path):
    item = lab.item()
    release = lab.publish(lab.draft(item, targets=("here", "hub")))
    assert set(work()) == {"succeeded"}
    assert state(release) == ReleaseState.LIVE
    folder = snapshot_download(
        on_hub(release).repo_id, endpoint=hub.url, token=False, cache_dir=tmp_path, local_dir=tmp_path / "got"
    )
    got = {path: (tmp_path / "got" / path).read_bytes() for path in ("model.safetensors", "config.json", "LICENSE")}
    assert got["model.safetensors"] == item["variant"].name.encode() * 9000
    assert "Apache License" in got["LICENSE"].decode()
    assert folder
    assert Serving.objects.get(variant=item["variant"], until=None).level == Level.PUBLIC
    assert Disclosure.objects.get(variant=item["variant"], component="weights", superseded_at=None).level == "public"


def test_the_repository_is_private_until_everything_was_read_back(lab, hub, proxy):
    item = lab.item()
    release = lab.publish(lab.draft(item))
    wrong = Fault(
        lambda method, path: "/tree/" in path and "recursive=true" in path.lower(),
        times=99,
        change=lambda body: body.replace(b'"size":2,', b'"size":3,').replace(b'"size": 2,', b'"size": 3,'),
    )
    proxy.faults.append(wrong)
    work()
    publication = on_hub(release)
    assert wrong.met
    assert publication.state == PublicationState.FAILED
    assert "config.json has 3 bytes, not 2" in publication.message
    with pytest.raises(RepositoryNotFoundError):
        HfApi(endpoint=hub.url, token=hub.tokens["visitor"]).model_info(publication.repo_id)
    assert state(release) == ReleaseState.PUBLISHING

    proxy.faults.clear()
    publications.retry(publication_id=publication.pk, **lab.as_(lab.manager))
    work()
    assert state(release) == ReleaseState.LIVE


def test_a_gated_release_is_gated_on_the_target(lab, hub):
    release = lab.publish(lab.draft(gated(lab)))
    work()
    assert state(release) == ReleaseState.LIVE
    visitor = HfApi(endpoint=hub.url, token=hub.tokens["visitor"])
    info = visitor.model_info(on_hub(release).repo_id)
    assert info.gated == "manual"
    assert info.card_data["extra_gated_fields"] == {"Who are you?": "text"}
    with pytest.raises(GatedRepoError):
        hf_hub_download(on_hub(release).repo_id, "model.safetensors", endpoint=hub.url, token=hub.tokens["visitor"])


@pytest.mark.parametrize("status", [500, 503, 429, 0])
def test_a_target_that_fails_for_a_while_is_tried_again_and_says_so(lab, proxy, status):
    release = lab.publish(lab.draft(lab.item()))
    proxy.faults.append(Fault(lambda method, path: path == "/api/repos/create", status=status, times=1))
    assert work() == ["put back"]
    waiting = on_hub(release)
    assert waiting.state == PublicationState.STAGED
    assert "trying again" in waiting.message
    assert waiting.next_try_at is not None
    assert work() == ["succeeded"]
    assert state(release) == ReleaseState.LIVE
    assert on_hub(release).message == ""


def test_a_commit_that_fails_is_repeated_without_sending_the_files_again(lab, proxy):
    release = lab.publish(lab.draft(lab.item()))
    proxy.faults.append(Fault(lambda method, path: "/commit/" in path, status=503, times=1))
    assert work() == ["put back"]
    puts = [path for method, path in proxy.seen if method == "PUT" and "settings" not in path]
    assert puts
    proxy.seen.clear()
    assert work() == ["succeeded"]
    assert not [path for method, path in proxy.seen if method == "PUT" and "settings" not in path]
    assert state(release) == ReleaseState.LIVE


def test_a_target_that_refuses_is_given_up_on_with_its_words(lab, settings):
    settings.TARGET_TOKENS = {"hub": "imp_wrong"}
    release = lab.publish(lab.draft(lab.item()))
    assert work() == ["failed"]
    assert on_hub(release).state == PublicationState.FAILED
    assert "refuses to create the repository" in on_hub(release).message


def test_a_target_without_token_is_given_up_on_by_the_variable_s_name(lab, settings):
    settings.TARGET_TOKENS = {}
    release = lab.publish(lab.draft(lab.item()))
    work()
    assert "TARGET_TOKEN_HUB is not set" in on_hub(release).message


def test_what_is_held_back_goes_nowhere_and_is_on_record(lab, proxy):
    item = lab.item(
        Level.HELD_BACK, reason_code="strategic", owner=lab.manager, review_on=date(2027, 3, 1), license_version=None
    )
    release = lab.publish(lab.draft(item))
    assert work() == []
    assert state(release) == ReleaseState.LIVE
    line = Disclosure.objects.get(variant=item["variant"], component="weights", superseded_at=None)
    assert (line.level, line.reason_code, line.owner, str(line.review_on)) == (
        "held_back",
        "strategic",
        lab.manager,
        "2027-03-01",
    )
    assert proxy.seen == []


def test_withdrawal_hides_it_here_at_once_and_on_the_target(lab, hub):
    item = lab.item()
    release = lab.publish(lab.draft(item, targets=("here", "hub")))
    work()
    publications.withdraw(release_id=release.pk, reason="A mistake.", **lab.as_(lab.manager))
    assert not Serving.objects.filter(variant=item["variant"], until=None).exists()
    assert set(work()) == {"succeeded"}
    assert on_hub(release).state == PublicationState.WITHDRAWN
    with pytest.raises(RepositoryNotFoundError):
        HfApi(endpoint=hub.url, token=hub.tokens["visitor"]).model_info(on_hub(release).repo_id)


def test_a_second_release_replaces_the_first_on_the_target(lab, hub, tmp_path):
    item = lab.item()
    work_through = lambda release: (lab.publish(release), work())  # noqa: E731
    work_through(lab.draft(item))
    second = lab.commit(item["variant"], {"README.md": CARD, "model.safetensors": b"new" * 5000})
    release = lab.draft(item | {"checkpoint": second.checkpoint})
    work_through(release)
    assert state(release) == ReleaseState.LIVE
    snapshot_download(on_hub(release).repo_id, endpoint=hub.url, token=False, local_dir=tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == b"new" * 5000
    assert not (tmp_path / "config.json").exists()


def test_content_of_a_held_back_variant_does_not_leave_through_another(lab):
    held = lab.item(Level.HELD_BACK, reason_code="safety", review_on=date(2027, 1, 1), license_version=None)
    lab.publish(lab.draft(held))

    carrier = lab.item()
    file = held["checkpoint"].files.get(path="model.safetensors")
    # Renamed, and in another variant: still the same content.
    made = commit(
        variant=carrier["variant"],
        changes=Changes(add={"other.safetensors": Placed(file.blob_id, is_large=True)}),
        title="-",
        author=lab.manager,
    )
    with pytest.raises(Refused) as refused:
        reviews.submit(release_id=lab.draft(carrier | {"checkpoint": made.checkpoint}).pk, **lab.as_(lab.manager))
    assert "release.requirement.no_leak" in refused.value.verdict.codes
