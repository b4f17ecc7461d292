"""Pages of background work."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from jobs import policies, presenters, selectors, subjects
from jobs.services import database_now
from jobs.states import JobState
from web import htmx
from web.pagination import page_by_key

SHOWN_PARTS = 200


@require_safe
@login_required
def jobs(request: HttpRequest) -> HttpResponse:
    """Show what runs, waits and has failed, with the workers that do it."""
    policies.may_see_workers(is_concerned=subjects.are_shown_to(request.user)).require()
    state = request.GET.get("state", "")
    page = page_by_key(request, selectors.of_state(request.user, state), size=30)
    context = {
        "page": page,
        "rows": presenters.rows(selectors.with_parts(page.rows), database_now()),
        "tabs": _tabs(state),
        "workers": presenters.worker_rows(selectors.workers()),
        "is_moving": any(job.is_open for job in page.rows),
    }
    return htmx.page(request, "jobs/list.html", context, partial="list")


@require_safe
@login_required
def job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Show one job; while it is open, the page asks again."""
    found = selectors.job_for(request.user, job_id)
    now = database_now()
    (row,) = presenters.rows([found], now)
    parts = [(part, presenters.status_of(part, now)) for part in selectors.parts(found, SHOWN_PARTS)]
    whole = found.whole
    context = {"row": row, "job": found, "parts": parts, "whole": whole}
    context["whole_title"] = presenters.title_of(whole.kind) if whole else ""
    answer = htmx.page if found.is_open else htmx.last_poll
    return answer(request, "jobs/detail.html", context, partial="work")


def _tabs(current: str) -> list[dict[str, object]]:
    here = reverse("jobs:jobs")
    known = current if current in set(JobState) else ""
    choices = {"": "All", "running": "Running", "queued": "Waiting", "failed": "Failed", "succeeded": "Done"}
    return [
        {"label": label, "url": f"{here}?state={state}" if state else here, "is_current": state == known}
        for state, label in choices.items()
    ]
