"""The cockpit of a release, the journal of a publication, and what an outsider would see."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from release import selectors
from release.forms import ApproveForm, RefuseForm
from release.presenters import cockpit as shown
from release.presenters import outsider as outside
from release.presenters import publications
from web import htmx
from web.pagination import page_by_key


@require_GET
@login_required
def cockpit(request: HttpRequest, release_id: int) -> HttpResponse:
    """Everything about one release; htmx asks for the part that workers change, until nothing moves any more."""
    release = selectors.release_for(request.user, release_id)
    actor = selectors.actor_in(release, request.user)
    if not htmx.wants_partial(request):
        return page(request, release)
    context = shown.live(release, actor) | {"asked_with": request.GET.get("known", "")}
    context |= forms(context["facts"].digest)
    answer = htmx.page if context["is_moving"] else htmx.last_poll
    return answer(request, "release/cockpit.html", context, partial="live")


def page(request: HttpRequest, release: object, status: int = 200, **changed: object) -> HttpResponse:
    """The whole page; a refused form comes back on it with everything that was typed."""
    context = shown.whole(release, selectors.actor_in(release, request.user))
    context |= forms(context["facts"].digest) | changed
    return htmx.vary(render(request, "release/cockpit.html", context, status=status))


def forms(digest: str) -> dict[str, object]:
    """The two forms of a signature, bound to the digest that is shown."""
    return {
        "approve_form": ApproveForm(initial={"seen": digest}, prefix="approve"),
        "refuse_form": RefuseForm(initial={"seen": digest}, prefix="refuse"),
    }


@require_GET
@login_required
def journal(request: HttpRequest, release_id: int, publication_id: int) -> HttpResponse:
    """Every file of one publication, and how far it is."""
    release = selectors.release_for(request.user, release_id)
    place = next((row for row in publications.rows(release) if row.row.pk == publication_id), None)
    if place is None:
        raise Http404
    files = page_by_key(request, place.row.files.all(), size=200, key="path")
    context = {"release": release, "place": place, "page": files, "files": publications.journal(files.rows)}
    answer = htmx.page if place.is_on_its_way else htmx.last_poll
    return answer(request, "release/journal.html", context, partial="files")


@require_GET
@login_required
def outsider(request: HttpRequest, release_id: int, name: str) -> HttpResponse:
    """Exactly what an outsider would see of one variant once the release is live."""
    release = selectors.release_for(request.user, release_id)
    item = selectors.item_of(release, name)
    return render(request, "release/outsider.html", outside.view(release, item))
