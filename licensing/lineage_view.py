"""A variant's ancestors as a drawing in layers, with the duties that each edge carries, and the table behind it.

Owns which part of a lineage a viewer may see, and where its boxes stand. Pure but for asking who may see what. A layer
shows a dozen models and a drawing six layers; what is left out is counted, and reached by page or by a new root.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from accounts.models import User
from licensing import sight
from licensing.engine import Assessment, Edge, Node
from licensing.engine.book import UNRECORDED_KEY
from licensing.engine.lineage import refuse_circles
from registry.models import Variant

BOX_WIDTH, BOX_HEIGHT, COLUMN_GAP, ROW_GAP = 190, 46, 180, 20
LABEL_CHARACTERS = 26
LAYERS, PER_LAYER = 6, 12
DUTIES_SHOWN = 2
NOTHING = Node()


@dataclass(frozen=True, slots=True)
class Box:
    """One model, or, without a name, those of a layer that are not shown."""

    name: str
    label: str
    license: str
    x: int
    y: int
    is_here: bool = False
    more: int = 0
    behind: int = 0

    @property
    def text_x(self) -> int:
        """The middle of the box."""
        return self.x + BOX_WIDTH // 2

    @property
    def name_y(self) -> int:
        """The line of the name."""
        return self.y + (20 if self.license else BOX_HEIGHT // 2 + 4)

    @property
    def license_y(self) -> int:
        """The line of the license."""
        return self.y + 36


@dataclass(frozen=True, slots=True)
class Line:
    """An edge, from the parent to what was made from it, and the duties that come along it."""

    path: str
    x: int
    y: int
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """An edge in the table."""

    child: str
    relation: str
    parent: str
    license: str
    duties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes and lines of one page, and what is not on it."""

    boxes: list[Box]
    lines: list[Line]
    width: int
    height: int
    nodes: int
    deeper: int
    pages: int
    box_width: int = BOX_WIDTH
    box_height: int = BOX_HEIGHT


def seen_graph(user: User | None, variant: Variant, graph: Mapping[str, Node]) -> dict[str, Node]:
    """The graph with what the viewer may not know of cut off: its name, its license, and all that lies behind it."""
    hidden = sight.hidden_names(user, set(graph) - {variant.repo_id})
    names = {name: f"a model that is not shown ({number})" for number, name in enumerate(sorted(hidden), start=1)}
    seen: dict[str, Node] = {}
    queue, known = deque([variant.repo_id]), {variant.repo_id}
    while queue:
        name = queue.popleft()
        if name in hidden:
            seen[names[name]] = Node(UNRECORDED_KEY)
            continue
        node = graph.get(name, NOTHING)
        seen[name] = replace(
            node, edges=tuple(replace(edge, parent=names.get(edge.parent, edge.parent)) for edge in node.edges)
        )
        for edge in node.edges:
            if edge.parent not in known:
                known.add(edge.parent)
                queue.append(edge.parent)
    return seen


def duties_by_edge(start: str, answer: Assessment) -> dict[tuple[str, str], list[str]]:
    """Which duties come along each edge (child, parent): those of the parent, and those from behind it."""
    found: dict[tuple[str, str], list[str]] = {}
    for duty in answer.obligations:
        chain = (start, *duty.origin.path, duty.origin.model)
        for edge in pairwise(chain):
            ids = found.setdefault(edge, [])
            if duty.id not in ids:
                ids.append(duty.id)
    return found


def rows_of(graph: Mapping[str, Node], start: str, duties: Mapping[tuple[str, str], list[str]]) -> list[Row]:
    """All edges, nearest first."""
    layers = _layers(graph, start)
    order = sorted(layers, key=lambda name: (layers[name], name))
    return [
        Row(
            name,
            str(edge.relation or ""),
            edge.parent,
            _license(graph.get(edge.parent, NOTHING)),
            tuple(duties.get((name, edge.parent), ())),
        )
        for name in order
        for edge in graph.get(name, NOTHING).edges
    ]


