"""A GGUF file from its first byte to its last: header, chat templates, then the tensors."""

from __future__ import annotations

from weights.formats import Kind
from weights.gguf_header import read_gguf_header
from weights.hashing import STEP_BYTES, HashingReader
from weights.report import Parsed
from weights.templates import check_template
from weights.tensor_walk import walk_tensors

_TEMPLATE_KEY = "tokenizer.chat_template"


def inspect_gguf(reader: HashingReader, path: str) -> Parsed:
    """Read the whole file; the header is read ahead once more than it is hashed. CutShortError if it ends early."""
    header = read_gguf_header(reader.source, path)
    parsed = Parsed(Kind.GGUF, header.findings, content={"metadata": header.metadata})
    for key, value in header.metadata.items():
        if key.startswith(_TEMPLATE_KEY) and isinstance(value, str):
            parsed.findings += check_template(value, path, key)
    if not header.is_sound:
        return parsed
    for tensor in header.tensors:
        _skip_to(reader, tensor.start)
        for record, findings in walk_tensors(reader, [tensor], path):
            parsed.tensors.append(record)
            parsed.findings += findings
    return parsed


def _skip_to(reader: HashingReader, place: int) -> None:
    while reader.position < place:
        reader.step(min(STEP_BYTES, place - reader.position))
