"""An OpenAPI document as rows of a page."""

from config import api_reference

DOCUMENT = {
    "paths": {
        "/api/v1/things/{id}/": {
            "parameters": [],
            "post": {
                "operationId": "things_create",
                "summary": "Make a thing",
                "tags": ["things"],
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}},
                    {"name": "state", "in": "query", "schema": {"type": "string", "enum": ["new", "old"]}},
                ],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                "responses": {
                    "201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                    "204": {"description": "No body"},
                },
            },
            "get": {
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {
                                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}
                            }
                        }
                    }
                }
            },
        }
    },
    "components": {
        "schemas": {
            "Color": {"type": "string", "enum": ["red", "green"]},
            "Thing": {
                "description": "A thing.",
                "required": ["name", "color", "at", "parts", "many"],
                "properties": {
                    "name": {"type": "string", "description": "It's name"},
                    "color": {"allOf": [{"$ref": "#/components/schemas/Color"}]},
                    "at": {"type": "string", "format": "date-time"},
                    "parts": {"type": "array", "items": {"type": "integer"}},
                    "many": {"type": "array", "items": {"$ref": "#/components/schemas/Color"}},
                    "note": {"type": ["string", "null"]},
                },
            },
        }
    },
}


def test_endpoints_come_by_part_with_fields_and_answers():
    other, things = api_reference.parts(DOCUMENT, "https://lab.example")
    assert (other.name, things.name) == ("other", "things")
    assert other.endpoints[0].answers[0].schema == "list of Thing"
    (post,) = things.endpoints
    assert (post.verb, post.path, post.summary) == ("POST", "/api/v1/things/{id}/", "Make a thing")
    assert [(field.name, field.place, field.is_required) for field in post.parameters] == [
        ("id", "path", True),
        ("state", "query", False),
    ]
    assert post.parameters[1].choices == ("new", "old")
    assert {field.name: field.type for field in post.sent} == {
        "name": "string",
        "color": "Color",
        "at": "string (date-time)",
        "parts": "list of integer",
        "many": "list of Color",
        "note": "string or null",
    }
    assert [(answer.status, answer.phrase, answer.schema) for answer in post.answers] == [
        ("201", "Created", "Thing"),
        ("204", "No Content", ""),
    ]


def test_the_command_can_be_run_as_it_stands():
    import json
    import shlex

    command = api_reference.parts(DOCUMENT, "https://lab.example")[1].endpoints[0].curl
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:3] == ["curl", "-X", "POST"]
    assert words[-1] == "https://lab.example/api/v1/things/{id}/"
    assert json.loads(words[words.index("-d") + 1]) == {
        "name": "…",
        "color": "red",
        "at": "2027-01-31T12:00:00Z",
        "parts": [1],
        "many": ["red"],
    }


def test_schemas_are_listed_by_name():
    (thing,) = api_reference.schemas(DOCUMENT)
    assert (thing.name, thing.description, len(thing.fields)) == ("Thing", "A thing.", 6)
