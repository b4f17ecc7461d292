"""The page of a variant's ancestors, with what their licenses demand on each edge."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from licensing import sight
from licensing.book import book
from licensing.check_presenters import shown
from licensing.engine import Circumstances, Disclosure, LineageRefused, Proposal, evaluate_lineage
from licensing.engine.book import NOBODY_RECORDED
from licensing.lineage_reads import graph_of, licensee_of
from licensing.lineage_view import drawing, duties_by_edge, rows_of, seen_graph
from licensing.selectors import offers
from registry.selectors import actor_for
from web import htmx

ROWS = 50


@require_safe
def lineage(request: HttpRequest) -> HttpResponse:
    """Draw the ancestors of a variant, from it or from one of them, and list every edge with its duties."""
    repo_id = request.GET.get("variant", "")[:200]
    variant = sight.seen_variant(request.user, repo_id)
    graph = seen_graph(request.user, variant, graph_of(variant))
    asked = request.GET.get("root", "")
    root = asked if asked in graph else variant.repo_id
    page = _number(request.GET.get("page", ""))
    offered = offers([variant]).get(variant.pk)
    is_member = actor_for(request.user, variant.organization).is_member
    context = {"variant": variant, "root": root, "page_number": page, "offered": offered}
    try:
        answer = evaluate_lineage(
            graph,
            variant.repo_id,
            proposed=Proposal(offered.license.key if offered else "", name=variant.repo_id),
            actor=licensee_of(variant.organization) if is_member else None,
            release=Circumstances(Disclosure.PUBLIC, ("worldwide",)),
            book=book().with_licenses([NOBODY_RECORDED]),
        )
    except LineageRefused as problem:
        return htmx.page(
            request, "licensing/lineage.html", context | {"problem": str(problem)}, partial="body", status=409
        )
    duties = duties_by_edge(variant.repo_id, answer)
    rows = Paginator(rows_of(graph, variant.repo_id, duties), ROWS)
    context |= {
        "drawing": drawing(graph, root, duties, page=page),
        "rows": rows.get_page(_number(request.GET.get("rows", ""))),
        "answer": shown(answer),
    }
    return htmx.page(request, "licensing/lineage.html", context, partial="body")


def _number(given: str) -> int:
    return int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 5 and int(given) else 1
