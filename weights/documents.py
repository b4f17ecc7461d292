"""Text files of a checkpoint: configuration, cards, templates, vocabularies, source code.

Owns the decision that something is text, the strict reading of JSON, and what of a JSON file the folder's checks get to
see. Renders and imports nothing.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

from weights.cards import check_card, is_license_file, license_marks, read_yaml
from weights.catalog.files import FM_EMPTY, FM_ENCODING, FM_MISNAMED, FM_PAGE, FM_POINTER
from weights.catalog.folder import CT_JSON, CT_NONFINITE
from weights.catalog.templates import TP_PARSE
from weights.code_checks import check_settings, may_name_code
from weights.code_files import check_source
from weights.findings import Finding
from weights.formats import Kind, is_weight_name, promised, suffix_of
from weights.leftovers import check_escaped, check_text, check_values
from weights.markup import check_markup, check_xml
from weights.openvino import data_of_graph
from weights.pickle_file import check_pickles, name_findings
from weights.pickle_walk import looks_like_pickle
from weights.report import Parsed
from weights.strict_json import JsonDocument, JsonRefusedError, parse_strict
from weights.template_places import is_template_file, templates_in
from weights.templates import check_template
from weights.text_search import SearchedText
from weights.tokenizer_checks import is_tokenizer, summarize_tokenizer
from weights.vocabularies import summarize_lines, summarize_words

CONTENT_LIMIT_BYTES = 1 << 20  # larger JSON is kept only where the folder's checks need it

INDEX_NAME = re.compile(r"\.index(\.[\w-]+)?\.json$")
_MARKUP_SUFFIXES = frozenset({".html", ".htm", ".xhtml", ".svg", ".xml"})
_VOCABULARY_LINE = re.compile(r"[A-Za-z0-9+/=]{1,4000} \d{1,10}\r?(\n|$)")
# Files of these names are objects wherever they are read.
_OBJECTS = re.compile(
    r"((generation_|tokenizer_|adapter_|preprocessor_|processor_)?config|special_tokens_map|tokenizer|model_index)\.json"
)
_BINARY_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def inspect_text(content: bytes, path: str, kind: Kind) -> Parsed:
    """What a file taken for text (or a pointer, or a page) says.

    The kind of what turns out not to be text is UNKNOWN.
    """
    expected = promised(path)
    if kind is Kind.POINTER:
        return Parsed(kind, [FM_POINTER.at(path, "The file is a Git LFS pointer.", evidence=_first_line(content))])
    if kind is Kind.PAGE and suffix_of(path) not in (".html", ".htm", ".md", ".xml", ".svg"):
        return Parsed(kind, [FM_PAGE.at(path, "The file holds a web page.", evidence=_first_line(content))])
    text, findings = _decode(content, path)
    if text is None:
        return Parsed(Kind.UNKNOWN, findings)
    if looks_like_pickle(content):
        return Parsed(Kind.PICKLE, findings + name_findings(path) + check_pickles(content, len(content), path))
    if suffix_of(path) == ".json":
        return _inspect_json(content, SearchedText(text), path, findings)
    if _is_misplaced(text, path, expected):
        findings.append(FM_MISNAMED.at(path, "The file holds text.", evidence=_first_line(content)))
    if is_template_file(path) and any(finding.check == FM_ENCODING.id for finding in findings):
        findings.append(TP_PARSE.at(path, "The template is not UTF-8."))
    if is_template_file(path):
        return Parsed(Kind.TEXT, findings + check_template(text, path, "the file itself"), content={"template": text})
    findings += check_source(text, content, path) + check_text(SearchedText(text), path)
    kept: dict[str, Any] | None = None
    if suffix_of(path) in (".md", ".markdown"):
        found, kept = check_card(text, path)
        findings += found
    elif suffix_of(path) in (".yaml", ".yml"):
        findings += _check_yaml(text, path)
    elif suffix_of(path) in _MARKUP_SUFFIXES:
        findings += check_markup(text, path) + check_xml(text, path)
        kept = data_of_graph(text, path) if suffix_of(path) == ".xml" else None
    elif not is_license_file(path):
        kept = summarize_lines(text, path)
    if is_license_file(path):
        kept = {**(kept or {}), "license_marks": license_marks(text)}
    return Parsed(Kind.TEXT, findings, content=kept)


def _is_misplaced(text: str, path: str, expected: frozenset[Kind] | None) -> bool:
    """Whether text stands where its name promises something else; a vocabulary may be lines of base64 and numbers."""
    if suffix_of(path) == ".model":
        return _VOCABULARY_LINE.match(text) is None
    return expected is not None and Kind.TEXT not in expected


def _check_yaml(text: str, path: str) -> list[Finding]:
    findings, documents = read_yaml(text, path)
    for value in documents:
        findings += check_settings(value, path)
        for name, template in templates_in(value):
            findings += check_template(template, path, f"the key {name!r}")
    return findings


def check_empty(path: str) -> list[Finding]:
    """Whether a file of this name may be empty; a marker or a package's `__init__.py` may."""
    if is_weight_name(path) or suffix_of(path) == ".json":
        return [FM_EMPTY.at(path, "The file has no content.")]
    return []


