"""The tags and filters that pages are built with: `{% load imprimatur %}`.

Each tag draws one component of `templates/components/`; all are shown at /ui/. A tag takes facts and statuses that
presenters made, and holds no rule: what is allowed is asked before the page is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django import template
from django.contrib.messages.storage.base import Message
from django.template import Context
from django.utils import timezone
from django.utils.html import escape, format_html_join
from django.utils.safestring import SafeString

from rules import Verdict
from web import charts, formatting, icons, tones
from web.markdown import render_card

register = template.Library()
OPENING, CLOSING = SafeString("<code>"), SafeString("</code>")


def _read(thing: Any, name: str, default: Any = "") -> Any:
    """One fact of a mapping or an object."""
    value = thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)
    return default if value is None else value


# --- filters -----------------------------------------------------------------------------------


@register.filter(name="bytes")
def bytes_(count: int | None) -> str:
    """`{{ file.size_bytes|bytes }}`: 1.25 GiB."""
    return formatting.size(count)


@register.filter
def percent(done: float | None, total: float | None) -> str:
    """`{{ done|percent:total }}`: 42 %, or a dash where the total is unknown."""
    whole = formatting.percent(done, total)
    return "–" if whole is None else f"{whole} %"


@register.filter
def duration(seconds: float | None) -> str:
    """`{{ job.seconds|duration }}`: 2 h 05 min."""
    return formatting.duration(seconds)


@register.filter
def thousands(count: int | None) -> str:
    """`{{ count|thousands }}`: 1 234 567, with narrow spaces."""
    return formatting.thousands(count)


@register.filter
def figure(amount: float) -> str:
    """`{{ bar.value|figure }}`: a whole number in groups, or two digits after the point."""
    return formatting.thousands(int(amount)) if amount == int(amount) else f"{amount:.2f}"


@register.filter
def inline_code(text: str) -> SafeString:
    """`{{ check.meaning|inline_code }}`: what stands between backticks as code, all of it escaped."""
    parts = str(text).split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return format_html_join(
        "", "{}{}{}", ((OPENING, part, CLOSING) if n % 2 else ("", part, "") for n, part in enumerate(parts))
    )


@register.filter
def message_tone(message: Message) -> str:
    """The tone of one of Django's messages."""
    return tones.MESSAGE_TONES[message.level_tag]


@register.filter
def short_digest(digest: str) -> str:
    """`{{ checkpoint.digest|short_digest }}`: the first 12 characters, for titles and sentences."""
    return formatting.short_digest(digest)


@register.filter
def relative(at: datetime) -> str:
    """`{{ grant.expires_at|relative }}`: in 3 days, for sentences; elsewhere use the tag `moment`."""
    return formatting.relative(at, timezone.now())


@register.filter
def card(text: str) -> SafeString:
    """`{{ text|card }}`: Markdown from outside as safe HTML."""
    return render_card(text)


# --- small parts -------------------------------------------------------------------------------


@register.simple_tag
def icon(name: str, label: str = "", css: str = "") -> SafeString:
    """`{% icon "lock" %}`, or with a label of its own `{% icon "lock" label="Gated" %}`."""
    return icons.svg(name, label=label, css=css)


@register.simple_tag
def tone_icon(tone: str) -> SafeString:
    """`{% tone_icon tone %}`: the icon that goes with a tone."""
    return icons.svg(tones.TONE_ICONS[tones.Tone(tone)])


@register.inclusion_tag("components/pill.html")
def pill(status: Any = None, *, label: str = "", tone: str = "", icon: str = "") -> dict[str, Any]:
    """`{% pill status %}` of what a presenter made, or `{% pill label="Live" tone="success" %}`."""
    if status:
        label, tone, icon = _read(status, "label"), _read(status, "tone"), _read(status, "icon")
    return {"status": tones.Status(label, tones.Tone(tone or "neutral"), icon)}


