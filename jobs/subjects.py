"""What jobs work on, as people know it, and who may see it: apps above register their models, composition does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat


@dataclass(frozen=True, slots=True)
class Subject:
    """What a job works on: a name, and the page that tells more."""

    label: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """How the rows of one model are seen: those that a user may see, and their names by key."""

    visible: Callable[[Any], QuerySet]
    describe: Callable[[list[str]], dict[str, Subject]]


_models: dict[str, Model] = {}
_concerns: Callable[[Any], bool] = lambda user: False  # noqa: E731


def register(
    model: str, *, visible: Callable[[Any], QuerySet], describe: Callable[[list[str]], dict[str, Subject]]
) -> None:
    """Name how rows of `app.model` are seen. Jobs on what nobody registered are seen by nobody."""
    _models[model] = Model(visible, describe)


def use_concern(concerns: Callable[[Any], bool]) -> None:
    """Name the function that says whether jobs concern a user at all."""
    global _concerns
    _concerns = concerns


def are_shown_to(user: Any) -> bool:
    """Whether jobs concern this user at all."""
    return _concerns(user)


def known_models() -> set[str]:
    """The models that jobs may work on and be seen."""
    return set(_models)


def visible_to(user: Any) -> Q:
    """The jobs on what a user may see, as a filter on `subject`."""
    seen = Q(pk__in=[])
    for name, model in _models.items():
        named = Concat(Value(f"{name}:"), Cast("pk", CharField()), output_field=CharField())
        seen |= Q(subject__in=model.visible(user).annotate(job_subject=named).values("job_subject"))
    return seen


def describe(subjects: Iterable[str]) -> dict[str, Subject]:
    """The subjects by their stored names; one query for each model, and the stored name where no row is left."""
    keys: dict[str, set[str]] = {}
    for name in subjects:
        model, _, key = name.rpartition(":")
        keys.setdefault(model, set()).add(key)
    found = {}
    for model, wanted in keys.items():
        known = _models[model].describe(sorted(wanted)) if model in _models else {}
        found |= {f"{model}:{key}": known.get(key, Subject(f"{model}:{key}")) for key in wanted}
    return found