def _decode(content: bytes, path: str) -> tuple[str | None, list[Finding]]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        if _BINARY_CONTROL.search(content):
            return None, []
        return content.decode("latin-1"), [FM_ENCODING.at(path, "The text is not UTF-8.", offset=error.start)]
    return (None if "\0" in text else text), []


def _inspect_json(content: bytes, searched: SearchedText, path: str, findings: list[Finding]) -> Parsed:
    findings += check_text(searched, path)
    try:
        document = parse_strict(content, allow_nonfinite=True)
    except JsonRefusedError as error:
        findings.append(CT_JSON.at(path, f"The file is refused: {error}.", evidence=_first_line(content)))
        return Parsed(Kind.JSON, findings)
    if document.nonfinite:
        findings.append(CT_NONFINITE.at(path, f"The file uses {document.nonfinite[0]}."))
    if _OBJECTS.fullmatch(PurePosixPath(path).name) and not isinstance(document.value, dict):
        findings.append(CT_JSON.at(path, "The file must hold an object.", evidence=_first_line(content)))
    # What a text has no word of, it need not be searched for at every depth.
    if searched.has_any(("/", "\\", ":", "_id", "_ID", "_ur")):
        findings += check_values(_settings(document.value), path, "settings")
    if searched.has("\\u00"):  # letters that need no escape are hidden by one
        findings += check_escaped(_settings(document.value), path)
    if may_name_code(searched, path):
        findings += check_settings(document.value, path)
    if searched.has_any(("chat_template", "\\u")):
        for name, template in templates_in(document.value):
            findings += check_template(template, path, f"the key {name!r}")
    return Parsed(Kind.JSON, findings, content=_kept(document, len(content), path))


def _kept(document: JsonDocument, size: int, path: str) -> Any:
    """The part of a JSON file that its report carries."""
    value, name = document.value, PurePosixPath(path).name
    if is_tokenizer(value):
        return summarize_tokenizer(value)
    words = summarize_words(value, name)
    if words is not None:
        return words
    if isinstance(value, dict) and isinstance(value.get("weight_map"), dict):
        value["weight_map"] = _with_shared_words(value["weight_map"])
    if size <= CONTENT_LIMIT_BYTES or INDEX_NAME.search(name):
        return value if document.is_finite else _storable(value)
    return None


def _with_shared_words(weight_map: dict[Any, Any]) -> dict[Any, Any]:
    """The same with one text for each shard, not one for each of 70 000 tensors."""
    shards = weight_map.values()
    if not {str}.issuperset(map(type, shards)):
        return weight_map
    words: dict[str, str] = {}
    return dict(zip(weight_map, map(words.setdefault, shards, shards), strict=True))


def _settings(value: Any) -> Any:
    """A configuration without its long lists of words, which may hold anything."""
    if not isinstance(value, dict) or is_tokenizer(value):
        return None
    return {key: inner for key, inner in value.items() if key not in ("vocab", "weight_map", "added_tokens_decoder")}


def _storable(value: Any) -> Any:
    """`value` with the numbers that JSON does not have written as words, so that a database can hold it."""
    if isinstance(value, dict):
        return {key: _storable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_storable(inner) for inner in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value


def _first_line(content: bytes) -> str:
    return content[:160].split(b"\n", 1)[0].decode("utf-8", "replace")