@register.inclusion_tag("components/pill.html")
def outcome(value: str) -> dict[str, Any]:
    """`{% outcome evidence.outcome %}`: pass, warn, fail, not_run or running."""
    return {"status": tones.OUTCOMES[value]}


@register.inclusion_tag("components/digest.html")
def digest(value: str, length: int = 12, *, copy: bool = True) -> dict[str, Any]:
    """`{% digest checkpoint.digest %}`: short, with the full one in its title and on the copy button."""
    return {"full": value, "short": formatting.short_digest(value, length), "copy": copy}


@register.inclusion_tag("components/moment.html")
def moment(at: datetime | date | None, form: str = "both") -> dict[str, Any]:
    """`{% moment at %}`: absolute and relative; `"short"` shows the relative, `"date"` the absolute one alone."""
    if form not in {"both", "short", "date"}:
        raise ValueError(f"A moment has no form {form!r}.")
    shown = {"at": at, "form": form}
    if at is not None:
        shown["absolute"] = formatting.absolute(at)
    if isinstance(at, datetime):
        shown["relative"] = formatting.relative(at, timezone.now())
    return shown


@register.inclusion_tag("components/person.html")
def person(user: Any, note: str = "") -> dict[str, Any]:
    """`{% person release.submitted_by "release manager" %}`: a user, a name, or None for the system."""
    if user is None or user == "":
        return {"name": "System", "is_service": True, "note": note}
    if isinstance(user, str):
        return {"name": user, "initials": formatting.initials(user), "note": note}
    name = _read(user, "display_name") or _read(user, "username") or str(user)
    return {
        "name": name,
        "username": _read(user, "username"),
        "initials": formatting.initials(name),
        "is_service": _read(user, "is_service", False),
        "note": note,
    }


# --- parts that carry a decision ---------------------------------------------------------------


@register.inclusion_tag("components/finding.html")
def finding(found: Any) -> dict[str, Any]:
    """`{% finding f %}`: reads severity, check, message, and where given path, tensor, evidence, fix."""
    status = tones.SEVERITIES[str(_read(found, "severity"))]
    return {"finding": found, "status": status}


@register.inclusion_tag("components/reasons.html")
def reasons(verdict: Verdict | None) -> dict[str, Any]:
    """`{% reasons verdict %}`: every reason against an act, with who can lift it; nothing where it is allowed."""
    return {"reasons": verdict.reasons if verdict else ()}


@register.inclusion_tag("components/action.html", takes_context=True)
def action(
    context: Context, label: str, url: str = "", verdict: Verdict | None = None, **options: Any
) -> dict[str, Any]:
    """`{% action "Approve" url verdict tone="primary" icon="signature" hidden=fields %}`: a form that posts.

    A refused act stays visible, disabled, with its reasons beside it. Options: `tone` (primary, plain, danger),
    `icon`, `hidden` (mapping of names to values), `method` ("get" leads to a page that asks first), `target` (a
    selector: htmx swaps it), `note` (what will happen, one sentence).
    """
    unknown = options.keys() - {"tone", "icon", "hidden", "method", "target", "note"}
    if unknown or options.get("tone", "plain") not in {"primary", "plain", "danger"}:
        raise ValueError(f"An action cannot be drawn with {options!r}.")
    return {
        "label": label,
        "url": url,
        "reasons": verdict.reasons if verdict is not None else (),
        "csrf_token": context.get("csrf_token"),
        "tone": "plain",
        "method": "post",
        **options,
    }


@register.inclusion_tag("components/requirement.html")
def requirement(asked: Any) -> dict[str, Any]:
    """`{% requirement r %}`: reads outcome (met, unmet, waived, not_run, running), label, and where given detail,
    evidence_url, evidence_label, next_by (who acts next) and reasons."""
    return {"requirement": asked, "status": tones.REQUIREMENTS[str(_read(asked, "outcome"))]}


