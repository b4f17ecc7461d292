"""What people fill in to sign in and to make a token; what is allowed is said by the policies."""

from __future__ import annotations

from django import forms

from accounts import policies
from accounts.presenters import SCOPE_SENTENCES
from accounts.roles import Scope


class SignInForm(forms.Form):
    """A user name and a password, in the words that browsers' key rings know."""

    username = forms.CharField(
        label="User name",
        max_length=150,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
    )
    password = forms.CharField(
        strip=False, max_length=4096, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class TokenForm(forms.Form):
    """A token that somebody asks for."""

    name = forms.CharField(
        max_length=policies.LONGEST_TOKEN_NAME,
        help_text="Where it will be used, such as “training cluster”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label="What it may be used for",
        choices=[(scope.value, sentence) for scope, sentence in SCOPE_SENTENCES.items()],
        initial=[Scope.READ.value],
        widget=forms.CheckboxSelectMultiple,
    )
    expires_days = forms.TypedChoiceField(
        label="Expires after",
        coerce=int,
        choices=[(7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "365 days")],
        initial=90,
    )
