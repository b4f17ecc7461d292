"""A variant among its parents and children, as a drawing and as the list behind it. Hidden relatives are not in it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product

from accounts.models import User
from accounts.roles import Scope
from gating.selectors import visible_variants
from registry.models import LineageEdge, Variant
from registry.presenters import RELATIONS
from registry.states import Relation
from release.parentage import Parentage, Standing
from web.tones import Status, Tone

STANDINGS = {
    Standing.BORNE_OUT: Status("Borne out by its weights", Tone.SUCCESS, "fingerprint"),
    Standing.IN_PART: Status("Borne out in part", Tone.INFO, "fingerprint"),
    Standing.CONTRADICTED: Status("Contradicted by its weights", Tone.DANGER, "alert-triangle"),
    Standing.UNSEEN: Status("Cannot be seen", Tone.MUTED, "eye-off"),
}
BOX_WIDTH, BOX_HEIGHT = 190, 40
COLUMN_GAP, ROW_GAP = 75, 16
LABEL_CHARACTERS = 25
SHOWN_EACH_SIDE = 12


@dataclass(frozen=True, slots=True)
class Relative:
    """A parent or child: `url` is empty for what is elsewhere."""

    name: str
    relation: str
    url: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the weights say of one parent; `is_recorded` is false where the card alone names it."""

    name: str
    relation: str
    status: Status
    sentence: str
    is_recorded: bool


@dataclass(frozen=True, slots=True)
class Box:
    """One name in the drawing."""

    name: str
    label: str
    url: str
    x: int
    y: int
    is_here: bool = False

    @property
    def text_y(self) -> int:
        """The base line of the name."""
        return self.y + BOX_HEIGHT // 2 + 4

    @property
    def text_x(self) -> int:
        """The middle of the box."""
        return self.x + BOX_WIDTH // 2


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes in three columns and the lines between them."""

    boxes: list[Box]
    lines: list[str]
    width: int
    height: int
    box_width: int = BOX_WIDTH
    box_height: int = BOX_HEIGHT


def relatives(
    user: User | None, variant: Variant, *, scopes: frozenset[Scope] | None = None
) -> tuple[list[Relative], list[Relative]]:
    """Parents and children of which the viewer may know; three queries."""
    parents = list(variant.parent_edges.select_related("parent__organization").order_by("id"))
    children = list(variant.child_edges.select_related("child__organization").order_by("id"))
    near = {edge.parent_id for edge in parents if edge.parent_id} | {edge.child_id for edge in children}
    known = set(visible_variants(user, scopes=scopes).filter(pk__in=near).values_list("pk", flat=True))
    up = [_relative(edge, edge.parent) for edge in parents if edge.parent_id is None or edge.parent_id in known]
    down = [_relative(edge, edge.child) for edge in children if edge.child_id in known]
    return up, down


def drawing(name: str, parents: list[Relative], children: list[Relative]) -> Drawing:
    """Parents on the left, the variant in the middle, children on the right."""
    left, right = parents[:SHOWN_EACH_SIDE], children[:SHOWN_EACH_SIDE]
    rows = max(len(left), len(right), 1)
    height = rows * BOX_HEIGHT + (rows - 1) * ROW_GAP
    columns = [column for column in (left, [Relative(name, "", "")], right) if column]
    boxes: list[list[Box]] = []
    for index, column in enumerate(columns):
        x = index * (BOX_WIDTH + COLUMN_GAP)
        used = len(column) * BOX_HEIGHT + (len(column) - 1) * ROW_GAP
        top = (height - used) // 2
        is_here = column is columns[1 if left else 0]
        boxes.append(
            [
                Box(one.name, _short(one.name), one.url, x, top + row * (BOX_HEIGHT + ROW_GAP), is_here)
                for row, one in enumerate(column)
            ]
        )
    pairs = [pair for before, after in pairwise(boxes) for pair in product(before, after)]
    lines = [_line(one, other) for one, other in pairs]
    width = len(columns) * BOX_WIDTH + (len(columns) - 1) * COLUMN_GAP
    return Drawing([box for column in boxes for box in column], lines, width, height)


def findings(found: list[Parentage], variant: Variant) -> list[Finding]:
    """What the weights say of each parent, as members see it."""
    edges = variant.parent_edges.select_related("parent__organization")
    recorded = {edge.parent_name for edge in edges}
    return [
        Finding(
            one.parent,
            RELATIONS[one.relation] if one.relation else "From",
            STANDINGS[one.standing],
            one.sentence,
            one.parent in recorded,
        )
        for one in found
    ]


def _relative(edge: LineageEdge, other: Variant | None) -> Relative:
    name = other.repo_id if other else edge.external_parent
    return Relative(name, RELATIONS[Relation(edge.relation)], f"/{name}/" if other else "", edge.relation)


def _short(name: str) -> str:
    tail = name.rpartition("/")[2]
    shown = name if len(name) <= LABEL_CHARACTERS else tail
    return shown if len(shown) <= LABEL_CHARACTERS else f"{shown[: LABEL_CHARACTERS - 1]}…"


def _line(before: Box, after: Box) -> str:
    x1, y1 = before.x + BOX_WIDTH, before.y + BOX_HEIGHT // 2
    x2, y2 = after.x - 7, after.y + BOX_HEIGHT // 2
    middle = (x1 + x2) // 2
    return f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"