# --- larger parts ------------------------------------------------------------------------------


@register.inclusion_tag("components/empty.html")
def empty(title: str, text: str = "", *, icon: str = "inbox", url: str = "", action: str = "") -> dict[str, Any]:
    """`{% empty "No releases yet" "Draft one from a checkpoint." url=u action="Draft a release" %}`."""
    return {"title": title, "text": text, "icon": icon, "url": url, "action": action}


@register.inclusion_tag("components/progress.html")
def progress(
    done: int | None,
    total: int | None,
    label: str = "Progress",
    *,
    seconds_left: float | None = None,
    unit: str = "bytes",
    step: str = "",
) -> dict[str, Any]:
    """`{% progress job.done job.total "Hashing" seconds_left=job.seconds_left %}`; `unit` bytes or a noun."""
    shown = formatting.size if unit == "bytes" else formatting.thousands
    whole = formatting.percent(done or 0, total)
    return {
        "label": label,
        "done": done or 0,
        "total": total,
        "percent": whole,
        "tenth": None if whole is None else whole // 10 * 10,
        "done_text": shown(done or 0),
        "total_text": shown(total) if total else "",
        "unit": "" if unit == "bytes" else unit,
        "left": formatting.duration(seconds_left) if seconds_left is not None else "",
        "step": step,
    }


@register.inclusion_tag("components/steps.html")
def steps(items: Iterable[Any], label: str = "Steps") -> dict[str, Any]:
    """`{% steps items %}`: each has label, state (of `tones.STEPS`), and where given at, note."""
    shown = [
        {
            "label": _read(item, "label"),
            "state": _read(item, "state"),
            "status": tones.STEPS[str(_read(item, "state"))],
            "at": _read(item, "at", None),
            "note": _read(item, "note"),
        }
        for item in items
    ]
    return {"steps": shown, "label": label}


@register.inclusion_tag("components/timeline.html")
def timeline(events: Iterable[Any]) -> dict[str, Any]:
    """`{% timeline events %}`: each has at, sentence, and where given tone, icon, actor, url, detail."""
    shown = []
    for event in events:
        status = tones.Status("", tones.Tone(_read(event, "tone", "neutral")), _read(event, "icon"))
        shown.append({"event": event, "status": status, "actor": _read(event, "actor", None)})
    return {"events": shown}


@register.inclusion_tag("components/tabs.html")
def tabs(items: Iterable[Any], label: str = "Sections") -> dict[str, Any]:
    """`{% tabs items "Variant" %}`: each has label, url, is_current, and where given count, icon."""
    return {"items": list(items), "label": label}


