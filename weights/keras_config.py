"""The configuration of Keras models: which classes and functions it names.

Owns the list of Keras' own modules. It is an allow list, because Keras imports what a configuration names, and helpers
of Keras itself download, unpickle and write files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from weights.catalog.folder import CT_JSON
from weights.catalog.keras import KR_CODE
from weights.findings import Finding
from weights.strict_json import JsonRefusedError, parse_strict

LISTED_LIMIT = 20

_MODULE = re.compile(
    r"(tf_)?keras(\.api)?(\.src)?(\.(_v2|engine))?"
    r"(\.(layers|activations|initializers|regularizers|constraints|losses|metrics|optimizers|models|ops|dtype_policies|"
    r"mixed_precision|engine|random|quantizers)(\.\w+)*)?"
)
_LAMBDAS = frozenset({"Lambda", "__lambda__", "TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", "TFSMLayer"})
_PLAIN = frozenset({"__tuple__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__typespec__", "slice"})
_BARE_NAME = re.compile(r"[A-Za-z_]\w*")


def check_keras_text(content: bytes, path: str, where: str) -> list[Finding]:
    """Findings on the JSON `content`, found in the file `path` at `where`."""
    try:
        value = parse_strict(content, allow_nonfinite=True).value
    except JsonRefusedError as error:
        return [CT_JSON.at(path, f"The configuration at {where} is refused: {error}.")]
    findings = [
        KR_CODE.at(path, f"The configuration at {where} {message}.", evidence=evidence)
        for message, evidence in _troubles(value)
    ]
    return findings[:LISTED_LIMIT]


def _troubles(value: Any) -> Iterator[tuple[str, str]]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting += item
        elif isinstance(item, dict):
            waiting += item.values()
            if "class_name" in item or ("module" in item and "registered_name" in item):
                yield from _trouble(item)


def _trouble(item: dict[str, Any]) -> Iterator[tuple[str, str]]:
    name, module, registered = item.get("class_name"), item.get("module"), item.get("registered_name")
    for given in (name, registered):
        if isinstance(given, str) and given.rpartition(">")[2] in _LAMBDAS:
            yield f"has the layer {given!r}, which carries code", given
            return
    if not isinstance(name, str) or not _BARE_NAME.fullmatch(name.rpartition(">")[2]):
        yield "names a class by something that is no name", str(name)[:200]
    elif module is not None and not (module == "builtins" and name in _PLAIN):
        if not isinstance(module, str) or not _MODULE.fullmatch(module):
            yield f"imports {name!r} from {str(module)[:120]!r}", f"{module}.{name}"[:200]
    elif ">" in name and not name.startswith("Keras>"):
        yield f"names the class {name!r} of somebody's own", name
    if isinstance(registered, str) and ">" in registered and not registered.startswith(("Keras>", "keras")):
        yield f"names the registered class {registered!r} of somebody's own", registered
