"""Every address there is, asked by outsiders: none gives a byte of a checkpoint, and hidden looks like missing.

The addresses are those of the URL resolver and of the protocol's table, not a list of this file. A parameter of theirs
that stands nowhere in `Target.fill` fails the test: whoever adds such a route says there what it is to be asked with.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from unittest.mock import patch
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.roles import Role
from accounts.services import create_token, revoke_token
from gating.services import grant as give
from gating.services import put_in_force
from hub.routes import ROUTER
from registry.models import Evidence, FileInspection, Tensor
from registry.states import Level
from registry.validation.storing import write_tensors
from tests.factories import (
    make_commit,
    make_draft,
    make_evidence,
    make_gate,
    make_lab,
    make_member,
    make_organization,
    make_token,
    make_user,
    make_variant,
    serve,
)
from weights.report import TensorRecord

pytestmark = pytest.mark.django_db

SECRET = "tell-nobody"
HEADER = f'{{"{SECRET}.weight":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}}}'.encode()
FILES = {
    "README.md": b"# A model\n",
    "config.json": f'{{"model_type": "{SECRET}"}}'.encode(),
    "model.safetensors": struct.pack("<Q", len(HEADER)) + HEADER + b"\0\0\0\0",
    "notes.txt": f"{SECRET}\n".encode(),
}
# Names of equal length, so that only what a page says can differ.
HIDDEN, GATED, MISSING, NEVER = "model-hidden", "model-gated1", "model-absent", 987_654_321
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)|\{(\w+)\*?\}")
OF_THIS_ANSWER = {"date", "x-request-id", "set-cookie"}
CHANGING = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"|"request_id": ?"[^"]*"|Request <code>[^<]*')


@dataclass
class Target:
    """What addresses are filled with: a model, and rows that belong to it."""

    organization: str
    name: str
    numbers: dict[str, object] = field(default_factory=dict)

    def fill(self, pattern: str) -> str:
        """An address of the pattern that leads to the model; fails for a parameter that nobody thought of."""
        values = {
            "organization": self.organization,
            "ns": self.organization,
            "namespace": self.organization,
            "name": self.name,
            "rev": "main",
            "revision": "main",
            "path": "config.json",
            "branch": "main",
            "tag": "v1",
            "status": "pending",
            "number": 1,
            "comment": "1",
            "username": "nobody-here",
            "ticket": "x:y:z",
            "space": "space",
            "digest": "0" * 64,
            "verb": "accept",
            "form": "csv",
            "key": "apache-2.0",
            "id": "Apache-2.0",
            "level": "public",
            "release_id": NEVER,
            "request_id": NEVER,
            "grant_id": NEVER,
            "token_id": NEVER,
            "tensor_id": NEVER,
            "publication_id": NEVER,
            "position": NEVER,
            "job_id": UUID(int=7),
            "probe_id": NEVER,
        } | self.numbers
        made = PARAMETER.sub(lambda found: str(values[found[1] or found[2] or found[3]]), pattern)
        return "/" + made.replace("^", "").replace("$", "").replace("\\Z", "").lstrip("/")


def addresses() -> list[str]:
    """Every pattern of the instance, pages, API and protocol, that has a parameter."""
    found = {"/".join(route.pattern) for route in ROUTER.routes} | set(_patterns(get_resolver()))
    return sorted(pattern for pattern in found if PARAMETER.search(pattern))


def _patterns(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for one in resolver.url_patterns:
        if isinstance(one, URLPattern):
            yield before + str(one.pattern)
        else:
            yield from _patterns(one, before + str(one.pattern))


@dataclass
class Caller:
    """Somebody outside, by a session, a token, or nothing."""

    name: str
    client: Client
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, address: str):
        """The whole answer; for what changes things, with a body that means something in many places."""
        body = None
        if method in {"POST", "PUT"}:
            body = f'{{"paths": ["config.json"], "name": "x", "reason": "x", "user": "{SECRET}"}}'
        answer = self.client.generic(
            method, address, body or "", content_type="application/json", headers=self.headers, secure=False
        )
        answer.whole = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return answer


@pytest.fixture
def hidden() -> Target:
    """A model that its lab keeps to itself, with all that belongs to one."""
    lab = make_lab("lab-one")
    variant = make_variant(lab.organization, HIDDEN)
    commit = make_commit(variant, FILES)
    make_evidence(commit.checkpoint, summary=SECRET, report={"findings": [], "note": SECRET})
    release = make_draft(lab, Level.PUBLIC, variant=variant, commit=commit, title=SECRET, has_evidence=False)
    tensor = inspected(commit)
    numbers = {"release_id": release.pk, "digest": commit.checkpoint.digest, "tensor_id": tensor.pk}
    return Target(lab.organization.name, HIDDEN, numbers)


def inspected(commit) -> Tensor:
    """A tensor as validation records it."""
    file = commit.checkpoint.files.select_related("blob").get(path="model.safetensors")
    report = {"path": file.path, "kind": "safetensors", "findings": [], "note": SECRET}
    inspection = FileInspection.objects.create(blob=file.blob, path=file.path, rules_version="1", report=report)
    record = TensorRecord(f"{SECRET}.weight", "F32", (1,), 1, 4, digest="ab" * 32)
    write_tensors(inspection, [record])
    return inspection.tensors.get()


@pytest.fixture
def gated() -> Target:
    """A model behind a gate."""
    organization = make_organization("lab-two")
    variant = make_variant(organization, GATED)
    version = make_gate(variant, variant.created_by)
    put_in_force(gate_version=version, release_digest="sha256:" + "0" * 64, at=timezone.now())
    commit = make_commit(variant, FILES)
    make_evidence(commit.checkpoint, summary=SECRET, report={"findings": [], "note": SECRET})
    tensor = inspected(commit)
    serve(variant, Level.GATED, commit)
    return Target(organization.name, GATED, {"digest": commit.checkpoint.digest, "tensor_id": tensor.pk})


def outsiders(target: Target) -> list[Caller]:
    """Everybody whom the model is closed to."""
    from registry.models import Variant

    stranger, former = make_user(), make_user()
    neighbor = make_member(make_organization(), Role.OWNER)
    variant = Variant.objects.select_related("organization").get(name=target.name)
    if target.name == GATED:
        long_ago = timezone.now() - timedelta(days=1000)
        with patch("django.utils.timezone.now", return_value=long_ago):
            give(variant=variant, user=former, by=variant.created_by)
    revoked = create_token(user=variant.created_by, name="old", scopes=("read", "write"), expires_days=30)
    revoke_token(token_id=revoked.token.pk, user=variant.created_by)
    signed_in = Client()
    signed_in.force_login(stranger)
    neighboring = Client()
    neighboring.force_login(neighbor)
    return [
        Caller("nobody", Client()),
        Caller("a stranger, signed in", signed_in),
        Caller("somebody whose grant ended", Client(), bearer(make_token(former))),
        Caller("an owner of another organization", neighboring),
        Caller("a revoked token", Client(), bearer(revoked.secret)),
    ]


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize("kind", ["hidden", "gated"])
def test_no_address_gives_outsiders_a_byte_of_a_checkpoint(kind: str, request: pytest.FixtureRequest) -> None:
    target = request.getfixturevalue(kind)
    for caller in outsiders(target):
        # Each address answers all methods by one door; what only some methods do, one outsider tries.
        methods = METHODS if caller.name == "somebody whose grant ended" else ("GET",)
        for pattern in addresses():
            for method in methods:
                answer = caller.ask(method, target.fill(pattern))
                said = (caller.name, method, target.fill(pattern), answer.status_code)
                assert answer.status_code < 500, said
                assert SECRET.encode() not in answer.whole, said
                assert SECRET not in str(answer.headers), said
                assert method != "HEAD" or not answer.whole, said


def test_hidden_looks_like_missing_at_every_address(hidden: Target) -> None:
    missing = Target(
        hidden.organization, MISSING, dict.fromkeys(hidden.numbers, NEVER) | {"digest": "sha256:" + "0" * 64}
    )
    patterns = [pattern for pattern in addresses() if hidden.fill(pattern) != missing.fill(pattern)]
    assert len(patterns) > 100
    numbers = {*hidden.numbers.values(), *missing.numbers.values()}
    for caller in outsiders(hidden):
        methods = ("GET", "POST") if caller.name == "a stranger, signed in" else ("GET",)
        for pattern in patterns:
            for method in methods:
                there, absent = (
                    seen(caller.ask(method, one.fill(pattern)), one.name, numbers) for one in (hidden, missing)
                )
                assert there == absent, (caller.name, method, hidden.fill(pattern))


def seen(answer, name: str, numbers: set[str]) -> tuple:
    """What an answer tells, but for the name and the numbers that callers sent of either repository."""
    body = CHANGING.sub(b"", answer.whole)
    headers = {name.lower(): value for name, value in answer.headers.items() if name.lower() not in OF_THIS_ANSWER}
    sent = [name, *(f"/{value}/" for value in numbers)]
    for word in [way for one in sent for way in (one, one.replace(":", "%3A"))]:
        body = body.replace(word.encode(), b"/*/")
        headers = {name: value.replace(word, "/*/") for name, value in headers.items()}
    headers.pop("content-length", None)
    return answer.status_code, headers, body


def test_members_do_get_the_bytes(hidden: Target) -> None:
    """The secret is where the other tests look for it."""
    from registry.models import Variant

    owner = Variant.objects.get(name=HIDDEN).created_by
    caller = Caller("owner", Client(), bearer(make_token(owner)))
    found = [pattern for pattern in addresses() if SECRET.encode() in caller.ask("GET", hidden.fill(pattern)).whole]
    assert "{ns}/{name}/resolve/{rev}/{path*}" in found
    assert Evidence.objects.filter(summary=SECRET).exists() and len(found) > 5, found
