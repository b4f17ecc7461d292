"""Lineage of any depth: every ancestor's license, by the way in which it comes into the release.

Owns the walk from a release up to its roots, and how relations add up along a path. The terms of a node are those of
all its ancestors; they are never copied from what it declares. The walk visits each ancestor once for each way in which
it reaches the release, so its cost grows with the number of edges.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from licensing.engine.assessment import Assessment
from licensing.engine.book import Book
from licensing.engine.case import Actor, Case, Circumstances, OutputPurpose, Parent, Proposal, Relation, Uses
from licensing.engine.judge import evaluate
from licensing.engine.reach import told_apart


class LineageRefused(ValueError):
    """A lineage that cannot be judged since it is none; says why."""


@dataclass(frozen=True, slots=True)
class Edge:
    """How a node comes from one of its parents; the words may be given as plain text."""

    parent: str
    relation: Relation | None = None
    uses: Uses | None = None
    purpose: OutputPurpose | None = None

    def __post_init__(self) -> None:
        for name, words in (("relation", Relation), ("uses", Uses), ("purpose", OutputPurpose)):
            given = getattr(self, name)
            if given is not None and type(given) is not words:
                object.__setattr__(self, name, words(given))


@dataclass(frozen=True, slots=True)
class Node:
    """One model or data set. `is_own` marks what the releaser made: it adds no demands beside those of its parents."""

    license: str = ""
    edges: tuple[Edge, ...] = ()
    modality: str = ""
    declared_in_card: str = ""
    is_own: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """How a node comes into the release, added up over the edges between them; there are only the eight below."""

    relation: Relation | None
    uses: Uses | None
    purpose: OutputPurpose | None = None


SERVED = Way(Relation.NONE, Uses.MATERIALS)
DERIVED = Way(Relation.FINETUNE, Uses.MATERIALS)
ADAPTED = Way(Relation.ADAPTER, Uses.MATERIALS)
LEARNED_THE_SAME = Way(Relation.OUTPUTS, Uses.OUTPUTS, OutputPurpose.PERFORM_SIMILARLY)
LEARNED_OTHER = Way(Relation.OUTPUTS, Uses.OUTPUTS, OutputPurpose.DIFFERENT_TASK)
LEARNED = Way(Relation.OUTPUTS, Uses.OUTPUTS)
FED = Way(Relation.DATA, Uses.DATA)
UNKNOWN = Way(None, None)

Graph = Mapping[str, Node]
Place = tuple[str, Way | None]
NOTHING_KNOWN = Node()


def evaluate_lineage(
    graph: Graph,
    start: str,
    *,
    proposed: Proposal,
    actor: Actor | None = None,
    release: Circumstances | None = None,
    book: Book | None = None,
) -> Assessment:
    """The answer for the release of a node; raises LineageRefused where its lineage runs in a circle.

    A parent that the graph doesn't hold is one of which nothing is known.
    """
    parents = ancestors(graph, start)
    case = Case(parents, proposed, actor or Actor(), release or Circumstances())
    return evaluate(case, book)


def ancestors(graph: Graph, start: str) -> tuple[Parent, ...]:
    """Every ancestor that others made, nearest first; those that rules cannot tell apart are one, and counted."""
    refuse_circles(graph, start)
    root: Place = (start, None)
    came_from: dict[Place, Place] = {root: root}
    direct: dict[Place, Edge] = {}
    queue: deque[Place] = deque([root])
    first: dict[tuple[object, ...], Place] = {}
    counts: dict[Place, int] = {}
    while queue:
        here = queue.popleft()
        name, so_far = here
        node = graph.get(name, NOTHING_KNOWN)
        if so_far is not None and not node.is_own:
            alike = (node.license, so_far, node.modality, node.declared_in_card, "cosmos" in name.lower())
            place = first.setdefault(alike, here)
            counts[place] = counts.get(place, -1) + 1
        for edge in node.edges:
            there = (edge.parent, _further(so_far, edge))
            if there not in came_from:
                came_from[there] = here
                queue.append(there)
                if so_far is None:
                    direct[there] = edge
    return tuple(_parent(graph, place, also, came_from, direct.get(place)) for place, also in counts.items())


def _parent(graph: Graph, place: Place, also: int, came_from: Mapping[Place, Place], edge: Edge | None) -> Parent:
    name, way = place
    node = graph.get(name, NOTHING_KNOWN)
    path: list[str] = []
    step = came_from[place]
    while came_from[step] != step:
        path.append(step[0])
        step = came_from[step]
    told = edge if edge is not None and way is not UNKNOWN else way
    return Parent(
        license=node.license,
        model=name,
        modality=node.modality,
        relation=told.relation if told else None,
        uses=told.uses if told else None,
        purpose=told.purpose if told else None,
        declared_in_card=node.declared_in_card,
        path=tuple(reversed(path)),
        also=also,
    )


def _further(so_far: Way | None, edge: Edge) -> Way:
    """One edge further up: what learned from outputs or data stays that, whatever lies above."""
    relation, uses, question = told_apart(edge.relation, edge.uses)
    if question or so_far is UNKNOWN:
        return UNKNOWN
    if uses is Uses.DATA:
        return FED
    if uses is Uses.OUTPUTS and relation is not Relation.NONE:
        return _learned(so_far, relation, edge.purpose)
    if so_far is not None and so_far.uses is not Uses.MATERIALS:
        return so_far
    if relation is Relation.ADAPTER or so_far is ADAPTED:
        return ADAPTED
    return SERVED if relation is Relation.NONE and so_far in (None, SERVED) else DERIVED


def _learned(so_far: Way | None, relation: Relation, purpose: OutputPurpose | None) -> Way:
    """Learning from outputs, after what was learned before: the least similar purpose on the path counts."""
    if purpose is OutputPurpose.DIFFERENT_TASK or so_far is LEARNED_OTHER:
        return LEARNED_OTHER
    is_similar = purpose is OutputPurpose.PERFORM_SIMILARLY or relation is Relation.DISTILLED
    return LEARNED_THE_SAME if is_similar and so_far is not LEARNED else LEARNED


def refuse_circles(graph: Graph, start: str) -> None:
    """Raise LineageRefused where a node is its own ancestor."""
    done: set[str] = set()
    open_now: set[str] = {start}
    path: list[tuple[str, list[Edge]]] = [(start, list(graph.get(start, NOTHING_KNOWN).edges))]
    while path:
        name, left = path[-1]
        if not left:
            path.pop()
            open_now.discard(name)
            done.add(name)
            continue
        parent = left.pop().parent
        if parent in open_now:
            circle = [step for step, _ in path]
            names = " ← ".join([*circle[circle.index(parent) :], parent])
            raise LineageRefused(f"the lineage runs in a circle: {names}")
        if parent not in done:
            open_now.add(parent)
            path.append((parent, list(graph.get(parent, NOTHING_KNOWN).edges)))
