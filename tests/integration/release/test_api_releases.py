"""The API of releases: every verb, its refusals, and what each answer says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from registry.states import Level, Outcome
from release.models import Release, Waiver
from release.states import ReleaseState
from tests.factories import (
    approve,
    make_approved,
    make_commit,
    make_draft,
    make_evidence,
    make_gate,
    make_lab,
    make_license,
    make_live,
    make_token,
    make_user,
    make_variant,
    submit,
)

pytestmark = pytest.mark.django_db

Caller = Callable[..., Any]


@pytest.fixture
def call(client: Client) -> Caller:
    """Call the API as somebody, with a token of these scopes (all, unless named)."""

    def calling(user: User | None, method: str, path: str, body: object = None, *, scopes: tuple[str, ...] = ()) -> Any:
        headers = {"Authorization": f"Bearer {make_token(user, *scopes)}"} if user else {}
        return client.generic(
            method,
            f"/api/v1/{path}",
            client._encode_json({} if body is None else body, "application/json") if body is not None else b"",
            content_type="application/json",
            headers=headers,
        )

    return calling


def problem(answer: Any) -> tuple[int, str]:
    """Status and code of a problem."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.content
    return answer.status_code, answer.json()["code"]


def action(answer: Any, name: str) -> dict[str, Any]:
    """One of the actions that a resource shows."""
    return next(one for one in answer.json()["actions"] if one["name"] == name)


def test_a_whole_release_through_the_api(lab, call) -> None:
    variant = make_variant(lab.organization, "nano")
    commit = make_commit(variant)
    make_evidence(commit.checkpoint)
    make_license()
    made = call(lab.pipeline, "POST", "releases/", {"organization": "acme", "title": "By machine"})
    assert made.status_code == 201
    url = made.json()["url"].removeprefix("/api/v1/")
    assert made.headers["Location"] == made.json()["url"]
    assert [target["name"] for target in made.json()["targets"]] == ["here"]

    put = call(
        lab.pipeline,
        "PUT",
        f"{url}items/nano/",
        {
            "checkpoint": commit.checkpoint.digest,
            "level": "public",
            "license": "apache-2.0",
            "components": {"training_data": "held_back"},
            "reason_code": "legal",
            "review_on": (timezone.localdate() + timedelta(days=30)).isoformat(),
            "owner": lab.manager.username,
        },
    )
    assert put.status_code == 200, put.content
    item = put.json()["items"][0]
    assert item["license"]["key"] == "apache-2.0"
    assert {line["component"]: line["level"] for line in item["disclosures"]} == {
        "weights": "public",
        "architecture": "public",
        "tokenizer": "public",
        "model_card": "public",
        "training_data": "held_back",
    }

    submitted = call(lab.pipeline, "POST", f"{url}submit/")
    assert submitted.json()["state"] == "in_review"
    digest = submitted.json()["digest"]
    assert digest.startswith("sha256:")
    asked = call(lab.auditor, "GET", f"{url}requirements/").json()
    assert {row["code"] for row in asked if row["standing"] != "met"} == {
        "approval.safety_reviewer",
        "approval.legal_reviewer",
    }
    for reviewer in (lab.safety, lab.legal):
        signed = call(reviewer, "POST", f"{url}approve/", {"seen": digest, "note": "Read it."})
        assert signed.status_code == 200, signed.content
    assert signed.json()["state"] == "approved"
    assert [review["reason"] for review in signed.json()["reviews"]] == ["Read it.", "Read it."]

    published = call(lab.manager, "POST", f"{url}publish/")
    assert published.status_code == 202
    assert published.headers["Location"] == published.json()["jobs"][0]
    places = call(lab.auditor, "GET", f"{url}publications/").json()
    assert [(place["target"], place["state"], place["files_verified"]) for place in places] == [("here", "pending", 0)]
    assert places[0]["job"]["state"] == "queued"
    files = call(lab.auditor, "GET", f"{url}publications/{places[0]['id']}/files/").json()["results"]
    assert [file["path"] for file in files] == ["LICENSE", "README.md", "config.json"]

    withdrawn = call(lab.manager, "POST", f"{url}withdraw/", {"reason": "A claim."})
    assert (withdrawn.status_code, withdrawn.json()["state"]) == (202, "withdrawn")


