"""The pages of a variant, for members and for outsiders who may know of it. Hidden answers as missing."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from licensing.presenters import sheet
from licensing.selectors import offers
from registry.presenters import level
from registry.selectors import actor_for
from registry.services.evidence import start_evidence
from registry.states import EvidenceKind
from release import evidence_policies, policies
from release.packaging import CARD, LIMIT_BYTES, read_text
from release.presenters import evidence as evidence_shown
from release.presenters import states
from release.presenters import variant as shown
from release.presenters.files import listing
from release.selectors import checkpoints_of
from release.selectors import variants as selectors
from rules import Refused, Verdict
from web import htmx
from web.pagination import page_by_key

HAVE_A_PAGE = (EvidenceKind.VALIDATION, EvidenceKind.SMOKE)


@require_safe
def plain(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """The address as the Hub's client prints it, without the last slash; leads on without saying whether it exists."""
    return HttpResponsePermanentRedirect(reverse("variant:card", args=[organization, name]))


@require_safe
def card(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """The model card."""
    seen = selectors.seen_by(request.user, organization, name)
    context = shown.head(request.user, seen, "card")
    if seen.commit:
        context |= {"text": read_text(seen.commit.checkpoint, CARD), "limit": LIMIT_BYTES}
        context["hardware"] = selectors.hardware_of(seen.variant, seen.commit.checkpoint)
    return render(request, "registry/card.html", context)


@require_safe
def files(request: HttpRequest, organization: str, name: str, revision: str = "") -> HttpResponse:
    """The files of one folder at a revision."""
    seen = selectors.seen_by(request.user, organization, name, revision)
    context = shown.head(request.user, seen, "files") | {"revision": revision}
    if seen.commit:
        rows = seen.commit.checkpoint.files.select_related("blob")
        context["listing"] = listing(seen.variant, seen.commit, rows, seen.access, request.GET.get("folder", ""))
    return render(request, "registry/files.html", context)


@require_safe
def license(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Under which license it is offered, in plain words."""
    seen = selectors.seen_by(request.user, organization, name)
    version = offers([seen.variant]).get(seen.variant.pk)
    context = shown.head(request.user, seen, "license")
    context |= {"version": version, "sheet": sheet(version) if version else None}
    return render(request, "registry/license.html", context)


@require_safe
@login_required
def evidence(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """What was found out about one checkpoint; members only."""
    seen = inside(request, organization, name)
    checkpoint = selectors.checkpoint_seen(seen, request.GET.get("checkpoint", ""))
    context = shown.head(request.user, seen, "evidence") | {"checkpoint": checkpoint}
    context |= {"commits": checkpoints_of(seen.variant), "may_run": may_run(request, seen)}
    if checkpoint:
        context |= evidence_shown.context(checkpoint)
        context["source"] = selectors.source_of(seen.variant, checkpoint)
    answer = htmx.page if context.get("is_moving") else htmx.last_poll
    return answer(request, "registry/evidence.html", context, partial="making")


@require_POST
@login_required
def run_again(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Have one kind of evidence made once more."""
    seen = inside(request, organization, name)
    may_run(request, seen).require()
    digest, kind = request.POST.get("checkpoint", ""), request.POST.get("kind", "")
    if kind not in set(EvidenceKind):
        raise Refused.because(evidence_policies.UNKNOWN_EVIDENCE, kind=kind[:40])
    checkpoint = selectors.checkpoint_seen(seen, digest)
    if checkpoint is not None:
        start_evidence(checkpoint=checkpoint, kinds={EvidenceKind(kind)}, again=True)
        messages.success(request, "It will be made again; the earlier result stays on record.")
    address = reverse(f"variant:{_page_of(request, kind)}", args=[seen.variant.organization.name, seen.variant.name])
    return htmx.go(request, f"{address}?checkpoint={digest}#{kind}")


@require_safe
@login_required
def history(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Commits, names for them, decisions, and what was public when; members only."""
    seen = inside(request, organization, name)
    commits = seen.variant.commits.select_related("checkpoint", "author")
    context = shown.head(request.user, seen, "history") | {
        "page": page_by_key(request, commits, size=30),
        "refs": selectors.refs_of(seen.variant),
        "servings": [(row, release, level(row.level)) for row, release in selectors.servings_of(seen.variant)],
        "releases": [(one, states.release(one.state)) for one in selectors.releases_of(seen.variant)],
    }
    return render(request, "registry/history.html", context)


def _page_of(request: HttpRequest, kind: str) -> str:
    """Where the form was sent from: the page of this kind of evidence, or that of all kinds."""
    return kind if request.POST.get("from") == kind and kind in HAVE_A_PAGE else "evidence"


def inside(request: HttpRequest, organization: str, name: str) -> selectors.Seen:
    """The variant for a member; for everybody else this page does not exist."""
    seen = selectors.seen_by(request.user, organization, name)
    if not seen.is_member:
        raise Refused.because(policies.INSIDE_ONLY)
    return seen


def may_run(request: HttpRequest, seen: selectors.Seen) -> Verdict:
    """Whether the viewer may have evidence made again, or stop its making."""
    return evidence_policies.may_run_evidence(actor_for(request.user, seen.variant.organization))
