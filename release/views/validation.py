"""The pages of a checkpoint's validation: findings, tensors, bytes, comparison. For members alone."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from registry.services.evidence import stop_evidence
from registry.states import EvidenceKind
from release import evidence_policies
from release.presenters import comparison, icicle, tensors
from release.presenters import validation as shown
from release.presenters import variant as head
from release.selectors import checkpoints_of
from release.selectors import comparison as comparable
from release.selectors import tensors as rows
from release.selectors import validation as reads
from release.selectors import variants as selectors
from release.views.variant import inside, may_run
from rules import Refused
from web import htmx

KEPT = "Files that were read to their end need not be read again."
TABS = (
    ("validation", "Findings", "checklist"),
    ("tensors", "Tensors", "table"),
    ("bytes", "Bytes", "chart-bar"),
    ("compare", "Compare", "columns"),
)


@require_safe
@login_required
def findings(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Show the verdict, what was found and in which files; while it is being made, how far it is."""
    context = _context(request, organization, name, "validation")
    checkpoint, evidence = context["checkpoint"], context["evidence"]
    context |= reads.work(checkpoint) if checkpoint else {"job": None, "parts": []}
    if evidence:
        found = shown.findings(evidence)
        filters = shown.Filters(*(request.GET.get(one, "") for one in ("severity", "check", "path")), _after(request))
        address = {**context["address"], "severity": filters.severity, "check": filters.check, "path": filters.path}
        context |= {
            "verdict": shown.verdict(evidence, found),
            "sections": shown.grouped(found, filters),
            "filters": filters,
            "choices": shown.choices(found),
            "files": shown.files(evidence, context["inspected"], found),
            "pages": shown.pages(sum(filters.keep(one) for one in found), filters.after, shown.PAGE_PLACES, address)
            if filters.check
            else None,
        }
    if request.headers.get("HX-Target") == "work":
        return _poll(request, context)
    target = "_findings" if htmx.wants_partial(request) else "findings"
    return htmx.page(request, f"registry/validation/{target}.html", context, partial="findings")


