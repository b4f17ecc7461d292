"""The person's side of logging in a program: the code that it shows is typed or followed here, and confirmed."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.presenters import SCOPE_SENTENCES
from accounts.roles import Scope
from hub.services import device_logins
from rules import Refused
from web import htmx


class CodeForm(forms.Form):
    """The code that a program shows."""

    code = forms.CharField(
        label="Code",
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )


class ConfirmForm(CodeForm):
    """What the program may do."""

    code = forms.CharField(max_length=20, widget=forms.HiddenInput)
    scopes = forms.MultipleChoiceField(
        label="What it may be used for",
        choices=[(scope.value, sentence) for scope, sentence in SCOPE_SENTENCES.items()],
        initial=[Scope.READ.value],
        widget=forms.CheckboxSelectMultiple,
    )


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Show which program waits under a code, and let its person confirm or turn it away."""
    given = request.POST if request.method == "POST" else request.GET
    if not given.get("code"):
        return _page(request, {"form": CodeForm()})
    form = ConfirmForm(request.POST) if request.method == "POST" else ConfirmForm(initial={"code": given["code"]})
    try:
        login = device_logins.waiting(code=given["code"], user=request.user)
        if request.method != "POST" or ("deny" not in request.POST and not form.is_valid()):
            context = {"confirm": form, "login": login, "code": device_logins.shown(login.user_code)}
            return _page(request, context, status=422 if request.method == "POST" else 200)
        scopes = [] if "deny" in request.POST else form.cleaned_data["scopes"]
        device_logins.decide(code=given["code"], user=request.user, scopes=scopes)
    except Refused as refused:
        context = {"form": CodeForm(initial={"code": given["code"]}), "verdict": refused.verdict}
        return _page(request, context, status=refused.verdict.status)
    said = "The program is logged in; go back to it." if scopes else "The program was turned away."
    messages.success(request, said)
    return htmx.go(request, resolve_url("accounts:account"))


def _page(request: HttpRequest, context: dict[str, object], status: int = 200) -> HttpResponse:
    return render(request, "hub/device.html", context, status=status)
