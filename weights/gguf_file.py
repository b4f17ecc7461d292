"""A GGUF file from its first byte to its last: header, chat templates, tensors, and the padding between them."""

from __future__ import annotations

from typing import Any

from weights.catalog.gguf import GG_OFF
from weights.catalog.templates import TP_PARSE
from weights.findings import Finding
from weights.formats import Kind
from weights.gguf_header import KEPT_TEXT, read_gguf_header
from weights.hashing import STEP_BYTES, HashingReader
from weights.report import Parsed
from weights.templates import check_template
from weights.tensor_walk import walk_tensors


def inspect_gguf(reader: HashingReader, path: str) -> Parsed:
    """Read the whole file; the header is read ahead once more than it is hashed. CutShortError if it ends early."""
    header = read_gguf_header(reader.source, path)
    parsed = Parsed(Kind.GGUF, header.findings, content={"metadata": header.metadata})
    for key, value in header.metadata.items():
        if "template" in key:
            parsed.findings += _check_templates(key, value, path)
    if not header.is_sound:
        return parsed
    _skip_to(reader, header.end)
    parsed.findings += _check_padding(reader, min(header.data_start, reader.size_bytes), path)
    for tensor in header.tensors:
        parsed.findings += _check_padding(reader, tensor.start, path)
        for records, findings in walk_tensors(reader, [tensor], path):
            parsed.tensors += records
            parsed.findings += findings
    parsed.findings += _check_padding(reader, reader.size_bytes, path)
    return parsed


def _check_templates(key: str, value: Any, path: str) -> list[Finding]:
    """Findings on a key that some loader renders: one template, or a list of them."""
    texts = value.get("texts", []) if isinstance(value, dict) else [value]
    findings: list[Finding] = []
    for text in texts:
        if text is None:
            findings.append(TP_PARSE.at(path, f"The template at {key} has more than {KEPT_TEXT} bytes."))
        elif isinstance(text, str):
            findings += check_template(text, path, key)
    return findings


def _skip_to(reader: HashingReader, place: int) -> None:
    while reader.position < place:
        reader.step(min(STEP_BYTES, place - reader.position))


def _check_padding(reader: HashingReader, place: int, path: str) -> list[Finding]:
    """Whether only zeros lie between here and `place`; no reader looks at them, so anything could be there."""
    start = reader.position
    hidden = False
    while reader.position < place:
        hidden |= bool(bytes(reader.step(min(STEP_BYTES, place - reader.position))).strip(b"\0"))
    return [GG_OFF.at(path, f"The padding at byte {start} is not empty.", offset=start)] if hidden else []