@register.inclusion_tag("components/datagrid.html")
def datagrid(pairs: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """`{% datagrid pairs %}`: names and plain values; with components inside, write `<dl class="datagrid">`."""
    return {"pairs": pairs.items() if isinstance(pairs, Mapping) else list(pairs)}


@register.inclusion_tag("components/file_row.html")
def file_row(file: Any, url: str = "", status: Any = None, *, is_named_whole: bool = True) -> dict[str, Any]:
    """`{% file_row f url %}`: a row of `<table class="files">`; reads path, size_bytes, and where given sha256.

    A list of one folder, which says so above, leaves its name out with `is_named_whole=False`.
    """
    folder, slash, name = str(_read(file, "path")).rpartition("/")
    shown = folder + slash if is_named_whole else ""
    return {"file": file, "folder": shown, "name": name, "url": url, "status": status}


@register.inclusion_tag("components/pages.html")
def pages(page: Any, noun: str = "rows", *, after: str = "Older", before: str = "Newer") -> dict[str, Any]:
    """`{% pages page "releases" %}`: links to the pages around a `web.pagination.KeyPage`; lists that are not by time
    say `after="Further" before="Earlier"`."""
    return {"page": page, "noun": noun, "after": after, "before": before}


@register.inclusion_tag("components/breadcrumbs.html")
def breadcrumbs(*trail: str) -> dict[str, Any]:
    """`{% breadcrumbs "Models" models_url "acme" acme_url "nimbus-nano" %}`: names and addresses in turn."""
    pairs = [(trail[at], trail[at + 1] if at + 1 < len(trail) else "") for at in range(0, len(trail), 2)]
    return {"trail": pairs}


# --- forms -------------------------------------------------------------------------------------


@register.inclusion_tag("components/error_summary.html")
def error_summary(form: Any, title: str = "There is a problem", *, focus: bool = True) -> dict[str, Any]:
    """`{% error_summary form %}`: all errors, each leading to its field; nothing where there is none.

    It takes the focus when it arrives, unless told not to.
    """
    if not form.is_bound or not form.errors:
        return {"errors": []}
    found = [("", "", message) for message in form.non_field_errors()]
    for bound in form:
        target = bound.id_for_label or bound.auto_id
        found += [(target, bound.label, message) for message in bound.errors]
    return {"errors": found, "title": title, "focus": focus}


@register.inclusion_tag("components/field.html")
def field(bound: Any, hint: str = "") -> dict[str, Any]:
    """`{% field form.reason "Shown to the requester." %}`: label, help, errors and the control, tied together."""
    widget = bound.field.widget
    kind = _kind_of(widget)
    described = [f"{bound.auto_id}_hint"] if (hint := hint or bound.help_text) else []
    described += [f"{bound.auto_id}_error"] if bound.errors else []
    css = {"select": "form-select", "checkbox": "form-check-input", "choices": "form-check-input"}
    invalid = " is-invalid" if bound.errors else ""
    attrs = {"class": f"{css.get(kind, 'form-control')} {widget.attrs.get('class', '')}".strip() + invalid}
    if kind == "date":
        widget.input_type, widget.format = "date", "%Y-%m-%d"
    if bound.errors:
        attrs["aria-invalid"] = "true"
    if described:
        attrs["aria-describedby"] = " ".join(described)
    shown = {"kind": kind, "hint": hint, "bound": bound, "described": " ".join(described)}
    if kind == "choices":  # drawn one by one by the component; only the widget can hand a class to each
        widget.attrs["class"] = attrs["class"]
    else:
        shown["widget"] = bound.as_widget(attrs=attrs)
    return shown | {"is_optional": not bound.field.required and kind not in {"checkbox", "hidden"}}


def _kind_of(widget: Any) -> str:
    """Which of our controls a widget is drawn as."""
    names = [base.__name__ for base in type(widget).__mro__]
    for name, kind in (
        ("HiddenInput", "hidden"),
        ("CheckboxSelectMultiple", "choices"),
        ("RadioSelect", "choices"),
        ("CheckboxInput", "checkbox"),
        ("Select", "select"),
        ("Textarea", "textarea"),
        ("DateInput", "date"),
    ):
        if name in names:
            return kind
    return "text"


# --- charts ------------------------------------------------------------------------------------


@register.inclusion_tag("components/bars.html")
def bars(rows: Iterable[tuple[str, float]], label: str, unit: str = "") -> dict[str, Any]:
    """`{% bars rows "Downloads by month" %}`: pairs of name and amount, with the table behind them."""
    return {"chart": charts.bars(list(rows)), "label": label, "unit": unit}


@register.inclusion_tag("components/sparkline.html")
def sparkline(values: Iterable[float], label: str) -> dict[str, Any]:
    """`{% sparkline values "Downloads, last 30 days" %}`: a line the height of text, its figures in words."""
    return {"chart": charts.sparkline(list(values)), "label": label}


@register.inclusion_tag("components/donut.html")
def donut(parts: Iterable[Any], label: str) -> dict[str, Any]:
    """`{% donut parts "By disclosure" %}`: triples of name, amount and tone, with the table behind them."""
    return {"chart": charts.donut(list(parts)), "label": label}
