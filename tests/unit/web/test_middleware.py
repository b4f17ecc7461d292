"""Request ids that can be trusted in a log, and refusals that explain themselves to page, program and htmx."""

from __future__ import annotations

import json
import re

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails

from rules import Kind, Reason, Refused, Verdict
from web import errors
from web.middleware import RefusalMiddleware, RequestIdMiddleware

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
VERDICT = Verdict(
    (
        Reason("not_a_reviewer", "You hold no <b>reviewer</b> role.", "An owner.", Kind.WHO),
        Reason("same_person", "You submitted it.", "Someone else.", Kind.WHEN),
    )
)


def asked(path="/releases/7", **headers):
    request = RequestFactory().get(path, headers=headers)
    request.user = AnonymousUser()
    request.id = "abc"
    request.htmx = HtmxDetails(request)
    return request


def given(**headers) -> str:
    seen = {}

    def view(request):
        seen["id"] = request.id
        return HttpResponse()

    answer = RequestIdMiddleware(view)(RequestFactory().get("/", headers=headers))
    assert answer["X-Request-Id"] == seen["id"]
    return seen["id"]


def test_a_sane_id_is_kept():
    assert given(X_Request_Id="job-17/a") == "job-17/a"
    assert (
        given(X_Amzn_Trace_Id="Root=1-67891233-abcdef012345678912345678") == "Root=1-67891233-abcdef012345678912345678"
    )
    assert given(X_Request_Id="first", X_Amzn_Trace_Id="second") == "first"


@pytest.mark.parametrize("bad", ["", "a b", "a\tb", "x" * 129, "é", "١", '"quoted"', "<script>", "a\x7f"])
def test_an_id_that_could_break_a_log_is_replaced(bad):
    assert UUID.fullmatch(given(X_Request_Id=bad))


def test_every_request_gets_an_id_of_its_own():
    assert given() != given()


def refused(request, error=None):
    return RefusalMiddleware(lambda request: None).process_exception(request, error or Refused(VERDICT))


def test_a_page_shows_every_reason_and_who_can_lift_it():
    answer = refused(asked())
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "You hold no &lt;b&gt;reviewer&lt;/b&gt; role." in page
    for words in ("An owner.", "You submitted it.", "Someone else.", "not_a_reviewer", "<!doctype html>"):
        assert words in page


def test_the_api_gets_a_problem():
    answer = refused(asked("/api/v1/releases/7/"))
    assert answer["Content-Type"] == "application/problem+json"
    assert json.loads(answer.content)["code"] == "not_a_reviewer"


def test_a_program_at_a_page_gets_a_problem():
    assert refused(asked(Accept="application/json"))["Content-Type"] == "application/problem+json"
    assert "text/html" in refused(asked(Accept="text/html, application/json"))["Content-Type"]


def test_htmx_gets_the_reasons_alone_for_the_live_region():
    answer = refused(asked(HX_Request="true"))
    assert answer.status_code == 403
    assert (answer["HX-Retarget"], answer["HX-Reswap"]) == ("#notices", "innerHTML")
    assert "HX-Request" in answer["Vary"]
    assert "<html" not in answer.content.decode()
    assert "You submitted it." in answer.content.decode()


def test_a_boosted_link_gets_the_whole_page():
    answer = refused(asked(HX_Request="true", HX_Boosted="true"))
    assert "<!doctype html>" in answer.content.decode()
    assert "HX-Retarget" not in answer


def test_a_locked_door_shows_the_way_to_the_key():
    verdict = Verdict((Reason("not_signed_in", "Nobody is signed in.", "You, by signing in.", Kind.LOCKED),))
    answer = refused(asked(), Refused(verdict))
    assert answer.status_code == 401
    assert "next=/releases/7" in answer.content.decode()


def test_what_is_missing_looks_the_same_for_all():
    answer = refused(asked(), Http404("release 7 of acme is held back"))
    assert answer.status_code == 404
    assert "held back" not in answer.content.decode()
    fragment = refused(asked(HX_Request="true"), Http404())
    assert fragment.status_code == 404
    assert "<html" not in fragment.content.decode()


def test_a_fault_is_left_to_django():
    assert refused(asked(), RuntimeError("boom")) is None


@pytest.mark.parametrize(
    ("referer", "shown"),
    [
        ("http://testserver/releases", True),
        ("http://testserver/releases/7", False),
        ("http://evil.example/releases", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_back_leads_only_to_another_page_of_ours(referer, shown):
    page = refused(asked(Referer=referer)).content.decode()
    assert (f'href="{referer}"' in page and bool(referer)) is shown
    assert "evil.example" not in page


@pytest.mark.parametrize(
    ("handler", "status", "code"),
    [
        (errors.bad_request, 400, "malformed"),
        (errors.permission_denied, 403, "forbidden"),
        (errors.csrf_failure, 403, "csrf_failed"),
        (errors.not_found, 404, "not_found"),
        (errors.server_error, 500, "server_error"),
    ],
)
def test_every_handler_speaks_both_languages(handler, status, code):
    page, problem = handler(asked()), handler(asked("/api/v1/x"))
    assert (page.status_code, problem.status_code) == (status, status)
    assert "<h1>" in page.content.decode()
    assert json.loads(problem.content)["code"] == code


def test_a_fault_is_answered_without_a_session_or_an_id():
    request = RequestFactory().get("/")
    assert errors.server_error(request).status_code == 500
