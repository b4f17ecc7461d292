"""An OpenAPI document as its page shows it: parts, endpoints, fields, examples. Pure: a mapping in, plain rows out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

VERBS = {"get": "info", "post": "success", "put": "warning", "patch": "warning", "delete": "danger"}
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter, or one member of what is sent or answered."""

    name: str
    type: str
    place: str = ""
    is_required: bool = False
    description: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """One status that an endpoint answers with."""

    status: str
    phrase: str
    schema: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One verb at one address."""

    id: str
    verb: str
    tone: str
    path: str
    summary: str
    description: str
    parameters: list[Field]
    sent: list[Field]
    answers: list[Answer]
    curl: str


@dataclass(frozen=True, slots=True)
class Part:
    """The endpoints of one part of the system."""

    name: str
    endpoints: list[Endpoint] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Schema:
    """Something that is sent or answered, by its name."""

    name: str
    description: str
    fields: list[Field]


def parts(document: Document, base_url: str) -> list[Part]:
    """The endpoints by their first tag, in the order of their names."""
    found: dict[str, Part] = {}
    for path, verbs in document.get("paths", {}).items():
        for verb, operation in verbs.items():
            if verb in VERBS:
                name = (operation.get("tags") or ["other"])[0]
                found.setdefault(name, Part(name)).endpoints.append(
                    _endpoint(document, base_url, path, verb, operation)
                )
    return [found[name] for name in sorted(found)]


def schemas(document: Document) -> list[Schema]:
    """What is sent and answered, by name."""
    known = document.get("components", {}).get("schemas", {})
    return [
        Schema(name, schema.get("description", ""), list(_members(document, schema)))
        for name, schema in sorted(known.items())
        if "properties" in schema and not name.startswith("Paginated")  # a list of what has its own entry
    ]


def _endpoint(document: Document, base_url: str, path: str, verb: str, operation: Mapping[str, Any]) -> Endpoint:
    sent = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = sent.get("schema", {})
    description = operation.get("description", "")
    summary = operation.get("summary") or description.partition("\n")[0]
    return Endpoint(
        id=operation.get("operationId", f"{verb}-{path}"),
        verb=verb.upper(),
        tone=VERBS[verb],
        path=path,
        summary=summary,
        description="" if description == summary else description,
        parameters=[_parameter(document, one) for one in operation.get("parameters", [])],
        sent=list(_members(document, schema)),
        answers=list(_answers(operation)),
        curl=_curl(base_url, path, verb, _example_sent(document, sent)),
    )


def _parameter(document: Document, parameter: Mapping[str, Any]) -> Field:
    schema = _resolved(document, parameter.get("schema", {}))
    return Field(
        parameter["name"],
        _type(parameter.get("schema", {})),
        parameter["in"],
        bool(parameter.get("required")),
        parameter.get("description", ""),
        _choices(schema),
    )


def _members(document: Document, schema: Mapping[str, Any]) -> Iterator[Field]:
    whole = _resolved(document, schema)
    required = set(whole.get("required", ()))
    for name, member in whole.get("properties", {}).items():
        choices = _choices(_resolved(document, member))
        yield Field(name, _type(member), "", name in required, member.get("description", ""), choices)


def _answers(operation: Mapping[str, Any]) -> Iterator[Answer]:
    for status, answer in operation.get("responses", {}).items():
        content = next(iter(answer.get("content", {}).values()), {})
        phrase = HTTPStatus(int(status)).phrase if status.isdigit() else ""
        yield Answer(status, phrase, _type(content["schema"]) if "schema" in content else "")


def _type(schema: Mapping[str, Any]) -> str:
    """The type of a schema in a few words: `string (date-time)`, `list of Token`, `Problem`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for several in ("allOf", "oneOf", "anyOf"):
        if several in schema:
            return " or ".join(_type(one) for one in schema[several] if "enum" not in one) or "string"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    name = schema.get("type", "anything")
    name = " or ".join(name) if isinstance(name, list) else str(name)
    return f"{name} ({schema['format']})" if "format" in schema else name


def _choices(schema: Mapping[str, Any]) -> tuple[str, ...]:
    inner = schema.get("items", schema) if schema.get("type") == "array" else schema
    return tuple(str(choice) for choice in inner.get("enum", ()) if choice not in (None, ""))


def _resolved(document: Document, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that a reference names; several that must all hold are taken as one."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return _resolved(document, document["components"]["schemas"][name])
    if "allOf" in schema:
        joined: dict[str, Any] = {}
        for one in schema["allOf"]:
            joined |= _resolved(document, one)
        return joined
    return schema


def _example_sent(document: Document, sent: Mapping[str, Any]) -> Any:
    if not sent:
        return None
    given = next(iter(sent.get("examples", {}).values()), {})
    return given["value"] if "value" in given else _example(document, sent.get("schema", {}), depth=0)


def _example(document: Document, schema: Mapping[str, Any], depth: int) -> Any:
    """A value that fits; what must not be left out, and no deeper than a reader wants."""
    whole = _resolved(document, schema)
    for name in ("example", "default"):
        if whole.get(name) is not None:
            return whole[name]
    if choices := _choices(whole):
        return [choices[0]] if whole.get("type") == "array" else choices[0]
    if "properties" in whole and depth < 3:
        wanted = whole.get("required") or list(whole["properties"])
        return {name: _example(document, whole["properties"][name], depth + 1) for name in wanted}
    if whole.get("type") == "array":
        return [_example(document, whole.get("items", {}), depth + 1)] if depth < 3 else []
    by_type: dict[str, Any] = {"integer": 1, "number": 1.0, "boolean": True, "object": {}}
    by_format = {"date": "2027-01-31", "date-time": "2027-01-31T12:00:00Z", "uri": "https://example.org/"}
    return by_format.get(str(whole.get("format")), by_type.get(str(whole.get("type")), "…"))


def _curl(base_url: str, path: str, verb: str, sent: Any) -> str:
    words = ["curl", "-H 'Authorization: Bearer '$TOKEN"]
    if verb != "get":
        words.insert(1, f"-X {verb.upper()}")
    if sent is not None:
        body = json.dumps(sent, ensure_ascii=False).replace("'", "'\\''")
        words += ["-H 'Content-Type: application/json'", f"-d '{body}'"]
    return " \\\n  ".join([*words, f"'{base_url}{path}'"])
