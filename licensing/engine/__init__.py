"""What licenses along a lineage demand of a release: one pure function, with the case and the answer as its types.

Owns the rules of compatibility, and no database, clock or network. `evaluate(case)` answers a case; `read_case` takes
one from plain data; whoever holds licenses beside the shipped catalog gives a `Book` of them.
"""

from licensing.engine.assessment import Assessment, Obligation, Origin, Question, Verdict, Violation
from licensing.engine.book import Book, KnownLicense, shipped_book
from licensing.engine.case import (
    Actor,
    Case,
    Circumstances,
    Disclosure,
    OutputPurpose,
    Parent,
    Proposal,
    Purpose,
    Relation,
    Uses,
)
from licensing.engine.judge import evaluate
from licensing.engine.lineage import Edge, LineageRefused, Node, evaluate_lineage
from licensing.engine.publication import Duties, RequiredFile, duties
from licensing.engine.reading import read_case

__all__ = [
    "Actor",
    "Assessment",
    "Book",
    "Case",
    "Circumstances",
    "Disclosure",
    "Duties",
    "Edge",
    "KnownLicense",
    "LineageRefused",
    "Node",
    "Obligation",
    "Origin",
    "OutputPurpose",
    "Parent",
    "Proposal",
    "Purpose",
    "Question",
    "Relation",
    "RequiredFile",
    "Uses",
    "Verdict",
    "Violation",
    "duties",
    "evaluate",
    "evaluate_lineage",
    "read_case",
    "shipped_book",
]
