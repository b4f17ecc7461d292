"""Page or partial: htmx gets the named part of the same file, everybody else the whole."""

from __future__ import annotations

import pytest
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.cookie import CookieStorage
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails

from web import htmx

TEMPLATE = "errors/404.html"  # any page with a partial will do


def asked(**headers):
    request = RequestFactory().get("/", headers=headers)
    request.user, request.id = AnonymousUser(), "abc"
    request.htmx = HtmxDetails(request)
    request._messages = CookieStorage(request)
    return request


def shown(**headers) -> str:
    return htmx.page(asked(**headers), TEMPLATE, {"detail": "Nothing here."}, partial="notice").content.decode()


def test_htmx_gets_the_partial():
    assert "<html" not in shown(HX_Request="true")
    assert "Nothing here." in shown(HX_Request="true")


@pytest.mark.parametrize(
    "headers",
    [{}, {"HX_Request": "true", "HX_Boosted": "true"}, {"HX_Request": "true", "HX_History_Restore_Request": "true"}],
)
def test_others_get_the_page(headers):
    assert "<!doctype html>" in shown(**headers)


def test_caches_are_told_that_the_two_differ():
    assert "HX-Request" in htmx.page(asked(), TEMPLATE, {}, partial="notice")["Vary"]
    assert "HX-Request" in htmx.page(asked(HX_Request="true"), TEMPLATE, {}, partial="notice")["Vary"]


def test_waiting_messages_travel_with_a_partial():
    request = asked(HX_Request="true")
    messages.success(request, "Saved <it>.")
    text = htmx.page(request, TEMPLATE, {"detail": "x"}, partial="notice").content.decode()
    assert 'hx-swap-oob="true"' in text
    assert "Saved &lt;it&gt;." in text
    assert "hx-swap-oob" not in shown(HX_Request="true")


def test_an_invalid_form_is_422_with_and_without_script():
    assert htmx.invalid(asked(), TEMPLATE, {}, partial="notice").status_code == 422
    assert htmx.invalid(asked(HX_Request="true"), TEMPLATE, {}, partial="notice").status_code == 422


def test_the_last_poll_ends_polling_but_a_page_stays_a_page():
    assert htmx.last_poll(asked(HX_Request="true"), TEMPLATE, {}, partial="notice").status_code == 286
    assert htmx.last_poll(asked(), TEMPLATE, {}, partial="notice").status_code == 200


def test_an_act_leads_on_with_and_without_script():
    plain, swapped = htmx.go(asked(), "/releases/7"), htmx.go(asked(HX_Request="true"), "/releases/7")
    assert (plain.status_code, plain["Location"]) == (303, "/releases/7")
    assert (swapped.status_code, swapped["HX-Redirect"]) == (200, "/releases/7")
