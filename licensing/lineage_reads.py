"""What licenses demand of a variant of ours: its recorded lineage, judged with the licenses that are established.

Owns the way from rows to the engine's graph. A variant of the releasing organization adds no terms of its own; one of
another organization is under what it is offered under; one elsewhere under what a legal reviewer established.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.db.models import Max, OuterRef, QuerySet, Subquery

from accounts.models import User
from licensing.book import book
from licensing.cases import Fields
from licensing.engine import (
    Actor,
    Assessment,
    Book,
    Case,
    Circumstances,
    Disclosure,
    Duties,
    Edge,
    KnownLicense,
    Node,
    Proposal,
    duties,
    evaluate,
)
from licensing.engine.book import NOBODY_RECORDED, UNRECORDED_KEY
from licensing.engine.lineage import ancestors
from licensing.engine.reading import read_actor
from licensing.models import LicenseeStatement, LicenseVersion, Offer, UpstreamLicense
from registry.models import LineageEdge, Organization, Variant
from registry.selectors import is_named, variants
from registry.states import Level

DISCLOSURES = {Level.PUBLIC: Disclosure.PUBLIC, Level.GATED: Disclosure.GATED}


@dataclass(frozen=True, slots=True)
class Demands:
    """What lineage demands of one release, before it is known what the release ships."""

    case: Case
    assessment: Assessment
    duties: Duties
    book: Book

    def shipping(self, proposed: Proposal) -> Assessment:
        """The assessment once it is known what the release ships."""
        return evaluate(replace(self.case, proposed=proposed), self.book)


def demands_on(
    variant: Variant, *, level: Level, license_version: LicenseVersion | None, declared: Sequence[Edge] = ()
) -> Demands | None:
    """What the lineage of a variant demands of its release at a level; None where nothing of others is in it.

    `declared` are parents that its card names: whoever says so is believed, since more parents only ask for more.
    """
    graph = graph_of(variant, declared)
    parents = ancestors(graph, variant.repo_id) if len(graph) > 1 else ()
    if not parents:
        return None
    held = book().with_licenses([NOBODY_RECORDED])
    case = Case(
        parents=parents,
        proposed=Proposal(license_version.license.key if license_version else "", name=variant.repo_id),
        actor=licensee_of(variant.organization),
        release=Circumstances(DISCLOSURES.get(level, Disclosure.INTERNAL), ("worldwide",)),
    )
    assessment = evaluate(case, held)
    copied = {duty.origin.license_key for duty in assessment.obligations if duty.id == "OB-COPY-LICENSE"}
    held = held.with_licenses(_with_texts(held, copied))
    return Demands(case, assessment, duties(assessment, case, held), held)


def _with_texts(held: Book, keys: set[str]) -> list[KnownLicense]:
    """These licenses with the texts that are held of them; the book of rules carries none."""
    newest = LicenseVersion.objects.filter(license__key__in=keys).values("license").annotate(newest=Max("pk"))
    rows = LicenseVersion.objects.filter(pk__in=[row["newest"] for row in newest])
    return [replace(held.licenses[key], text=text) for key, text in rows.values_list("license__key", "text")]


def graph_of(variant: Variant, declared: Sequence[Edge] = ()) -> dict[str, Node]:
    """The lineage of a variant as recorded and as declared, by repository names; queries grow with its depth."""
    edges: dict[str, list[Edge]] = {variant.repo_id: []}
    inside: dict[str, Variant] = {variant.repo_id: variant}
    outside: set[str] = set()
    level = [variant]
    for edge in not_recorded(variant, declared):
        own = _variant_of(variant.organization, edge.parent)
        name = own.repo_id if own else edge.parent
        edges[variant.repo_id].append(replace(edge, parent=name))
        if own is None:
            outside.add(name)
        elif own.pk != variant.pk and name not in inside:
            inside[name] = own
            edges[name] = []
            level.append(own)
    while level:
        rows = LineageEdge.objects.filter(child__in=level).select_related("child__organization", "parent__organization")
        level = []
        for row in rows.order_by("id"):
            name = row.parent_name
            edges[row.child.repo_id].append(Edge(name, row.relation))
            if row.parent is None:
                outside.add(name)
            elif name not in inside:
                inside[name] = row.parent
                edges[name] = []
                level.append(row.parent)
    recorded, offered = established(outside), _offered(inside.values(), variant.organization)
    graph = {
        name: Node(
            offered.get(one.pk, UNRECORDED_KEY),
            tuple(edges[name]),
            is_own=one.organization_id == variant.organization_id,
        )
        for name, one in inside.items()
    }
    for name in outside:
        found = recorded.get(name.lower())
        graph[name] = (
            Node(found.license_version.license.key, modality=found.modality) if found else Node(UNRECORDED_KEY)
        )
    return graph


def not_recorded(variant: Variant, declared: Sequence[Edge]) -> list[Edge]:
    """Declared parents that no recorded edge names, and that are not the variant itself."""
    if not declared:
        return []
    recorded = {edge.parent_name.lower() for edge in variant.parent_edges.select_related("parent__organization")}
    return [edge for edge in declared if edge.parent.lower() not in recorded | {variant.repo_id.lower()}]


def _variant_of(organization: Organization, repo_id: str) -> Variant | None:
    """The organization's own variant of that name; those of others are taken for models elsewhere."""
    namespace, _, name = repo_id.partition("/")
    if namespace.lower() != organization.name.lower():
        return None
    return variants().filter(is_named(namespace, name), organization=organization).first()


def established(repo_ids: Iterable[str]) -> dict[str, UpstreamLicense]:
    """What is established of models elsewhere, by their names in lower case; the newest row of each."""
    names = {name.lower() for name in repo_ids}
    if not names:
        return {}
    newest = UpstreamLicense.objects.filter(repo_id__in=names).values("repo_id").annotate(newest=Max("pk"))
    rows = UpstreamLicense.objects.filter(pk__in=[row["newest"] for row in newest])
    return {row.repo_id: row for row in rows.select_related("license_version__license").defer("license_version__text")}


def upstream_licenses(search: str = "") -> QuerySet[UpstreamLicense]:
    """What is established of models elsewhere, the newest row of each, whose name holds the words."""
    newest = UpstreamLicense.objects.filter(repo_id=OuterRef("repo_id")).order_by("-id").values("pk")[:1]
    rows = UpstreamLicense.objects.filter(pk=Subquery(newest), repo_id__icontains=search.strip())
    return rows.select_related("license_version__license").defer("license_version__text").order_by("-id")


def organizations_of(user: User) -> list[Organization]:
    """The organizations that somebody belongs to."""
    return list(Organization.objects.filter(memberships__user=user).distinct())


def licensee_statement(organization: Organization) -> LicenseeStatement | None:
    """The newest statement on an organization as a licensee."""
    return LicenseeStatement.objects.filter(organization=organization).order_by("-id").first()


def licensee_of(organization: Organization) -> Actor:
    """What is known of the organization as a licensee; unknown where nobody stated it."""
    stated = licensee_statement(organization)
    return read_actor(Fields(stated.said)) if stated else Actor()


def _offered(variants: Iterable[Variant], releasing: Organization) -> dict[int, str]:
    """The license that variants of other organizations are offered under, by variant."""
    others = [one.pk for one in variants if one.organization_id != releasing.pk]
    if not others:
        return {}
    newest = Offer.objects.filter(variant__in=others).values("variant").annotate(newest=Max("pk"))
    rows = Offer.objects.filter(pk__in=[row["newest"] for row in newest]).select_related("license_version__license")
    return {row.variant_id: row.license_version.license.key for row in rows.defer("license_version__text")}