def test_no_token_is_401_and_a_foreign_release_is_404(lab, call) -> None:
    release = make_draft(lab)
    assert problem(call(None, "GET", f"releases/{release.pk}/")) == (401, "not_signed_in")
    assert problem(call(make_lab().manager, "GET", f"releases/{release.pk}/")) == (404, "release.not_found")
    assert problem(call(make_user(), "POST", f"releases/{release.pk}/submit/")) == (404, "release.not_found")
    assert call(make_user(), "GET", "releases/").json()["results"] == []


@pytest.mark.parametrize(
    ("verb", "body", "scopes"),
    [
        ("submit", None, ("read",)),
        ("approve", {"seen": "sha256:" + "0" * 64}, ("read", "write")),
        ("refuse", {"seen": "sha256:" + "0" * 64, "reason": "No."}, ("read", "write")),
        ("publish", None, ("read", "review")),
        ("withdraw", {"reason": "No."}, ("read",)),
        ("recall", None, ("read",)),
        ("schedule", None, ("read",)),
    ],
)
def test_a_token_without_the_scope_is_refused(lab, call, verb, body, scopes) -> None:
    release = submit(lab, make_draft(lab))
    user = lab.safety if verb in ("approve", "refuse") else lab.manager
    answer = call(user, "POST", f"releases/{release.pk}/{verb}/", body, scopes=scopes)
    assert answer.status_code == 403
    assert "release.scope_missing" in {reason["code"] for reason in answer.json()["reasons"]}


def test_the_submitter_never_approves(lab, call) -> None:
    from accounts.roles import Role
    from registry.services.variants import add_member

    add_member(organization=lab.organization, user=lab.manager, role=Role.SAFETY_REVIEWER, by=None)
    release = submit(lab, make_draft(lab))
    answer = call(lab.manager, "POST", f"releases/{release.pk}/approve/", {"seen": release.digest})
    assert problem(answer) == (403, "release.same_person")
    assert Release.objects.get(pk=release.pk).reviews.count() == 0


def test_an_approval_of_a_digest_that_changed_is_refused(lab, call) -> None:
    release = submit(lab, make_draft(lab))
    answer = call(lab.safety, "POST", f"releases/{release.pk}/approve/", {"seen": "sha256:" + "0" * 64})
    assert problem(answer) == (409, "release.stale_digest")


def test_one_person_one_vote(lab, call) -> None:
    release = approve(lab, submit(lab, make_draft(lab)), lab.safety)
    answer = call(lab.safety, "POST", f"releases/{release.pk}/approve/", {"seen": release.digest})
    assert problem(answer) == (409, "release.already_voted")


def test_acts_say_what_stands_against_them(lab, call) -> None:
    release = make_draft(lab, has_evidence=False)
    shown = call(lab.safety, "GET", f"releases/{release.pk}/")
    assert action(shown, "submit") == {
        "name": "submit",
        "allowed": False,
        "reasons": [
            {
                "code": "release.not_in_role",
                "message": "To submit a release takes somebody who is automation or release manager.",
                "lifted_by": "An owner, by giving the role",
            }
        ],
    }
    assert action(call(lab.manager, "GET", f"releases/{release.pk}/"), "submit")["allowed"]
    assert [one["name"] for one in shown.json()["actions"]] == [
        "change",
        "submit",
        "approve",
        "refuse",
        "publish",
        "schedule",
        "recall",
        "withdraw",
    ]


