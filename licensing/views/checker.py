"""The page that answers "may I?": a license case as a form, and what the engine says of it."""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.http import require_http_methods

from licensing import sight
from licensing.book import book
from licensing.cases import CaseRefused
from licensing.check_form import CheckForm, inputs_of, moved_rows
from licensing.check_presenters import shown
from licensing.engine import Actor, evaluate, read_case
from licensing.engine.lineage import ancestors
from licensing.lineage_reads import graph_of, licensee_of
from licensing.lineage_view import seen_graph
from licensing.selectors import offers
from registry.selectors import actor_for
from web import htmx


@require_http_methods(["GET", "HEAD", "POST"])
def check(request: HttpRequest) -> HttpResponse:
    """Show the form, with one row more or fewer where that was asked for, else with the answer to what it says."""
    given = request.POST if request.method == "POST" else request.GET
    if request.method != "POST" and given.get("variant"):
        return _page(request, CheckForm(_prefilled(request, given["variant"])), variant=given["variant"])
    if "add" in given or "remove" in given:
        row = given.get("remove", "")
        number = int(row) if row.isascii() and row.isdigit() and len(row) < 4 else None
        return _page(request, CheckForm(moved_rows(given, add="add" in given, remove=number)))
    if not given:
        return _page(request, CheckForm())
    form = CheckForm(given)
    if not form.is_valid():
        return _page(request, form, status=422)
    held = book()
    stated = form.as_case()
    try:
        answer = evaluate(read_case(stated, held), held)
    except CaseRefused as refused:
        return _page(request, form, status=422, refused=refused)
    return _page(request, form, answer=shown(answer), case=json.dumps(stated, ensure_ascii=False, indent=2))


def _page(request: HttpRequest, form: CheckForm, *, status: int = 200, **more: object) -> HttpResponse:
    context = {"form": form, "keys": sorted(book().licenses), **more}
    return htmx.page(request, "licensing/check.html", context, partial="body", status=status)


def _prefilled(request: HttpRequest, repo_id: str) -> QueryDict:
    """What is on record of a variant; figures of its organization only for those who belong to it."""
    variant = sight.seen_variant(request.user, repo_id[:200])
    graph = seen_graph(request.user, variant, graph_of(variant))
    parents = ancestors(graph, variant.repo_id)
    offered = offers([variant]).get(variant.pk)
    is_member = actor_for(request.user, variant.organization).is_member
    actor = licensee_of(variant.organization) if is_member else Actor()
    found = QueryDict(mutable=True)
    found.update(inputs_of(parents, name=variant.repo_id, license=offered.license.key if offered else "", actor=actor))
    return found
