"""Pages of signing in and of one's own account."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import presenters, selectors, services, signing_in
from accounts.forms import SignInForm, TokenForm
from rules import Refused
from web import htmx
from web.pagination import page_by_key


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for name and password, and lead on to where the visitor wanted to go."""
    target = _target(request)
    form = SignInForm(request.POST if request.method == "POST" else None)
    context = {"form": form, "next": target}
    if request.method != "POST":
        return HttpResponseRedirect(target) if request.user.is_authenticated else _sign_in_page(request, context)
    if not form.is_valid():
        return _sign_in_page(request, context, status=422)
    try:
        signing_in.sign_in(request, **form.cleaned_data)
    except Refused as refused:
        return _sign_in_page(request, {**context, "verdict": refused.verdict}, status=refused.verdict.status)
    return HttpResponseRedirect(target, status=303)


def _sign_in_page(request: HttpRequest, context: dict[str, object], status: int = 200) -> HttpResponse:
    answer = render(request, "accounts/sign_in.html", context, status=status)
    if status == 429:
        answer["Retry-After"] = str(signing_in.PAUSE_SECONDS)
    return answer


def _target(request: HttpRequest) -> str:
    """Where to go after signing in: only to this host, else to the first page."""
    given = request.POST.get("next", request.GET.get("next", ""))
    safe = url_has_allowed_host_and_scheme(given, {request.get_host()}, require_https=request.is_secure())
    return given if safe else resolve_url("/")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session; safe to send twice."""
    logout(request)
    messages.success(request, "You are signed out.")
    return HttpResponseRedirect(resolve_url("accounts:sign-in"), status=303)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Show who one is, and make a token, whose secret is shown in the answer and never again."""
    if request.method != "POST":
        return _account_page(request, TokenForm())
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _account_page(request, form, status=422)
    new = services.create_token(user=request.user, **form.cleaned_data)
    return _account_page(request, TokenForm(), new=new)


def _account_page(request: HttpRequest, form: TokenForm, *, status: int = 200, **more: object) -> HttpResponse:
    page = page_by_key(request, selectors.tokens_of(request.user), size=20)
    context = {
        "form": form,
        "page": page,
        "rows": presenters.token_rows(page.rows, timezone.now()),
        "held": presenters.roles_of(request.user),
        **more,
    }
    return htmx.page(request, "accounts/account.html", context, partial="tokens", status=status)


@require_POST
@login_required
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    """End one of one's own tokens."""
    token = services.revoke_token(token_id=token_id, user=request.user)
    messages.success(request, f"The token “{token.name}” is revoked; it opens nothing from now on.")
    return htmx.go(request, resolve_url("accounts:account"))