def test_publishing_without_signatures_names_every_one_that_is_missing(lab, call) -> None:
    release = submit(lab, make_draft(lab))
    answer = call(lab.manager, "POST", f"releases/{release.pk}/publish/")
    codes = {reason["code"] for reason in answer.json()["reasons"]}
    assert answer.status_code == 409
    assert codes == {
        "release.wrong_state",
        "release.requirement.approval.safety_reviewer",
        "release.requirement.approval.legal_reviewer",
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"level": "secret"}, "level"),
        ({"checkpoint": "sha256:123"}, "checkpoint"),
        ({"checkpoint": "sha256:" + "1" * 64}, "checkpoint"),
        ({"license": "no-such-license"}, "license"),
        ({"note": "x" * 501}, "note"),
        ({"reason_code": "mood"}, "reason_code"),
        ({"components": {"soul": "public"}}, "components"),
        ({"components": {"weights": "secret"}}, "components.weights"),
        ({"owner": "nobody-here"}, "owner"),
        ({"review_on": "soon"}, "review_on"),
        ({"lvel": "public"}, "lvel"),
    ],
)
def test_a_bad_item_is_422_and_names_its_field(lab, call, change, field) -> None:
    release = make_draft(lab)
    item = release.items.get()
    good = {"checkpoint": item.checkpoint.digest, "level": "public", "license": "apache-2.0"}
    answer = call(lab.manager, "PUT", f"releases/{release.pk}/items/{item.variant.name}/", good | change)
    assert answer.status_code == 422, answer.content
    assert field in {reason.get("field") for reason in answer.json()["reasons"]}
    again = Release.objects.get(pk=release.pk).items.get()
    assert (again.level, again.checkpoint_id) == (item.level, item.checkpoint_id)


def test_a_variant_of_another_organization_cannot_be_put_in(lab, call) -> None:
    release = make_draft(lab)
    other = make_variant(make_lab().organization, "theirs")
    body = {"checkpoint": make_commit(other).checkpoint.digest, "level": "public"}
    assert call(lab.manager, "PUT", f"releases/{release.pk}/items/theirs/", body).status_code == 404


def test_items_and_targets_change_only_in_a_draft(lab, call) -> None:
    release = submit(lab, make_draft(lab))
    item = release.items.get()
    body = {"checkpoint": item.checkpoint.digest, "level": "gated"}
    path = f"releases/{release.pk}/items/{item.variant.name}/"
    assert problem(call(lab.manager, "PUT", path, body)) == (409, "release.wrong_state")
    assert problem(call(lab.manager, "DELETE", path)) == (409, "release.wrong_state")
    assert problem(call(lab.manager, "PUT", f"releases/{release.pk}/targets/", {"names": []})) == (
        409,
        "release.wrong_state",
    )
    assert problem(call(lab.manager, "PATCH", f"releases/{release.pk}/", {"title": "x"})) == (
        409,
        "release.wrong_state",
    )


def test_targets_are_set_by_name(lab, call) -> None:
    release = make_draft(lab)
    path = f"releases/{release.pk}/targets/"
    assert call(lab.manager, "PUT", path, {"names": []}).json()["targets"] == []
    assert problem(call(lab.manager, "PUT", path, {"names": ["moon"]})) == (422, "release.unknown_target")
    assert [one["name"] for one in call(lab.manager, "PUT", path, {"names": ["here"]}).json()["targets"]] == ["here"]


def test_an_hour_that_passed_is_refused_and_one_ahead_is_kept(lab, call) -> None:
    release = make_draft(lab)
    path = f"releases/{release.pk}/"
    assert problem(call(lab.manager, "PATCH", path, {"scheduled_for": "2020-01-01T00:00:00Z"})) == (
        422,
        "release.past_schedule",
    )
    ahead = call(lab.manager, "PATCH", path, {"scheduled_for": "2126-01-01T00:00:00Z"}).json()
    assert ahead["scheduled_for"] == "2126-01-01T00:00:00Z"
    assert ahead["title"] == release.title


