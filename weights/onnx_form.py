"""The form of ONNX messages: which fields are messages themselves, and which are numbers packed one after the other.

Owns a reduced schema. It serves to refuse what a parser of the full schema refuses; what a field means is known to
`onnx_graph`. Source: onnx.proto, version 1.23 of the package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from weights.protobuf import BYTES, Field, NotProtobufError, fields
from weights.sources import Source, read_at

DEPTH_LIMIT = 64
PACKED_LIMIT_BYTES = 1 << 20

# Message to the messages in its fields; after `|` the fields that are packed varints, packed by 4 and packed by 8.
_SCHEMA = """
Model 7:Graph 8:Plain 14:Plain 20:Training 25:Function 26:Plain
Graph 1:Node 5:Tensor 11:Value 12:Value 13:Value 14:Annotation 15:Sparse 16:Plain
Node 5:Attribute 9:Plain 10:Plain
Attribute 5:Tensor 6:Graph 10:Tensor 11:Graph 14:Type 15:Type 22:Sparse 23:Sparse | 8 | 7 |
Tensor 3:Plain 13:Plain 16:Plain | 1 5 7 11 | 4 | 10
Value 2:Type 4:Plain
Type 1:Element 4:Inner 5:Inner 8:Element 9:Inner
Element 2:Shape
Inner 1:Type 2:Type
Shape 1:Plain
Function 7:Node 9:Plain 11:Attribute 12:Value 14:Plain
Training 1:Graph 2:Graph 3:Plain 4:Plain
Annotation 2:Plain
Sparse 1:Tensor 2:Tensor | 3 | |
Plain
"""


@dataclass(frozen=True, slots=True)
class _Form:
    inner: Mapping[int, str]
    varints: frozenset[int]
    fours: frozenset[int]
    eights: frozenset[int]


def _forms() -> dict[str, _Form]:
    forms = {}
    for line in _SCHEMA.strip().splitlines():
        parts = (line + "|||").split("|")
        name, *inner = parts[0].split()
        pairs = (pair.split(":") for pair in inner)
        packed = [frozenset(int(number) for number in part.split()) for part in parts[1:4]]
        forms[name] = _Form({int(number): kind for number, kind in pairs}, *packed)
    return forms


_FORMS = _forms()


class Counter:
    """How many fields may still be looked at."""

    def __init__(self, left: int) -> None:
        self.left = left


def check_form(source: Source, message: Field, kind: str, counter: Counter, depth: int = 0) -> None:
    """Walk `message`, and all in it; NotProtobufError where a parser of the schema would stop."""
    if depth > DEPTH_LIMIT:
        raise NotProtobufError("messages are nested too deeply")
    form = _FORMS[kind]
    for field in fields(source, message.start, message.start + message.size):
        counter.left -= 1
        if counter.left < 0:
            return
        if field.wire != BYTES:
            continue
        if field.number in form.inner:
            check_form(source, field, form.inner[field.number], counter, depth + 1)
        elif field.number in form.varints and field.size <= PACKED_LIMIT_BYTES:
            _check_varints(read_at(source, field.start, field.size), field.start)
        elif (field.number in form.fours and field.size % 4) or (field.number in form.eights and field.size % 8):
            raise NotProtobufError(f"packed numbers at byte {field.start} are cut short")


def _check_varints(content: bytes, place: int) -> None:
    length = 0
    for byte in content:
        length = length + 1 if byte >= 0x80 else 0
        if length >= 10:
            break
    if length:
        raise NotProtobufError(f"packed numbers at byte {place} are cut short")
