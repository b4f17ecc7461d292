"""htmx as the base page sets it up: refusals reach the live region, errors are swapped, polls end, silence is told."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse
from django.template import engines
from django.urls import include, path
from playwright.sync_api import expect

from rules import Kind, Reason, Refused, Verdict

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = """{% extends "base.html" %}{% load imprimatur %}
{% block title %}Swaps{% endblock %}{% block heading %}Swaps{% endblock %}
{% block content %}<div class="panel">
  <div id="target">before</div>
  {% if request.GET.wrong %}<div class="error-summary" tabindex="-1" data-focus>One field is wrong.</div>{% endif %}
  {% for name in names %}
    <form method="post" action="/swap/{{ name }}" hx-post="/swap/{{ name }}" hx-target="#target">{% csrf_token %}
      <button class="btn btn-plain">{{ name }}</button>
    </form>
  {% endfor %}
  <div id="poll" hx-get="/swap/poll" hx-trigger="every 100ms">waiting</div>
</div>{% endblock %}"""
REFUSAL = Verdict((Reason("too_late", "It is too late for <this>.", "Nobody.", Kind.WHEN),))
NAMES = ["accepted", "refused", "invalid", "missing", "failing", "leaving"]
polls: list[int] = []
stages: list[int] = []


def start(request):
    return HttpResponse(engines["django"].from_string(PAGE).render({"names": NAMES}, request))


def swap(request, name):
    if name == "refused":
        raise Refused(REFUSAL)
    if name == "poll":
        polls.append(1)
        return HttpResponse(f"polled {len(polls)}", status=286 if len(polls) >= 3 else 200)
    if name == "stage":
        stages.append(1)
        return HttpResponse(f'<button type="button">Stop</button><p data-say="Stage {len(stages)}">on it</p>')
    if name == "leaving":
        return HttpResponse(headers={"HX-Redirect": "/start?left"})
    if name == "failing":
        return HttpResponse("<h1>trace of the fault</h1>", status=500)
    if name == "missing":
        return HttpResponse(status=204)
    if name == "invalid":
        text = '<div class="error-summary" tabindex="-1" data-focus>Two fields are wrong.</div>'
        return HttpResponse(text, status=422)
    return HttpResponse("after")


urlpatterns = [
    path("start", start),
    path("swap/<str:name>", swap),
    path("", include("accounts.urls")),
    path("", include("web.urls")),
]


@pytest.fixture
def opened(page, live_server, settings):
    settings.ROOT_URLCONF = __name__
    polls.clear()
    stages.clear()
    page.goto(f"{live_server.url}/start")
    expect(page.locator("#poll")).to_contain_text("polled")
    return page


def press(page, name):
    page.get_by_role("button", name=name).click()


def test_an_answer_is_swapped(opened):
    press(opened, "accepted")
    expect(opened.locator("#target")).to_have_text("after")


def test_a_refusal_goes_to_the_live_region_and_leaves_the_rest(opened):
    press(opened, "refused")
    notices = opened.locator("#notices")
    expect(notices).to_contain_text("It is too late for <this>.")
    expect(notices).to_contain_text("Nobody.")
    expect(notices).to_have_attribute("aria-live", "polite")
    expect(opened.locator("#target")).to_have_text("before")


def test_an_invalid_form_is_swapped_and_its_summary_takes_the_focus(opened):
    press(opened, "invalid")
    expect(opened.locator("#target .error-summary")).to_be_focused()


def test_a_summary_of_errors_takes_the_focus_on_arrival(opened, live_server):
    opened.goto(f"{live_server.url}/start?wrong=1")
    expect(opened.locator(".error-summary")).to_be_focused()


def test_an_empty_answer_leaves_all_as_it_is(opened):
    press(opened, "missing")
    opened.wait_for_timeout(200)
    expect(opened.locator("#target")).to_have_text("before")


def test_a_fault_is_told_and_its_page_never_swapped_in(opened):
    press(opened, "failing")
    expect(opened.locator("#notices")).to_contain_text("The server did not answer")
    expect(opened.locator("#target")).to_have_text("before")
    assert "trace of the fault" not in opened.content()


def test_a_server_that_is_away_is_told(opened):
    opened.route("**/swap/accepted", lambda route: route.abort())
    press(opened, "accepted")
    expect(opened.locator("#notices")).to_contain_text("The server did not answer")


def test_what_is_swapped_gives_the_focus_back_and_tells_each_stage(opened):
    ask = "htmx.ajax('GET', '/swap/stage', '#target')"
    opened.evaluate(ask)
    stop = opened.get_by_role("button", name="Stop")
    stop.focus()
    opened.evaluate(ask)
    expect(opened.get_by_role("status").filter(has_text="Stage 2")).to_have_count(1)
    expect(stop).to_be_focused()


def test_an_act_leads_on(opened):
    press(opened, "leaving")
    opened.wait_for_url("**/start?left")


def test_a_poll_ends_when_it_is_told_to(opened):
    expect(opened.locator("#poll")).to_have_text(re.compile("polled [3-9]"))
    opened.wait_for_timeout(400)  # what was under way arrives
    ended_at = len(polls)
    opened.wait_for_timeout(600)
    assert len(polls) == ended_at
