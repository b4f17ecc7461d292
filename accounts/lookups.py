"""Lookups that every request makes: the ORM writes their statement once, and the database alone is asked each time.

Owns the keeping of a statement. Writing it anew costs the ORM several times what answering it costs the database. Only
for lookups of at most one row whose statement never depends on what is looked for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators

Row = TypeVar("Row", bound=Model)
Given = str | int | datetime


class _Statement(NamedTuple):
    sql: str
    parameters: tuple[object, ...]
    names: list[str]
    """Of the fields of the row itself, which are the first columns from `start` on."""
    start: int
    converters: list[tuple[int, list[Callable[..., Any]], Any]]
    populators: list[Any]
    model: type[Model]


class Lookup(Generic[Row]):
    """A lookup by texts, whole numbers or moments: `build` makes the query for them, `first` finds the row or None.

    `build` is called once, with stand-ins of the same types; they must reach the query as they are.
    """

    def __init__(self, build: Callable[..., QuerySet[Row]], **types: type[Given]) -> None:
        self._build, self._types = build, types

    def first(self, **given: Given) -> Row | None:
        """The first row that the query finds for these values."""
        statement = self._statement
        by_stand_in = {stand_in: given[name] for name, stand_in in self._stand_ins.items()}
        with connection.prepared_cursor() as cursor:
            cursor.execute(statement.sql, [by_stand_in.get(one, one) for one in statement.parameters])
            found = cursor.fetchone()
        if found is None:
            return None
        row = list(found)
        for place, converters, expression in statement.converters:
            for convert in converters:
                row[place] = convert(row[place], expression, connection)
        end = statement.start + len(statement.names)
        made = statement.model.from_db(DEFAULT_DB_ALIAS, statement.names, row[statement.start : end])
        for populator in statement.populators:
            populator.populate(row, made)
        return made

    @cached_property
    def _stand_ins(self) -> dict[str, Given]:
        first = datetime(1, 1, 2, tzinfo=UTC)
        makers: dict[type, Callable[[int, str], Given]] = {
            str: lambda _, name: f"\ue000{name}",
            int: lambda number, _: -(1 << 62) + number,
            datetime: lambda number, _: first + timedelta(seconds=number),
        }
        return {name: makers[kind](number, name) for number, (name, kind) in enumerate(self._types.items())}

    @cached_property
    def _statement(self) -> _Statement:
        compiler = self._build(**self._stand_ins)[:1].query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        missing = [name for name, one in self._stand_ins.items() if one not in parameters]
        if missing:
            raise TypeError(f"{', '.join(missing)}: not in the statement as given")
        fields = compiler.klass_info["select_fields"]
        expressions = [expression for expression, _, _ in compiler.select]
        return _Statement(
            sql=sql,
            parameters=tuple(parameters),
            names=[expressions[place].target.attname for place in fields],
            start=fields[0],
            converters=[(place, *found) for place, found in compiler.get_converters(expressions).items()],
            populators=get_related_populators(compiler.klass_info, compiler.select, DEFAULT_DB_ALIAS),
            model=compiler.klass_info["model"],
        )