def _poll(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The work under way; once it has ended the page is shown anew, with what was found."""
    if context["job"] and context["job"].is_open:
        return htmx.page(request, "registry/validation/findings.html", context, partial="work")
    answer = htmx.last_poll(request, "registry/validation/findings.html", context, partial="work")
    if htmx.wants_partial(request):
        answer["HX-Refresh"] = "true"
    return answer


@require_safe
@login_required
def browse(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Search and sort the tensors."""
    context = _context(request, organization, name, "tensors")
    seen = context["inspected"]
    if seen is not None:
        wanted = tensors.wanted(request.GET, seen)
        found = rows.rows(seen, wanted)
        after, total = _after(request), rows.count(seen, wanted, found)
        address = context["address"] | tensors.address(wanted)
        context |= {
            "wanted": wanted,
            "rows": [(row, seen.paths[row.inspection_id]) for row in found[after : after + rows.PAGE]],
            "page": shown.pages(total, after, rows.PAGE, address),
            "headers": shown.headers(wanted, address),
            "dtypes": rows.by_dtype(seen),
            "paths": sorted(path for path, count in seen.counts.items() if count),
        }
    return htmx.page(request, "registry/validation/tensors.html", context, partial="tensors")


@require_safe
@login_required
def tensor(request: HttpRequest, organization: str, name: str, tensor_id: int) -> HttpResponse:
    """Show one tensor: its statistics, what was found in it, and the same part in the other layers."""
    context = _context(request, organization, name, "tensors")
    seen = context["inspected"]
    found = rows.one(seen, tensor_id) if seen is not None else None
    if found is None:
        raise Refused.because(evidence_policies.UNKNOWN_TENSOR)
    path = seen.paths[found.inspection_id]
    own = [one for one in shown.findings(context["evidence"]) if (one.path, one.tensor) == (path, found.name)]
    context |= {"tensor": found, "path": path, "findings": own, "line": tensors.number_line(found)}
    context |= tensors.across_layers(rows.siblings(seen, found), found)
    return htmx.page(request, "registry/validation/tensor.html", context, partial="tensor")


@require_safe
@login_required
def where(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Draw where the bytes are, below one module."""
    context = _context(request, organization, name, "bytes")
    seen, at = context["inspected"], request.GET.get("at", "")[:500]
    if seen is not None:
        dtypes = rows.by_dtype(seen)
        numbers = icicle.colors([one.dtype for one in dtypes])
        root = icicle.tree(rows.cells(seen, at), at)
        boxes = icicle.boxes(root, numbers)
        context |= tensors.drawing(root, boxes, dtypes, numbers)
    return htmx.page(request, "registry/validation/bytes.html", context, partial="bytes")


@require_safe
@login_required
def compare(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Say how the tensors of two checkpoints relate."""
    context = _context(request, organization, name, "compare")
    given = request.GET.get("with", "")
    context["others"] = comparable.others(request.user, context["checkpoint"], given)
    if given and context["inspected"] is not None:
        other = comparable.chosen(request.user, given)
        context |= {"other": other} | comparison.context(context["evidence"], other)
    return htmx.page(request, "registry/validation/compare.html", context, partial="relation")


@require_POST
@login_required
def stop(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Stop making one kind of evidence."""
    seen = inside(request, organization, name)
    may_run(request, seen).require()
    kind, digest = request.POST.get("kind", ""), request.POST.get("checkpoint", "")
    if kind not in set(EvidenceKind):
        raise Refused.because(evidence_policies.UNKNOWN_EVIDENCE, kind=kind[:40])
    checkpoint = selectors.checkpoint_seen(seen, digest)
    if checkpoint is not None and stop_evidence(checkpoint=checkpoint, kind=EvidenceKind(kind), by=request.user):
        is_smoke = kind == EvidenceKind.SMOKE
        messages.success(request, "It was stopped." if is_smoke else f"It was stopped. {KEPT}")
    page = "variant:smoke" if kind == EvidenceKind.SMOKE else "variant:validation"
    address = reverse(page, args=[seen.variant.organization.name, seen.variant.name])
    return htmx.go(request, f"{address}?checkpoint={digest}")


def _context(request: HttpRequest, organization: str, name: str, tab: str) -> dict[str, Any]:
    """What all pages of a validation show: the variant, the checkpoint, its newest report and what was inspected."""
    seen = inside(request, organization, name)
    checkpoint = selectors.checkpoint_seen(seen, request.GET.get("checkpoint", ""))
    evidence = reads.validation_of(checkpoint) if checkpoint else None
    inspected = rows.inspected(checkpoint, evidence.rules_version) if checkpoint and evidence else None
    place = [seen.variant.organization.name, seen.variant.name]
    address = {"checkpoint": checkpoint.digest} if checkpoint else {}
    query = f"?checkpoint={checkpoint.digest}" if checkpoint else ""
    return head.head(request.user, seen, "evidence") | {
        "checkpoint": checkpoint,
        "commits": checkpoints_of(seen.variant),
        "may_run": may_run(request, seen),
        "evidence": evidence,
        "inspected": inspected,
        "has_tensors": bool(inspected and any(inspected.counts.values())),
        "address": address,
        "here": reverse(f"variant:{tab}", args=place),
        "sections_of_it": [
            {
                "label": label,
                "url": reverse(f"variant:{one}", args=place) + query,
                "is_current": one == tab,
                "icon": icon,
            }
            for one, label, icon in TABS
        ],
    }


def _after(request: HttpRequest) -> int:
    """From which row on; anything that is no number begins at the first."""
    given = request.GET.get("after", "")
    return min(int(given), 10**9) if given.isascii() and given.isdigit() and len(given) < 11 else 0
