"""Problems: one form for every refusal of the API, with stable codes and without traces."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import RequestFactory
from rest_framework import exceptions, serializers

from rules import Kind, Reason, Refused, Verdict
from web import problems


@pytest.fixture
def request_():
    request = RequestFactory().get("/api/v1/releases/7/")
    request.id = "abc"
    return request


@pytest.fixture
def answer(request_, monkeypatch):
    monkeypatch.setattr(problems, "set_rollback", lambda: None)
    return lambda error: problems.exception_handler(error, {"request": request_})


def test_a_refusal_has_all_reasons_and_the_code_that_decided_its_status(answer):
    verdict = Verdict(
        (
            Reason("release_not_in_review", "It is a draft.", "The release manager.", Kind.WHEN),
            Reason("not_a_reviewer", "You hold no reviewer role.", "An owner.", Kind.WHO, "role"),
        )
    )
    response = answer(Refused(verdict))
    assert response.status_code == 403
    assert response.content_type == "application/problem+json"
    assert response.data == {
        "type": "urn:imprimatur:problem:not_a_reviewer",
        "title": "Forbidden",
        "status": 403,
        "detail": "It is a draft. You hold no reviewer role.",
        "code": "not_a_reviewer",
        "reasons": verdict.as_list(),
        "instance": "/api/v1/releases/7/",
        "request_id": "abc",
    }


class FileSerializer(serializers.Serializer):
    path = serializers.CharField(max_length=4)
    size = serializers.IntegerField()


class CommitSerializer(serializers.Serializer):
    summary = serializers.CharField()
    files = FileSerializer(many=True)

    def validate(self, attrs):
        raise serializers.ValidationError("Nothing changed.", code="empty_commit")


def test_field_errors_are_422_and_name_their_field_by_path(answer):
    serializer = CommitSerializer(data={"files": [{"path": "a", "size": 1}, {"path": "too long", "size": "x"}]})
    serializer.is_valid()
    response = answer(exceptions.ValidationError(serializer.errors))
    assert response.status_code == 422
    assert [(reason["field"], reason["code"]) for reason in response.data["reasons"]] == [
        ("summary", "required"),
        ("files.1.path", "max_length"),
        ("files.1.size", "invalid"),
    ]


def test_errors_of_the_whole_have_no_field(answer):
    serializer = CommitSerializer(data={"summary": "x", "files": []})
    serializer.is_valid()
    response = answer(exceptions.ValidationError(serializer.errors))
    assert response.data["reasons"] == [{"code": "empty_commit", "message": "Nothing changed."}]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Http404("secret detail"), 404, "not_found"),
        (exceptions.NotFound(), 404, "not_found"),
        (PermissionDenied(), 403, "forbidden"),
        (exceptions.PermissionDenied(), 403, "forbidden"),
        (exceptions.NotAuthenticated(), 401, "not_signed_in"),
        (exceptions.AuthenticationFailed("Unknown token."), 401, "token_invalid"),
        (exceptions.ParseError(), 400, "malformed"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.NotAcceptable(), 406, "not_acceptable"),
        (exceptions.UnsupportedMediaType("text/plain"), 415, "unsupported_media_type"),
        (exceptions.Throttled(wait=3.2), 429, "too_many_requests"),
        (exceptions.APIException("It broke."), 500, "server_error"),
    ],
)
def test_what_the_framework_raises_gets_a_stable_code(answer, error, status, code):
    response = answer(error)
    assert (response.status_code, response.data["code"]) == (status, code)
    assert "secret" not in json.dumps(response.data)


def test_who_is_not_signed_in_is_told_how(answer):
    assert answer(exceptions.NotAuthenticated())["WWW-Authenticate"] == "Bearer"


def test_who_asks_too_often_is_told_when_to_come_back(answer):
    assert answer(exceptions.Throttled(wait=3.2))["Retry-After"] == "4"
    assert "Retry-After" not in answer(exceptions.Throttled())


def test_the_unexpected_is_left_to_the_log(answer):
    assert answer(RuntimeError("password=hunter2")) is None


def test_a_problem_outside_the_framework_is_the_same(request_):
    response = problems.response(problems.problem(request_, 401, "Sign in."))
    assert response["Content-Type"] == "application/problem+json"
    assert response["WWW-Authenticate"] == "Bearer"
    assert json.loads(response.content)["code"] == "not_signed_in"


def test_an_unlisted_status_still_has_a_code(request_):
    assert problems.problem(request_, 418, "Tea.")["code"] == "status_418"


def test_the_serializer_for_the_document_names_every_member(request_):
    members = problems.problem(request_, 404, "Nothing.")
    assert set(problems.ProblemSerializer().fields) == set(members)