def drawing(
    graph: Mapping[str, Node], start: str, duties: Mapping[tuple[str, str], list[str]], *, page: int = 1
) -> Drawing:
    """The ancestors of a model in layers, the model on the right; raises LineageRefused where they run in a circle."""
    refuse_circles(graph, start)
    layers = _layers(graph, start)
    columns = _ordered(graph, layers)
    shown = [_slice(column, page) for column in columns[:LAYERS]]
    deeper = sum(len(column) for column in columns[LAYERS:])
    height = max(len(names) + bool(left) for names, left in shown) * (BOX_HEIGHT + ROW_GAP) - ROW_GAP
    boxes: dict[str, Box] = {}
    extra: list[Box] = []
    for depth, (names, left) in enumerate(shown):
        x = (len(shown) - 1 - depth) * (BOX_WIDTH + COLUMN_GAP)
        top = (height - (len(names) + bool(left)) * (BOX_HEIGHT + ROW_GAP) + ROW_GAP) // 2
        for row, name in enumerate(names):
            y = top + row * (BOX_HEIGHT + ROW_GAP)
            node = graph.get(name, NOTHING)
            behind = len(node.edges) if depth == LAYERS - 1 else 0
            boxes[name] = Box(name, _short(name), _license(node), x, y, name == start, behind=behind)
        if left:
            y = top + len(names) * (BOX_HEIGHT + ROW_GAP)
            extra.append(Box("", f"and {left} more", "", x, y, more=left))
    lines = [
        _line(boxes[edge.parent], box, duties.get((name, edge.parent), ()), str(edge.relation or ""))
        for name, box in boxes.items()
        for edge in graph.get(name, NOTHING).edges
        if edge.parent in boxes
    ]
    pages = max(-(-len(column) // PER_LAYER) for column in columns[:LAYERS])
    width = len(shown) * BOX_WIDTH + (len(shown) - 1) * COLUMN_GAP
    return Drawing([*boxes.values(), *extra], lines, width, max(height, BOX_HEIGHT), len(layers), deeper, pages)


def _layers(graph: Mapping[str, Node], start: str) -> dict[str, int]:
    """How far each ancestor is, by the longest way to it; so that every edge leads one layer further at least."""
    waiting: dict[str, int] = {}
    queue, reached = deque([start]), {start}
    while queue:
        for edge in graph.get(queue.popleft(), NOTHING).edges:
            waiting[edge.parent] = waiting.get(edge.parent, 0) + 1
            if edge.parent not in reached:
                reached.add(edge.parent)
                queue.append(edge.parent)
    layers, queue = {start: 0}, deque([start])
    while queue:
        name = queue.popleft()
        for edge in graph.get(name, NOTHING).edges:
            layers[edge.parent] = max(layers.get(edge.parent, 0), layers[name] + 1)
            waiting[edge.parent] -= 1
            if not waiting[edge.parent]:
                queue.append(edge.parent)
    return layers


def _ordered(graph: Mapping[str, Node], layers: Mapping[str, int]) -> list[list[str]]:
    """The layers, each ordered by where what was made from its models stands, so that few lines cross."""
    columns: list[list[str]] = [[] for _ in range(max(layers.values()) + 1)]
    for name, depth in layers.items():
        columns[depth].append(name)
    places: dict[str, list[float]] = {}
    for column in columns:
        column.sort(key=lambda name: (sum(places.get(name, [0.0])) / len(places.get(name, [0.0])), name))
        for place, name in enumerate(column):
            for edge in graph.get(name, NOTHING).edges:
                places.setdefault(edge.parent, []).append(place / len(column))
    return columns


def _slice(column: list[str], page: int) -> tuple[list[str], int]:
    """The models of a layer on one page, and how many are left after it; a short layer is on every page."""
    start = min((page - 1) * PER_LAYER, (len(column) - 1) // PER_LAYER * PER_LAYER)
    return column[start : start + PER_LAYER], max(len(column) - start - PER_LAYER, 0)


def _line(parent: Box, child: Box, duties: Iterable[str], relation: str) -> Line:
    x1, y1 = parent.x + BOX_WIDTH, parent.y + BOX_HEIGHT // 2
    x2, y2 = child.x - 7, child.y + BOX_HEIGHT // 2
    middle = (x1 + x2) // 2
    words = [id_.removeprefix("OB-").replace("-", " ").lower() for id_ in duties]
    left = len(words) - DUTIES_SHOWN
    label = ", ".join(words[:DUTIES_SHOWN]) + (f" +{left}" if left > 0 else "")
    title = f"{child.name} is {relation or 'made'} from {parent.name}: {', '.join(duties) or 'no duty'}"
    return Line(f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}", x1 + 6, y1 - 5, label, title)


def _license(node: Node) -> str:
    if node.is_own:
        return "ours"
    return "not recorded" if node.license in ("", UNRECORDED_KEY) else node.license


def _short(name: str) -> str:
    tail = name.rpartition("/")[2] if not name.startswith("a model") else name
    shown = name if len(name) <= LABEL_CHARACTERS else tail
    return shown if len(shown) <= LABEL_CHARACTERS else f"{shown[: LABEL_CHARACTERS - 1]}…"


__all__ = ["Drawing", "Edge", "drawing", "duties_by_edge", "rows_of", "seen_graph"]
