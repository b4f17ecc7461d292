"""The page that shows every component, and the choice of colors."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from web import context, specimens

YEAR_SECONDS = 365 * 24 * 3600


@require_GET
@login_required
def components(request: HttpRequest) -> HttpResponse:
    """Show every component in every variant, made of specimens that name themselves as such."""
    return render(request, "ui/components.html", specimens.all_of_them(request))


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or the system's choice in a cookie, and lead back."""
    chosen = request.POST.get("theme", "")
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    answer = HttpResponseRedirect(target, status=303)
    if chosen in context.THEMES:
        answer.set_cookie(
            context.THEME_COOKIE,
            chosen,
            max_age=YEAR_SECONDS,
            samesite="Lax",
            httponly=True,
            secure=request.is_secure(),
        )
    return answer