def test_refusing_needs_a_reason_and_is_kept_with_it(lab, call) -> None:
    release = submit(lab, make_draft(lab))
    path = f"releases/{release.pk}/refuse/"
    assert call(lab.legal, "POST", path, {"seen": release.digest, "reason": " "}).status_code == 422
    refused = call(lab.legal, "POST", path, {"seen": release.digest, "reason": "The license forbids it."})
    assert refused.json()["state"] == "refused"
    assert refused.json()["reviews"][0]["reason"] == "The license forbids it."
    again = call(lab.manager, "POST", f"releases/{release.pk}/recall/")
    assert (again.json()["state"], again.json()["reviews"][0]["is_void"]) == ("draft", True)
    assert problem(call(lab.manager, "POST", f"releases/{release.pk}/submit/")) == (409, "release.refused_before")


def test_evidence_is_waived_by_name_and_for_days(lab, call) -> None:
    release = make_draft(lab, has_evidence=False)
    checkpoint = release.items.get().checkpoint
    make_evidence(checkpoint, kinds={"validation", "license"})
    make_evidence(checkpoint, Outcome.NOT_RUN, kinds={"smoke"})
    submit(lab, release)
    body = {"requirement": "evidence.smoke", "checkpoint": checkpoint.digest, "reason": "No device.", "days": 14}
    path = f"releases/{release.pk}/waivers/"
    assert problem(call(lab.manager, "POST", path, body)) == (403, "release.not_in_role")
    assert call(lab.safety, "POST", path, body | {"days": 91}).status_code == 422
    assert problem(call(lab.safety, "POST", path, body | {"requirement": "no_leak"})) == (422, "release.not_waivable")
    assert Waiver.objects.count() == 0
    made = call(lab.safety, "POST", path, body)
    assert (made.status_code, made.json()["owner"]) == (201, lab.safety.username)
    asked = call(lab.auditor, "GET", f"releases/{release.pk}/requirements/").json()
    assert {row["code"]: row["standing"] for row in asked}["evidence.smoke"] == "waived"


def test_the_list_is_filtered_and_paged_by_key(lab, call) -> None:
    drafts = [make_draft(lab, title=f"Draft {number}") for number in range(3)]
    make_live(lab, title="Live")
    first = call(lab.auditor, "GET", "releases/?state=draft&limit=2").json()
    assert [row["id"] for row in first["results"]] == [drafts[2].pk, drafts[1].pk]
    rest = call(lab.auditor, "GET", first["next"].partition("/api/v1/")[2]).json()
    assert [row["id"] for row in rest["results"]] == [drafts[0].pk]
    assert [row["title"] for row in call(lab.auditor, "GET", "releases/?state=live").json()["results"]] == ["Live"]
    assert call(lab.auditor, "GET", "releases/?organization=nowhere").json()["results"] == []


def test_a_gated_item_takes_the_newest_gate(lab, call) -> None:
    variant = make_variant(lab.organization, "gated")
    commit = make_commit(variant)
    release = make_draft(lab)
    body = {"checkpoint": commit.checkpoint.digest, "level": "gated"}
    path = f"releases/{release.pk}/items/gated/"
    assert call(lab.manager, "PUT", path, body).json()["items"][1]["gate"] is None
    make_gate(variant, lab.manager)
    assert call(lab.manager, "PUT", path, body).json()["items"][1]["gate"] == 1
    assert len(call(lab.manager, "DELETE", path).json()["items"]) == 1


def test_what_is_withdrawn_by_whom_may_not_is_refused(lab, call) -> None:
    release = make_live(lab)
    answer = call(lab.safety, "POST", f"releases/{release.pk}/withdraw/", {"reason": "Mine."})
    assert problem(answer) == (403, "release.not_in_role")
    assert Release.objects.get(pk=release.pk).state == ReleaseState.LIVE


def test_an_approved_release_says_so_to_everybody_inside(lab, call) -> None:
    release = make_approved(lab, Level.GATED)
    shown = call(lab.auditor, "GET", f"releases/{release.pk}/", scopes=("read",)).json()
    assert shown["state"] == "approved"
    assert shown["next_by"] == "Release manager, to publish it"
    assert {review["role"] for review in shown["reviews"]} == {"safety_reviewer", "legal_reviewer"}
