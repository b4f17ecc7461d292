"""License expressions: what one says with AND, OR and WITH, taken apart into the choices that it leaves.

Source: SPDX 3.0.1, annex on license expressions. The licensee chooses between what OR joins; what AND joins holds at
once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from license_expression import (
    AND,
    OR,
    ExpressionError,
    LicenseSymbol,
    LicenseWithExceptionSymbol,
    Licensing,
    get_spdx_licensing,
)

from licensing.engine.book import Book, KnownLicense
from licensing.engine.case import PROPRIETARY
from licensing.terms import Certainty, Kind, Terms

LONGEST = 500
MOST_CHOICES = 32
OWN_TERMS = KnownLicense(PROPRIETARY, "Own terms", Terms(), Kind.CUSTOM)


class BadExpression(ValueError):
    """An expression that cannot be read; says why."""


@dataclass(frozen=True, slots=True)
class Term:
    """One license of an expression; `exception` where WITH changes it in a way that the catalog doesn't know."""

    license: KnownLicense
    exception: str = ""


# Between these the licensee may choose; the terms of one choice hold together.
Choices = tuple[tuple[Term, ...], ...]


def choices(expression: str, book: Book, *, may_be_own: bool = False) -> Choices:
    """The ways in which an expression can be followed; raises BadExpression.

    `may_be_own` lets `proprietary` stand for the releaser's own terms. A license of the SPDX list that the book lacks
    reads as one without known terms.
    """
    word = expression.strip()
    if not word:
        return ((Term(book.unknown),),)
    if known := book.find(word):
        return ((Term(known),),)
    if may_be_own and word.lower() == PROPRIETARY:
        return ((Term(OWN_TERMS),),)
    if len(word) > LONGEST:
        raise BadExpression(f"an expression has at most {LONGEST} characters")
    try:
        parsed = _licensing(tuple(sorted(book.names))).parse(word)
    except (ExpressionError, RecursionError) as problem:
        raise BadExpression(f"{word!r} is no license of the catalog and no expression of such ({problem})") from None
    found = _choices(parsed, book, may_be_own)
    if len(found) > MOST_CHOICES:
        raise BadExpression(f"an expression leaves at most {MOST_CHOICES} choices; this one leaves {len(found)}")
    return found


def _choices(node: object, book: Book, may_be_own: bool) -> Choices:
    if isinstance(node, OR):
        return tuple(choice for part in node.args for choice in _choices(part, book, may_be_own))[: MOST_CHOICES + 1]
    if isinstance(node, AND):
        parts = [_choices(part, book, may_be_own) for part in node.args]
        size = 1
        for part in parts:
            size *= len(part)
        if size > MOST_CHOICES:
            raise BadExpression(f"an expression leaves at most {MOST_CHOICES} choices; this one leaves {size}")
        return tuple(_joined(combination) for combination in product(*parts))
    if isinstance(node, LicenseWithExceptionSymbol):
        exception = str(node.exception_symbol.key)
        if not _is_exception(exception):
            raise BadExpression(f"{exception!r} is no exception of the SPDX list")
        base = _known(str(node.license_symbol.key), book, may_be_own)
        return ((Term(base, exception),),)
    if isinstance(node, LicenseSymbol):
        return ((Term(_known(str(node.key), book, may_be_own)),),)
    raise BadExpression("the expression is empty")


def _joined(parts: tuple[tuple[Term, ...], ...]) -> tuple[Term, ...]:
    return tuple(dict.fromkeys(term for part in parts for term in part))


def _known(word: str, book: Book, may_be_own: bool) -> KnownLicense:
    if known := book.find(word):
        return known
    if may_be_own and word.lower() == PROPRIETARY:
        return OWN_TERMS
    if listed := _on_spdx_list(word):
        return KnownLicense(
            listed,
            f"{listed} of the SPDX list",
            Terms(),
            Kind.CUSTOM,
            certainty=Certainty.RULE,
            sources=("SPDX License List; its terms are not in the catalog",),
            unverified=("every term",),
        )
    raise BadExpression(f"{word!r} is no license of the catalog")


@lru_cache(maxsize=8)
def _licensing(names: tuple[str, ...]) -> Licensing:
    return Licensing([LicenseSymbol(name) for name in (*names, PROPRIETARY) if _can_stand_in_expressions(name)])


def _can_stand_in_expressions(name: str) -> bool:
    return not any(character.isspace() for character in name) and not {"(", ")"} & set(name)


def _on_spdx_list(word: str) -> str:
    found = get_spdx_licensing().known_symbols.get(word) or next(
        (one for key, one in get_spdx_licensing().known_symbols.items() if key.lower() == word.lower()), None
    )
    is_license = found is not None and not found.is_exception and not str(found.key).startswith("LicenseRef-")
    return str(found.key) if found is not None and is_license else ""


def _is_exception(word: str) -> bool:
    return any(
        one.is_exception and key.lower() == word.lower() for key, one in get_spdx_licensing().known_symbols.items()
    )
