"""Every check there is, by its stable id.

Owns the ids and their wording. An id is never reused and its severity changes only with `RULESET`. The `CHECKS` mapping
feeds the reference page, so a check that is not listed here cannot fire: parsers import theirs from this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from weights.catalog import coherence, files, folder, gguf, keras, leftovers, onnx, pickles, templates, tensors
from weights.findings import Check

RULESET = "2026.11.9"

GROUPS: tuple[tuple[str, ModuleType], ...] = (
    ("Files and names", files),
    ("Safetensors and weight values", tensors),
    ("GGUF", gguf),
    ("Chat templates", templates),
    ("ONNX", onnx),
    ("Keras, HDF5, TensorFlow and Flax", keras),
    ("Credentials, leftovers and cards", leftovers),
    ("Pickles, archives and NumPy arrays", pickles),
    ("Index, configuration and code", folder),
    ("Coherence of configuration, tokenizer and tensors", coherence),
)


def _collect() -> dict[str, Check]:
    found: dict[str, Check] = {}
    for _, module in GROUPS:
        for value in vars(module).values():
            if isinstance(value, Check):
                if value.id in found:
                    raise ValueError(f"two checks are called {value.id}")
                found[value.id] = value
    return found


CHECKS: Mapping[str, Check] = _collect()
