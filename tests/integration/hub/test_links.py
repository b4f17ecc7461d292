"""Links to files on our own pages: a signed-in person's cookie reads what they may read, and opens nothing else."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.roles import Role
from hub.models import Download
from registry.states import Level
from tests.factories import make_commit, make_gate, make_member, make_organization, make_token, make_user, make_variant
from tests.factories import serve as serve_variant

pytestmark = pytest.mark.django_db

CONFIG = b'{"hidden_size": 8}'


@pytest.fixture
def variant():
    made = make_variant(make_organization())
    make_commit(made, {"README.md": b"# A model\n", "config.json": CONFIG})
    return made


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def body(answer) -> bytes:
    """All of a streamed answer; its end closes the file."""
    return b"".join(answer.streaming_content)


def address(variant, path: str = "config.json") -> str:
    return f"/{variant.repo_id}/resolve/main/{path}"


def test_a_member_follows_a_link_to_a_file(variant):
    auditor = make_member(variant.organization, Role.AUDITOR)
    answer = signed_in(auditor).get(address(variant))
    assert (answer.status_code, body(answer)) == (200, CONFIG)
    assert Download.objects.get(variant=variant).user == auditor


def test_hidden_stays_missing_for_somebody_signed_in(variant):
    stranger = signed_in(make_user())
    hidden, missing = stranger.get(address(variant)), stranger.get("/acme-x/none/resolve/main/config.json")
    assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content)
    assert hidden["X-Error-Code"] == "RepoNotFound"


def test_the_gate_holds_for_sessions_as_for_tokens(variant):
    owner = variant.created_by
    make_gate(variant, owner)
    serve_variant(variant, Level.GATED)
    reader = make_user()
    refused = signed_in(reader).get(address(variant))
    assert (refused.status_code, refused["X-Error-Code"]) == (403, "GatedRepo")
    assert body(signed_in(reader).get(address(variant, "README.md"))) == b"# A model\n"


def test_a_token_that_opens_nothing_is_not_made_good_by_a_cookie(variant):
    member = signed_in(variant.created_by)
    answer = member.get(address(variant), headers={"Authorization": "Bearer imp_wrong"})
    assert answer.status_code == 401


def test_a_token_goes_before_the_cookie(variant):
    member = signed_in(variant.created_by)
    answer = member.get(address(variant), headers={"Authorization": f"Bearer {make_token(make_user())}"})
    assert answer.status_code == 404


def test_cookies_open_nothing_else_of_the_protocol(variant):
    member = signed_in(variant.created_by)
    assert member.get("/api/whoami-v2").status_code == 401
    assert member.get(f"/api/models/{variant.repo_id}").status_code == 401
    post = member.post("/api/repos/create", {"name": "mine"}, content_type="application/json")
    assert post.status_code == 401


def test_a_session_that_ended_reads_nothing(variant):
    client = signed_in(variant.created_by)
    client.session.flush()
    assert client.get(address(variant)).status_code == 401
