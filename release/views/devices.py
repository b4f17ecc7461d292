"""The page of devices: what smoke inference can run on, now and lately."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from jobs import device_register, policies, subjects
from release.presenters import devices as shown
from release.selectors.devices import devices_seen_by
from web import htmx


@require_safe
@login_required
def devices(request: HttpRequest) -> HttpResponse:
    """Show all devices that workers have registered, those that are gone too; members of an organization only."""
    policies.may_see_workers(is_concerned=subjects.are_shown_to(request.user)).require()
    cards = shown.cards(devices_seen_by(request.user))
    context = {
        "live": [card for card in cards if card.seen.is_live],
        "gone": [card for card in cards if not card.seen.is_live],
        "patience": device_register.patience().total_seconds(),
    }
    return htmx.page(request, "release/devices.html", context, partial="devices")
