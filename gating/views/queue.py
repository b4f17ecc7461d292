"""The access queue: requests as those meet them who decide."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from gating import policies, presenters, selectors, services
from gating.decision_forms import ReasonForm
from gating.form import plain
from gating.models import AccessRequest
from gating.policies.review import NOT_ANY_REVIEWER
from gating.states import ACCEPT, BY_REQUESTER, REJECT, REOPEN, REVOKE, RequestState
from rules import Refused
from web import htmx
from web.pagination import page_by_key

DECISIONS = {"accept": ACCEPT, "reject": REJECT, "reopen": REOPEN, "revoke": REVOKE}


@login_required
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """List the requests of the organizations whose gates one keeps, those that wait first."""
    if not selectors.is_reviewer(request.user):
        raise Refused.because(NOT_ANY_REVIEWER)
    state = request.GET.get("state", RequestState.PENDING)
    state = state if state in set(RequestState) else RequestState.PENDING.value
    model = plain(request.GET.get("model", "").strip()[:200])
    rows = selectors.of_variant(selectors.requests_for(request.user).filter(state=state), model)
    # Whoever has waited longest comes first; what was decided last comes first.
    page = page_by_key(request, rows, size=30, key="pk" if state == RequestState.PENDING else "-pk")
    context = {
        "page": page,
        "rows": presenters.request_rows(page),
        "tabs": presenters.queue_tabs(request.user, state, model, reverse("gating:queue")),
        "state": state,
        "model": model,
        "median": selectors.decision_time(request.user),
    }
    return htmx.page(request, "gating/queue.html", context, partial="list")


@login_required
@require_safe
def detail(request: HttpRequest, request_id: int) -> HttpResponse:
    """Show one request to its author or to those who may read it."""
    return _page(request, selectors.request_for(request.user, request_id))


@login_required
@require_POST
def decide(request: HttpRequest, request_id: int, verb: str) -> HttpResponse:
    """Accept, reject, reopen or revoke; an invalid reason shows the page again."""
    found = selectors.request_for(request.user, request_id)
    form = ReasonForm(request.POST, prefix=verb)
    reason = request.POST.get(form.add_prefix("reason"), "")
    try:
        _act(verb)(found, request, reason)
    except Refused as refused:
        if refused.verdict.status != 422:
            raise
        form.refuse(refused.verdict)
        return _page(request, found, {verb: form}, status=422)
    messages.success(request, DONE[verb].format(user=found.user.username, variant=found.variant.repo_id))
    return htmx.go(request, resolve_url("gating:request", request_id))


DONE = {
    "accept": "{user} may read {variant} now.",
    "reject": "The request of {user} is rejected; they read your reason.",
    "reopen": "The request of {user} is back in the queue; they have no access meanwhile.",
    "revoke": "{user} may no longer read {variant}; their next download is refused.",
}


def _act(verb: str) -> Callable[[AccessRequest, HttpRequest, str], object]:
    """What a decision does; the addresses know no other verbs."""
    if verb == "revoke":
        return _revoke
    service = {"accept": services.accept, "reject": services.reject, "reopen": services.reopen}[verb]
    return lambda found, request, reason: service(request_id=found.pk, by=request.user, reason=reason)


def _revoke(found: AccessRequest, request: HttpRequest, reason: str) -> object:
    grants = selectors.live_grants_of(found)
    if not grants:
        raise Refused.because(policies.review.GRANT_IS_OVER)
    return services.revoke(grant_id=grants[-1].pk, by=request.user, reason=reason)


def _page(
    request: HttpRequest, found: AccessRequest, forms: dict[str, ReasonForm] | None = None, *, status: int = 200
) -> HttpResponse:
    facts = selectors.request_facts(found)
    actor = selectors.actor_of(request.user, found.variant)
    verdicts = {
        verb: policies.may_move(transition, facts, actor, reason="given") for verb, transition in DECISIONS.items()
    }
    offered = [verb for verb, transition in DECISIONS.items() if transition.starts_at(RequestState(found.state))]
    # Rejecting what was accepted would do what revoking does; the page offers the one word that says it.
    needless = {"reject"} if facts.has_live_grant and found.state == RequestState.ACCEPTED else set()
    needless |= set() if facts.has_live_grant else {"revoke"}
    offered = [verb for verb in offered if verb not in needless]
    context = {
        "asked": found,
        "row": presenters.request_rows([found])[0],
        "answers": presenters.answers(found),
        "grants": presenters.grant_rows(selectors.grants_of(found)),
        "events": presenters.history(selectors.history_of(found)),
        "decisions": presenters.decisions(offered, verdicts, forms or {}),
        "is_own": found.user_id == request.user.pk,
        "may_cancel": any(
            policies.may_move(transition, facts, actor).allowed
            for transition in BY_REQUESTER
            if transition.name != "renew"
        ),
        "is_reader": selectors.is_reviewer(request.user),
    }
    return htmx.page(request, "gating/request.html", context, partial="body", status=status)
