"""The whole way through the middleware: ids, problems, pages, colors."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path
from rest_framework.response import Response
from rest_framework.views import APIView

from rules import Kind, Reason, Refused, Verdict
from web import views

pytestmark = pytest.mark.django_db
REFUSAL = Verdict((Reason("too_late", "It is too late.", "Nobody.", Kind.WHEN),))


class Acts(APIView):
    authentication_classes = permission_classes = ()

    def get(self, request, act):
        if act == "refused":
            raise Refused(REFUSAL)
        if act == "failing":
            raise RuntimeError("password=hunter2")
        return Response({"act": act})


def page(request, act):
    if act == "refused":
        raise Refused(REFUSAL)
    if act == "failing":
        raise RuntimeError("password=hunter2")
    return HttpResponse("ok")


urlpatterns = [
    path("api/v1/<str:act>/", Acts.as_view()),
    path("page/<str:act>", page),
    path("", include("accounts.urls")),
    path("", include("web.urls")),
]
handler400 = "web.errors.bad_request"
handler403 = "web.errors.permission_denied"
handler404 = "web.errors.not_found"
handler500 = "web.errors.server_error"


@pytest.fixture(autouse=True)
def routes(settings):
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def visitor():
    return Client(raise_request_exception=False)


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/api/v1/refused/", 409, "too_late"),
        ("/api/v1/failing/", 500, "server_error"),
        ("/api/v1/", 404, "not_found"),
    ],
)
def test_the_api_answers_with_problems_only(visitor, address, status, code):
    answer = visitor.get(address, headers={"X-Request-Id": "job-17"})
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == code
    assert answer.json()["request_id"] == answer["X-Request-Id"] == "job-17"
    assert "hunter2" not in answer.content.decode()


def test_a_method_that_is_not_there_is_told(visitor):
    answer = visitor.post("/api/v1/ok/")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/page/refused", 409, "It is too late."),
        ("/page/failing", 500, "Something failed"),
        ("/nowhere", 404, "Not found"),
    ],
)
def test_people_get_pages(visitor, address, status, words):
    answer = visitor.get(address)
    assert answer.status_code == status
    assert words in answer.content.decode()
    assert answer["X-Request-Id"] in answer.content.decode()
    assert "hunter2" not in answer.content.decode()


def test_no_page_allows_anything_inline(visitor):
    policy = visitor.get("/nowhere")["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy


def test_a_form_without_its_token_is_explained():
    answer = Client(enforce_csrf_checks=True).post("/ui/theme", {"theme": "dark"})
    assert answer.status_code == 403
    assert "out of date" in answer.content.decode()


@pytest.mark.parametrize("chosen", ["light", "dark", "auto"])
def test_colors_are_kept_in_a_cookie(client, chosen):
    answer = client.post("/ui/theme", {"theme": chosen, "next": "/page/ok?x=1"})
    assert (answer.status_code, answer["Location"]) == (303, "/page/ok?x=1")
    cookie = answer.cookies["imprimatur_theme"]
    assert (cookie.value, cookie["samesite"], cookie["httponly"]) == (chosen, "Lax", True)
    assert f'data-theme="{chosen}"' in client.get("/nowhere").content.decode()


def test_unknown_colors_are_not_kept(client):
    assert "imprimatur_theme" not in client.post("/ui/theme", {"theme": "sepia", "next": "/"}).cookies


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "", "\\\\evil.example"]
)
def test_the_way_back_never_leads_outside(client, target):
    assert client.post("/ui/theme", {"theme": "dark", "next": target})["Location"] == "/"


def test_the_choice_is_a_post(client):
    assert client.get("/ui/theme").status_code == 405


def test_components_are_for_whoever_is_signed_in(client, django_user_model):
    assert client.get("/ui/").status_code == 302
    client.force_login(django_user_model.objects.create_user("ada"))
    page = client.get("/ui/")
    assert page.status_code == 200
    assert page.resolver_match.func is views.components
