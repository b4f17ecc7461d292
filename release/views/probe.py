"""The page on which a person declares what smoke inference reads of a model."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from registry.inference.declared import in_force
from registry.selectors import actor_for
from registry.services.probes import declare_probe
from release import evidence_policies
from release.forms import tell
from release.presenters import variant as shown
from release.views.variant import inside
from rules import Refused
from smoke.probes import WINDOW
from web import htmx


class OptionalJSON(forms.JSONField):
    """JSON of which an empty field means that nothing is said, and is shown so."""

    def prepare_value(self, value: object) -> object:
        return "" if value is None else super().prepare_value(value)


class ProbeForm(forms.Form):
    """A text and the losses on it."""

    text = forms.CharField(
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12}),
        help_text="Some pages in the model's own domain that no training has seen; up to 256 KiB.",
    )
    bits_per_byte = forms.FloatField(
        required=False, label="Bits per byte", help_text="The loss measured on it at export; empty where it is unknown."
    )
    window = forms.IntegerField(initial=WINDOW, help_text="Tokens read at once; the same as in that measurement.")
    token_losses = OptionalJSON(
        required=False,
        label="Loss of every token",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="What a run with --declare wrote as token_losses: it shows changes that leave the mean alone.",
    )

    def clean_text(self) -> str:
        """With the ends of lines that it was measured with: browsers send others."""
        return str(self.cleaned_data["text"]).replace("\r\n", "\n")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def probe(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Declare the probe of a model; the one in force is shown, and stays on record."""
    seen = inside(request, organization, name)
    may_declare = evidence_policies.may_declare_probe(actor_for(request.user, seen.variant.organization))
    known = in_force(seen.variant)
    fields = ("text", "bits_per_byte", "window", "token_losses")
    form = ProbeForm(request.POST or None, initial={one: getattr(known, one) for one in fields} if known else None)
    if request.method == "POST":
        may_declare.require()
        if form.is_valid():
            try:
                declare_probe(variant=seen.variant, by=request.user, **form.cleaned_data)
                messages.success(request, "Declared. The next run reads it.")
                return htmx.go(request, reverse("variant:smoke", args=[seen.variant.organization.name, name]))
            except Refused as refused:
                tell(form, refused.verdict)
    context = shown.head(request.user, seen, "evidence") | {"form": form, "known": known, "may_declare": may_declare}
    return render(request, "registry/smoke/probe.html", context, status=422 if form.is_bound else 200)
