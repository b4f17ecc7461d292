"""Components as their tags draw them: escaped, explained, never by color alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django import forms
from django.template import Context, Template
from django.template.loader import get_template

from rules import Kind, Reason, Verdict
from web.countries import COUNTRIES, CountryField
from web.icons import UnknownIcon
from web.tones import TONE_ICONS, Status, Tone

NASTY = '"><script>alert(1)</script>'
REFUSED = Verdict((Reason("late", "It is <late>.", "Nobody.", Kind.WHEN),))


def drawn(source: str, **context) -> str:
    return Template("{% load imprimatur %}" + source).render(Context(context))


@pytest.mark.parametrize("tone", list(Tone))
def test_a_pill_has_words_and_an_icon_beside_its_color(tone):
    html = drawn("{% pill status %}", status=Status("Words", tone))
    assert f"tone-{tone}" in html
    assert "Words" in html
    assert "<svg" in html


def test_a_pill_takes_a_mapping_or_words():
    assert "tone-gated" in drawn("{% pill status %}", status={"label": "Gated", "tone": "gated"})
    assert "tone-success" in drawn('{% pill label="Live" tone="success" icon="world" %}')
    assert "tone-neutral" in drawn('{% pill label="Plain" %}')


def test_an_unknown_tone_or_icon_or_outcome_is_a_fault():
    with pytest.raises(ValueError, match="chartreuse"):
        drawn('{% pill label="x" tone="chartreuse" %}')
    with pytest.raises(UnknownIcon):
        drawn('{% icon "../../../etc/passwd" %}')
    with pytest.raises(KeyError):
        drawn('{% outcome "probably" %}')
    with pytest.raises(ValueError, match="form"):
        drawn('{% moment None "long" %}')


def test_every_tone_has_an_icon():
    assert set(TONE_ICONS) == set(Tone)


def test_an_icon_is_silent_unless_it_has_a_label():
    assert 'aria-hidden="true"' in drawn('{% icon "lock" %}')
    assert 'aria-label="&quot;' in drawn('{% icon "lock" label=nasty %}', nasty=NASTY)


@pytest.mark.parametrize(
    "source",
    [
        "{% digest nasty %}",
        "{% person nasty nasty %}",
        "{% empty nasty nasty url=nasty action=nasty %}",
        "{% progress 1 2 nasty step=nasty unit=nasty %}",
        "{% breadcrumbs nasty nasty nasty %}",
        "{% pill label=nasty %}",
        "{% datagrid pairs %}",
        "{% tabs items nasty %}",
        "{% steps items nasty %}",
        "{% timeline items %}",
        "{% finding items.0 %}",
        "{% requirement asked %}",
        "{% file_row items.0 nasty %}",
        "{% action nasty nasty icon='lock' hidden=hidden note=nasty target=nasty %}",
        "{% bars rows nasty nasty %}",
        "{% donut parts nasty %}",
        "{% sparkline values nasty %}",
        "{% include 'components/notice.html' with tone='info' text=nasty %}",
    ],
)
def test_nothing_from_outside_comes_out_as_markup(source):
    item = dict.fromkeys(
        (
            "label",
            "url",
            "count",
            "note",
            "sentence",
            "detail",
            "actor",
            "path",
            "message",
            "check",
            "tensor",
            "fix",
            "evidence",
        ),
        NASTY,
    ) | {"severity": "block", "state": "done", "at": datetime(2026, 1, 1, tzinfo=UTC), "size_bytes": 1, "sha256": NASTY}
    asked = dict.fromkeys(("label", "detail", "evidence_url", "evidence_label", "next_by"), NASTY) | {"outcome": "met"}
    html = drawn(
        source,
        nasty=NASTY,
        items=[item],
        asked=asked,
        pairs={NASTY: NASTY},
        hidden={NASTY: NASTY},
        rows=[(NASTY, 1)],
        parts=[(NASTY, 1, "info")],
        values=[1, 2],
    )
    assert "<script" not in html
    assert "&lt;script" in html


def test_a_refused_act_is_disabled_with_its_reasons():
    html = drawn('{% action "Approve" "/approve" verdict tone="primary" %}', verdict=REFUSED)
    assert "disabled" in html
    assert "It is &lt;late&gt;." in html
    assert "Nobody." in html
    assert "disabled" not in drawn('{% action "Approve" "/approve" verdict %}', verdict=Verdict())
    assert "disabled" not in drawn('{% action "Approve" "/approve" %}')


def test_an_act_posts_with_its_token_and_asks_with_get_without():
    html = drawn('{% action "Approve" "/a" hidden=hidden %}', csrf_token="tok", hidden={"seen": "sha256:ab"})
    assert 'method="post"' in html
    assert 'value="tok"' in html
    assert 'name="seen" value="sha256:ab"' in html
    assert "tok" not in drawn('{% action "Withdraw" "/w" method="get" %}', csrf_token="tok")


def test_an_act_that_cannot_be_drawn_is_a_fault():
    with pytest.raises(ValueError, match="cannot be drawn"):
        drawn('{% action "Approve" "/a" color="red" %}')
    with pytest.raises(ValueError, match="cannot be drawn"):
        drawn('{% action "Approve" "/a" tone="gated" %}')


def test_an_act_by_htmx_names_its_target():
    html = drawn('{% action "Run" "/run" target="#evidence" %}')
    assert 'hx-post="/run"' in html
    assert 'hx-target="#evidence"' in html


def test_progress_of_unknown_length_has_no_percent():
    assert "value=" not in drawn("{% progress 5 None %}")
    assert 'value="50"' in drawn("{% progress 5 10 %}")
    assert "48 s left" in drawn("{% progress 5 10 seconds_left=48 %}")


def test_people_and_the_system():
    class User:
        display_name, username, is_service = "Ada Okafor", "safety", False

    assert "AO" in drawn("{% person user %}", user=User())
    assert "System" in drawn("{% person user %}", user=None)


def test_moments():
    at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    assert 'datetime="2026-01-02T03:04:00+00:00"' in drawn("{% moment at %}", at=at)
    assert "2 Jan 2026, 03:04 UTC" in drawn('{% moment at "date" %}', at=at)
    assert "UTC</time>" not in drawn('{% moment at "short" %}', at=at)
    assert "–" in drawn("{% moment at %}", at=None)


def test_filters():
    html = drawn("{{ 2048|bytes }} {{ 1|percent:4 }} {{ 1|percent:None }} {{ 61|duration }} {{ 1500|thousands }}")
    assert html == "2.00 KiB 25 % – 1 min 01 s 1\u202f500"
    assert drawn("{{ 1.5|figure }} {{ 2000|figure }}") == "1.50 2\u202f000"
    assert drawn("{{ d|short_digest }}", d="sha256:" + "a" * 64) == "a" * 12
    assert drawn("{{ at|relative }}", at=datetime(2020, 1, 1, tzinfo=UTC)).endswith("years ago")
    assert "<strong>x</strong>" in drawn("{{ '**x**'|card }}")


class EveryField(forms.Form):
    name = forms.CharField(max_length=3, help_text="Short.")
    text = forms.CharField(widget=forms.Textarea)
    country = CountryField()
    day = forms.DateField(required=False)
    choice = forms.ChoiceField(widget=forms.RadioSelect, choices=[("a", "A"), ("b", "B")])
    many = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple, choices=[("a", "A")], required=False)
    agrees = forms.BooleanField()
    secret = forms.CharField(widget=forms.HiddenInput, required=False)


def test_fields_are_tied_to_their_labels_hints_and_errors():
    form = EveryField({"name": "long", "day": "x"})
    html = drawn("{% for bound in form %}{% field bound %}{% endfor %}", form=form)
    assert 'aria-describedby="id_name_hint id_name_error"' in html
    assert 'id="id_name_hint"' in html
    assert 'id="id_name_error"' in html
    assert 'for="id_text"' in html
    assert 'type="date"' in html
    assert "<legend>Choice" in html
    assert html.count('class="form-check-input') == 4
    assert 'aria-invalid="true"' in html


def test_the_summary_of_errors_leads_to_each_field():
    form = EveryField({"name": "long"})
    form.add_error(None, "Nothing fits.")
    html = drawn("{% error_summary form %}", form=form)
    assert 'role="alert"' in html
    assert "Nothing fits." in html
    for target in ("id_name", "id_text", "id_country", "id_choice", "id_agrees"):
        assert f'href="#{target}"' in html
    assert "alert" not in drawn("{% error_summary form %}", form=EveryField())


def test_a_country_is_stored_by_its_code():
    assert len(COUNTRIES) == 249
    assert CountryField().clean("FI") == "FI"
    with pytest.raises(forms.ValidationError):
        CountryField().clean("Finland")


def test_the_account_is_drawn_for_a_visitor():
    assert get_template("components/account.html").render({"user": type("U", (), {"is_authenticated": False})()})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("`auto_map` names `code`.", "<code>auto_map</code> names <code>code</code>."),
        ("an odd ` one", "an odd ` one"),
        ("`<b>` & <i>", "<code>&lt;b&gt;</code> &amp; &lt;i&gt;"),
        ("", ""),
    ],
)
def test_what_stands_between_backticks_is_code_and_all_of_it_escaped(text, shown):
    assert drawn("{{ text|inline_code }}", text=text) == shown
