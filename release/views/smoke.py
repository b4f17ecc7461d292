"""The page of a smoke report, and the report itself. For members alone."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from registry.inference import record
from registry.selectors import evidence_work
from registry.states import EvidenceKind
from release import evidence_policies
from release.presenters import smoke as shown
from release.presenters import variant as head
from release.presenters.evidence import WAITING
from release.selectors import checkpoints_of
from release.selectors import smoke as reads
from release.selectors import variants as selectors
from release.views.variant import inside, may_run
from rules import Refused
from web import htmx
from web.tones import OUTCOMES


@require_safe
@login_required
def report(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Show one run of a checkpoint, the newest unless another is named; while one is under way, how far it is."""
    seen = inside(request, organization, name)
    checkpoint = selectors.checkpoint_seen(seen, request.GET.get("checkpoint", ""))
    context: dict[str, Any] = head.head(request.user, seen, "evidence") | {"checkpoint": checkpoint}
    context |= {"commits": checkpoints_of(seen.variant), "may_run": may_run(request, seen), "job": None}
    if checkpoint is not None:
        job = evidence_work(checkpoint).get(EvidenceKind.SMOKE)
        evidence = reads.report_of(checkpoint, request.GET.get("run", ""))
        context |= {"job": job, "working": OUTCOMES["running"] if job and job.state == "running" else WAITING}
        if evidence is not None:
            context |= {"evidence": evidence, "standing": reads.standing(checkpoint)} | shown.context(evidence)
            context |= shown.history(reads.runs_of(seen.variant), evidence.pk) | _beside(request, seen, evidence)
    return _answer(request, context)


@require_safe
@login_required
def download(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Hand out the whole report as JSON; its SHA-256 is the one that the page and the card name."""
    seen = inside(request, organization, name)
    checkpoint = selectors.checkpoint_seen(seen, request.GET.get("checkpoint", ""))
    found = reads.report_of(checkpoint, request.GET.get("run", "")) if checkpoint else None
    if found is None:
        raise Refused.because(evidence_policies.UNKNOWN_RUN, run="")
    answer = HttpResponse(record.canonical(found.report), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="smoke-{seen.variant.name}-{found.pk}.json"'
    return answer


def _beside(request: HttpRequest, seen: selectors.Seen, evidence: Any) -> dict[str, Any]:
    """The reports that this one may be laid beside, and the one that is."""
    choices = reads.comparable(request.user, seen.variant, evidence)
    wanted = request.GET.get("with", "")
    chosen = next((pair for pair in choices if str(pair[1].pk) == wanted), choices[0] if choices else None)
    rows = shown.compared(evidence.report, chosen[1].report) if chosen else []
    return {"choices": choices, "beside": chosen, "compared": rows}


def _answer(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The page; asked for the work alone, that, and once it has ended the page anew with what was found."""
    job = context["job"]
    if request.headers.get("HX-Target") != "work" or (job is not None and job.is_open):
        return htmx.page(request, "registry/smoke/report.html", context, partial="work")
    answer = htmx.last_poll(request, "registry/smoke/report.html", context, partial="work")
    if htmx.wants_partial(request):
        answer["HX-Refresh"] = "true"
    return answer
