"""The top bar: apps register, visitors see what is theirs, one entry is current."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory, override_settings
from django.urls import include, path

from web import context, navigation


def nothing(request):
    raise AssertionError


pages = (
    [
        path("", nothing, name="start"),
        path("releases/", nothing, name="releases"),
        path("releases/policy/", nothing, name="policy"),
        path("audit", nothing, name="audit"),
    ],
    "pages",
)
urlpatterns = [path("", include(pages))]


@pytest.fixture(autouse=True)
def entries(monkeypatch):
    monkeypatch.setattr(navigation, "_entries", {})
    navigation.register("Audit", "pages:audit", icon="history", order=50, is_shown=navigation.signed_in)
    navigation.register("Start", "pages:start", icon="home", order=0)
    navigation.register("Releases", "pages:releases", icon="rocket", order=10)
    navigation.register("Policy", "pages:policy", icon="scale", order=20)
    navigation.register("Not built", "pages:unbuilt", icon="x", order=5)
    with override_settings(ROOT_URLCONF=__name__):
        yield


def shown(at="/", user=None):
    request = RequestFactory().get(at)
    request.user = user or AnonymousUser()
    return navigation.shown(request)


class SignedIn:
    is_authenticated = True


def test_entries_come_in_order_without_those_that_lead_nowhere():
    assert [entry.label for entry in shown()] == ["Start", "Releases", "Policy"]


def test_an_entry_is_shown_to_whom_it_is_for():
    assert [entry.label for entry in shown(user=SignedIn())][-1] == "Audit"


@pytest.mark.parametrize(
    ("at", "current"),
    [
        ("/", ["Start"]),
        ("/releases/", ["Releases"]),
        ("/releases/7/files", ["Releases"]),
        ("/releases/policy/3", ["Policy"]),
        ("/auditors", []),
        ("/elsewhere", []),
    ],
)
def test_the_closest_entry_is_current(at, current):
    assert [entry.label for entry in shown(at) if entry.is_current] == current


def test_registering_again_replaces():
    navigation.register("Board", "pages:releases", icon="rocket", order=10)
    assert [entry.label for entry in shown()] == ["Start", "Board", "Policy"]


@pytest.mark.parametrize(("cookie", "theme"), [(None, "auto"), ("dark", "dark"), ('"><script>', "auto")])
def test_a_theme_is_one_of_three(cookie, theme):
    request = RequestFactory().get("/")
    if cookie:
        request.COOKIES[context.THEME_COOKIE] = cookie
    assert context.instance(request)["theme"] == theme


@pytest.mark.parametrize(("role", "is_stand_in"), [("governing", False), ("public-hub", True)])
def test_a_stand_in_knows_that_it_is_one(settings, role, is_stand_in):
    settings.INSTANCE_ROLE = role
    assert context.instance(RequestFactory().get("/"))["instance"].is_stand_in is is_stand_in
