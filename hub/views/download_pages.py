"""The page of a model's downloads, for members of its organization: how many, when, and of which checkpoint."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from hub.selectors.download_counts import WEEKS, downloads_of
from release.presenters import variant as shown
from release.views.variant import inside


@require_safe
@login_required
def downloads(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """How often the model was downloaded in the last weeks."""
    seen = inside(request, organization, name)
    counted = downloads_of(seen.variant, now=timezone.now())
    bars = [(f"{week.begins.day} {week.begins:%b}", week.downloads) for week in counted.weeks]
    context = {"counted": counted, "bars": bars, "week_count": WEEKS, "latest_first": list(reversed(counted.weeks))}
    return render(request, "hub/downloads.html", shown.head(request.user, seen, "hub:downloads") | context)
