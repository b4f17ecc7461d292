"""What no page and no endpoint takes: files, JSON without end, addresses that no text in the database can match."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.factories import make_token, make_user
from web.bodies import JSON_LIMIT_BYTES

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("address", ["/sign-in/", "/oauth/device", "/oauth/token"])
def test_nobody_can_leave_a_file(address: str, settings) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = "/nowhere/at/all"
    form = {"username": "x", "password": "x", "file": SimpleUploadedFile("large.bin", b"x" * 3_000_000)}
    assert Client(raise_request_exception=False).post(address, form).status_code == 400


@pytest.mark.parametrize(
    "body", ["[" * 100_000 + "]" * 100_000, json.dumps({"name": "x" * JSON_LIMIT_BYTES})], ids=["deep", "long"]
)
def test_the_api_refuses_json_without_end(body: str) -> None:
    headers = {"Authorization": f"Bearer {make_token(make_user(), 'write')}"}
    answer = Client(headers=headers).post("/api/v1/releases/", body, content_type="application/json")
    assert answer.status_code == 400 and answer.headers["Content-Type"] == "application/problem+json"


def test_the_protocol_refuses_forms_and_json_without_end() -> None:
    client = Client()
    for address, body, kind, status in [
        ("/oauth/token", "a=1&" * 20_000, "application/x-www-form-urlencoded", 400),
        ("/oauth/token", "a" * (5 << 20), "application/x-www-form-urlencoded", 413),
        ("/api/validate-yaml", json.dumps({"content": "", "more": "x" * (5 << 20)}), "application/json", 413),
    ]:
        assert client.generic("POST", address, body, content_type=kind).status_code == status, (address, kind)


@pytest.mark.parametrize(
    "address", ["/models/?q=a%00b", "/api/v1/variants/?search=%00", "/api/v1/variants/a/b/?revision=x%00"]
)
def test_a_nul_in_an_address_is_named(address: str) -> None:
    answer = Client(raise_request_exception=False).get(address, headers={"Accept": "application/json"})
    [reason] = answer.json()["reasons"]
    assert answer.status_code == 422 and reason["code"] == "address_unreadable"
    assert f"NUL character in {reason['field']}," in reason["message"]


def test_nothing_has_a_nul_in_its_place() -> None:
    for address in ("/models/acme/b%00/", "/api/v1/variants/acme/b%00/", "/licenses/%00/"):
        assert Client(raise_request_exception=False).get(address).status_code == 404, address
