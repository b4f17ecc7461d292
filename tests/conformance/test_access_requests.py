"""Gates: asking, deciding, and what each of them lets through."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError

from tests.conformance.world import DIRECT, GOVERNED

GATED, AUTOMATIC = f"{GOVERNED}/gated", f"{GOVERNED}/automatic"
ANSWERS = {"What will you use it for?": "Research", "I am of age": "true"}


@pytest.fixture
def reviewer(world):
    """Who decides requests of the governed namespace."""
    return world.person(f"{GOVERNED}-reviewer")


def ask(person, repo: str, **more) -> int:
    """Send the form, with the digest of the license text as it was downloaded."""
    text = Path(person.api.hf_hub_download(repo, "LICENSE")).read_bytes()
    sent = ANSWERS | {"license_text_sha256": hashlib.sha256(text).hexdigest()} | more
    with person.http as http:
        return http.post(f"/{repo}/ask-access", json={name: value for name, value in sent.items() if value}).status_code


def requests(person, status: str, repo: str = GATED) -> dict[str, object]:
    by_status = {
        "pending": person.api.list_pending_access_requests,
        "accepted": person.api.list_accepted_access_requests,
        "rejected": person.api.list_rejected_access_requests,
    }
    return {request.username: request for request in by_status[status](repo)}


def test_outside_the_gate_the_card_and_the_license_can_be_read(newcomer, nobody) -> None:
    for who in (newcomer, nobody):
        for name in ("README.md", "LICENSE"):
            assert Path(who.api.hf_hub_download(GATED, name)).read_bytes()
        info = who.api.model_info(GATED)
        assert info.gated == "manual" and info.config is None
        assert "model.bin" in [file.rfilename for file in info.siblings]


def test_a_gate_is_automatic_or_manual(newcomer) -> None:
    assert newcomer.api.model_info(AUTOMATIC).gated == "auto"
    assert newcomer.api.model_info(f"{GOVERNED}/served").gated is False
    listed = {one.id: one.gated for one in newcomer.api.list_models(author=GOVERNED)}
    assert (listed[AUTOMATIC], listed[GATED], listed[f"{GOVERNED}/served"]) == ("auto", "manual", False)


@pytest.mark.parametrize("name", ["config.json", "model.bin", "no-such-file", "folder/notes.txt"])
def test_whoever_did_not_ask_is_refused_and_told_where_to_ask(newcomer, name) -> None:
    with pytest.raises(GatedRepoError, match=r"not in the authorized list. Visit http") as refused:
        newcomer.api.hf_hub_download(GATED, name)
    assert refused.value.response.status_code == 403


def test_nobody_is_told_to_sign_in(nobody) -> None:
    with pytest.raises(GatedRepoError, match="Please log in") as refused:
        nobody.api.hf_hub_download(GATED, "config.json")
    assert refused.value.response.status_code == 401


def test_auth_check_at_a_gate(newcomer) -> None:
    with pytest.raises(GatedRepoError):
        newcomer.api.auth_check(GATED)


def test_a_gated_repository_exists(newcomer) -> None:
    assert newcomer.api.repo_exists(GATED) and newcomer.api.revision_exists(GATED, "main")


def test_a_snapshot_at_a_gate(newcomer) -> None:
    with pytest.raises(GatedRepoError):
        newcomer.api.snapshot_download(GATED)


def test_asking_waits_for_a_decision(newcomer, reviewer) -> None:
    assert ask(newcomer, GATED) == 303
    with pytest.raises(GatedRepoError, match="awaiting a review"):
        newcomer.api.hf_hub_download(GATED, "config.json")
    request = requests(reviewer, "pending")[newcomer.name]
    assert (request.status, request.fields["What will you use it for?"]) == ("pending", "Research")
    assert request.timestamp.tzinfo and request.request_id


def test_asking_twice_changes_nothing(newcomer, reviewer) -> None:
    assert [ask(newcomer, GATED) for _ in range(2)] == [303, 303]
    assert newcomer.name in requests(reviewer, "pending")


def test_asking_without_the_text_or_an_answer_is_refused(newcomer, reviewer) -> None:
    assert ask(newcomer, GATED, license_text_sha256="") == 422
    assert ask(newcomer, GATED, license_text_sha256="0" * 64) in {409, 422}
    assert ask(newcomer, GATED, **{"What will you use it for?": ""}) == 422
    assert newcomer.name not in requests(reviewer, "pending")


def test_asking_as_a_form(newcomer, reviewer, world) -> None:
    with newcomer.http as http:
        sent = ANSWERS | {"license_text_sha256": world.text_sha256}
        assert http.post(f"/{GATED}/ask-access", data=sent).status_code == 303
    assert newcomer.name in requests(reviewer, "pending")


def test_asking_as_a_form_in_parts(newcomer, reviewer, world) -> None:
    with newcomer.http as http:
        sent = ANSWERS | {"license_text_sha256": world.text_sha256}
        parts = {name: (None, value) for name, value in sent.items()}
        assert http.post(f"/{GATED}/ask-access", files=parts).status_code == 303
        broken = {"content-type": "multipart/form-data; boundary=x"}
        assert http.post(f"/{GATED}/ask-access", content=b"--y", headers=broken).status_code in {303, 400, 422}
    assert newcomer.name in requests(reviewer, "pending")


def test_accepted_by_name(newcomer, reviewer) -> None:
    ask(newcomer, GATED)
    reviewer.api.accept_access_request(GATED, newcomer.name)
    assert newcomer.name in requests(reviewer, "accepted") and newcomer.name not in requests(reviewer, "pending")
    assert Path(newcomer.api.hf_hub_download(GATED, "config.json")).read_bytes()
    newcomer.api.auth_check(GATED)
    assert newcomer.api.model_info(GATED).config["model_type"] == "llama"


def test_accepted_by_number(newcomer, reviewer) -> None:
    ask(newcomer, GATED)
    number = requests(reviewer, "pending")[newcomer.name].request_id
    reviewer.api.accept_access_request(GATED, request_id=number)
    assert Path(newcomer.api.hf_hub_download(GATED, "model.bin")).stat().st_size == 1 << 20


def test_rejected_with_a_reason(newcomer, reviewer) -> None:
    ask(newcomer, GATED)
    reviewer.api.reject_access_request(GATED, newcomer.name, rejection_reason="Too vague.")
    assert newcomer.name in requests(reviewer, "rejected")
    with pytest.raises(GatedRepoError, match="has been rejected"):
        newcomer.api.hf_hub_download(GATED, "config.json")


def test_rejected_without_a_reason(newcomer, reviewer) -> None:
    ask(newcomer, GATED)
    reviewer.api.reject_access_request(GATED, newcomer.name, rejection_reason=None)
    assert newcomer.name in requests(reviewer, "rejected")


def test_canceled_goes_back_to_pending_and_closes_the_gate(newcomer, reviewer) -> None:
    ask(newcomer, GATED)
    reviewer.api.accept_access_request(GATED, newcomer.name)
    newcomer.api.hf_hub_download(GATED, "config.json")
    reviewer.api.cancel_access_request(GATED, newcomer.name)
    assert newcomer.name in requests(reviewer, "pending")
    with pytest.raises(GatedRepoError, match="awaiting a review"):
        newcomer.api.auth_check(GATED)


def test_rejected_after_acceptance_closes_the_gate(newcomer, reviewer) -> None:
    ask(newcomer, GATED)
    reviewer.api.accept_access_request(GATED, newcomer.name)
    reviewer.api.reject_access_request(GATED, newcomer.name, rejection_reason="Left.")
    with pytest.raises(GatedRepoError):
        newcomer.api.auth_check(GATED)


def test_rejected_may_be_accepted_later(newcomer, reviewer) -> None:
    ask(newcomer, GATED)
    reviewer.api.reject_access_request(GATED, newcomer.name, rejection_reason="Not yet.")
    reviewer.api.accept_access_request(GATED, newcomer.name)
    newcomer.api.auth_check(GATED)


@pytest.fixture
def gated(owner, repo) -> str:
    """A repository under direct control with a gate and no license text."""
    owner.api.update_repo_settings(repo, gated="manual")
    return repo


def test_granted_without_asking(newcomer, owner, gated) -> None:
    owner.api.grant_access(gated, newcomer.name)
    newcomer.api.auth_check(gated)
    assert newcomer.name in requests(owner, "accepted", gated)


def test_granted_twice_is_a_bad_request(newcomer, owner, gated) -> None:
    owner.api.grant_access(gated, newcomer.name)
    with pytest.raises(HfHubHTTPError, match="already has access") as refused:
        owner.api.grant_access(gated, newcomer.name)
    assert refused.value.response.status_code == 400


def test_nobody_is_granted_what_asks_for_a_text_that_they_did_not_accept(newcomer, reviewer) -> None:
    with pytest.raises(HfHubHTTPError, match="has not accepted the license text") as refused:
        reviewer.api.grant_access(GATED, newcomer.name)
    assert refused.value.response.status_code == 409


def test_granting_a_pending_request_accepts_it(newcomer, reviewer) -> None:
    ask(newcomer, GATED)
    reviewer.api.grant_access(GATED, newcomer.name)
    assert newcomer.name in requests(reviewer, "accepted") and newcomer.name not in requests(reviewer, "pending")


@pytest.mark.parametrize("act", ["accept", "reject", "cancel"])
def test_a_decision_that_was_made_already_is_not_found(newcomer, reviewer, act) -> None:
    ask(newcomer, GATED)
    call = getattr(reviewer.api, f"{act}_access_request")
    more = {"rejection_reason": "No."} if act == "reject" else {}
    if act != "cancel":
        call(GATED, newcomer.name, **more)
    with pytest.raises(HfHubHTTPError) as refused:
        call(GATED, newcomer.name, **more)
    assert refused.value.response.status_code == 404


def test_unknown_people_and_requests(reviewer, newcomer) -> None:
    for act in (
        lambda: reviewer.api.accept_access_request(GATED, "no-such-person"),
        lambda: reviewer.api.accept_access_request(GATED, newcomer.name),
        lambda: reviewer.api.accept_access_request(GATED, request_id="999999"),
        lambda: reviewer.api.grant_access(GATED, "no-such-person"),
    ):
        with pytest.raises(HfHubHTTPError) as refused:
            act()
        assert refused.value.response.status_code == 404


def test_requests_are_for_those_who_decide(newcomer, writer) -> None:
    for who in (newcomer, writer):
        for act in (
            lambda who=who: who.api.list_pending_access_requests(GATED),
            lambda who=who: who.api.accept_access_request(GATED, "somebody"),
            lambda who=who: who.api.grant_access(GATED, "somebody"),
        ):
            with pytest.raises(HfHubHTTPError) as refused:
                list(act() or [])
            assert refused.value.response.status_code == 403


def test_a_repository_without_a_gate_has_no_requests(reviewer) -> None:
    with pytest.raises(HfHubHTTPError) as refused:
        list(reviewer.api.list_pending_access_requests(f"{GOVERNED}/served"))
    assert refused.value.response.status_code == 400


def test_an_automatic_gate_opens_at_once(newcomer) -> None:
    assert ask(newcomer, AUTOMATIC) == 303
    assert Path(newcomer.api.hf_hub_download(AUTOMATIC, "config.json")).read_bytes()


def test_withdrawing_ones_own_request(newcomer, reviewer) -> None:
    ask(newcomer, GATED)
    with newcomer.http as http:
        assert http.post(f"/api/models/{GATED}/user-access-request/cancel").json() == {"ok": True}
        assert http.post(f"/api/models/{GATED}/user-access-request/cancel").status_code == 404
    assert newcomer.name not in requests(reviewer, "pending")


def test_the_report_lists_everybody(newcomer, reviewer) -> None:
    ask(newcomer, GATED)
    with reviewer.http as http:
        report = http.get(f"/{GATED}/user-access-report").json()
    assert newcomer.name in [row["user"]["user"] for row in report]


def test_lists_come_in_pages(newcomer, reviewer) -> None:
    ask(newcomer, GATED)
    with reviewer.http as http:
        seen, address = [], f"/api/models/{GATED}/user-access-request/pending?limit=10"
        while address:
            answer = http.get(address)
            seen += [row["requestId"] for row in answer.json()]
            address = answer.links.get("next", {}).get("url", "")
    assert len(seen) == len(set(seen)) == len(requests(reviewer, "pending"))


def test_under_direct_control_the_card_is_the_form(owner, repo, newcomer, world) -> None:
    card = b"---\nextra_gated_fields:\n  Your company: text\n  I agree: checkbox\n---\n# Gated\n"
    owner.api.upload_file(repo_id=repo, path_or_fileobj=card, path_in_repo="README.md")
    owner.api.update_repo_settings(repo, gated="manual")
    with pytest.raises(GatedRepoError):
        newcomer.api.hf_hub_download(repo, ".gitattributes")
    with newcomer.http as http:
        assert http.post(f"/{repo}/ask-access", json={"Your company": "Example"}).status_code == 422
        assert http.post(f"/{repo}/ask-access", json={"Your company": "Example", "I agree": True}).status_code == 303
    reviewer = world.person(f"{DIRECT}-reviewer")
    assert requests(reviewer, "pending", repo)[newcomer.name].fields["Your company"] == "Example"
    reviewer.api.accept_access_request(repo, newcomer.name)
    newcomer.api.hf_hub_download(repo, ".gitattributes")


def test_under_direct_control_an_automatic_gate_opens_at_once(owner, repo, newcomer) -> None:
    owner.api.update_repo_settings(repo, gated="auto")
    with pytest.raises(GatedRepoError):
        newcomer.api.auth_check(repo)
    with newcomer.http as http:
        assert http.post(f"/{repo}/ask-access", json={}).status_code == 303
    newcomer.api.auth_check(repo)
