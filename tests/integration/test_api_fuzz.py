"""The REST API, asked with whatever its own schema allows and some of what it does not: it never fails by itself.

A few examples of each operation here; `make fuzz-api` asks many (API_EXAMPLES), of all operations or of those whose
method and address fit a regular expression (API_OPERATIONS).
"""

from __future__ import annotations

import json
import os
import re
import warnings
from functools import partial
from pathlib import Path

import pytest
import yaml
from django.test import Client
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.factories import make_commit, make_draft, make_lab, make_token, make_variant

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis

pytestmark = pytest.mark.django_db
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "openapi.yaml"
EXAMPLES = int(os.environ.get("API_EXAMPLES", "3"))
ASKED = re.compile(os.environ.get("API_OPERATIONS", ""))
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink] if EXAMPLES > 10 else [Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# Never a fault of ours: what a client cannot send at all.
UNSENDABLE = ("\r", "\n", "\0")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.timeout(3600)
def test_no_operation_fails_by_itself() -> None:
    lab = make_lab("lab-one")
    variant = make_variant(lab.organization, "model-one")
    release = make_draft(lab, variant=variant, commit=make_commit(variant))
    known = {
        "organization": lab.organization.name,
        "name": variant.name,
        "release_id": release.pk,
        "digest": release.items.get().checkpoint.digest,
    }
    client = Client(raise_request_exception=False)
    bearer = {"Authorization": f"Bearer {make_token(lab.manager)}"}
    schema = schemathesis.openapi.from_dict(yaml.safe_load(DOCUMENT.read_text(encoding="utf-8")))
    faults, asked = {}, 0

    def send(operation, case) -> None:
        nonlocal asked
        asked += 1
        # Half of the time the address leads to something that is there.
        case.path_parameters = {
            name: known.get(name, value) if asked % 2 else value for name, value in (case.path_parameters or {}).items()
        }
        sent = {name: str(value) for name, value in (case.headers or {}).items()}
        if any(mark in f"{name}{value}" for name, value in sent.items() for mark in UNSENDABLE):
            return
        has_body = case.body is not None and type(case.body).__name__ != "NotSet"
        answer = client.generic(
            case.method,
            case.formatted_path,
            _json(case.body) if has_body else "",
            content_type="application/json",
            query_params=case.query or {},
            headers=sent | bearer,
        )
        whole = b"".join(answer.streaming_content) if answer.streaming else answer.content
        if answer.status_code >= 500:
            faults.setdefault(operation, (answer.status_code, case.formatted_path, case.query, case.body, whole[:300]))
        # An address may lead out of the API altogether, where others say that there is nothing.
        if answer.status_code not in {404, 405} and answer.status_code >= 400:
            assert answer["Content-Type"].startswith("application/problem+json"), (operation, answer.status_code)

    for found in schema.get_all_operations():
        operation = found.ok()
        if ASKED.search(operation.label):
            _ask(operation, partial(send, operation.label))
    assert not faults, faults
    assert asked > 50 or ASKED.pattern


def _ask(operation, send) -> None:
    """Send what hypothesis makes of an operation's schema."""

    @seed(EXAMPLES)
    @FUZZ
    @given(case=operation.as_strategy())
    def ask(case) -> None:
        send(case)

    ask()


def _json(value: object) -> bytes:
    return json.dumps(value, default=str).encode("utf-8", "surrogatepass")
