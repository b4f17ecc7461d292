"""The reference pages that are made from the code: the JSON schemas of smoke reports and of declared probes.

`python -m smoke.reference [DIR]` writes them into DIR (docs/reference by default). Owns their form alone; a test holds
the committed pages to what this module makes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from smoke.by_token import MOST_NATS, MOST_TOKENS, PRECISIONS, WIDEST_BITS
from smoke.probes import LEAST_WINDOW, MOST_WINDOW
from smoke.report import Basis, Outcome, Severity

FOLDER = Path("docs/reference")

_TEXT: dict[str, Any] = {"type": "string"}
_SECONDS: dict[str, Any] = {"type": "number", "minimum": 0}


def report_schema() -> dict[str, Any]:
    """The JSON schema of what `python -m smoke run DIR --json FILE` writes."""
    metric = _object(
        {
            "code": {**_TEXT, "description": "stable name of the rule"},
            "name": {**_TEXT, "description": "for people"},
            "value": {"type": ["number", "null"], "description": "null where it was not finite or not taken"},
            "unit": _TEXT,
            "threshold": {**_TEXT, "description": "what `ok` was judged by; `none` where the value is only noted"},
            "ok": {"type": "boolean"},
            "severity": {
                "enum": [s.value for s in Severity],
                "description": "what the metric does to the outcome when it is not ok",
            },
            "reason": _TEXT,
        }
    )
    sample = _object(
        {
            "prompt": _TEXT,
            "text": {**_TEXT, "description": "written by the model: untrusted, to be escaped"},
            "tokens": {"type": "integer", "minimum": 0},
            "stopped": {"type": "boolean", "description": "whether the model ended by itself"},
            "mode": {"enum": ["greedy", "sampled"]},
        }
    )
    stage = {"stage": _TEXT, "seconds": _SECONDS, "cpu_seconds": {"type": ["number", "null"]}}
    tokens = {"type": ["array", "null"], "items": {"type": ["integer", "null"]}}
    start = _object(
        {
            "number": {"type": "integer", "minimum": 1},
            "seconds": _SECONDS,
            "cpu_seconds": _SECONDS,
            "peak_bytes": {"type": "integer", "minimum": 0, "description": "as seen from outside"},
            "digest": {**_TEXT, "description": "of the logits of one fixed text"},
            "greedy": tokens,
            "sampled": tokens,
            "stages": {"type": "array", "items": _object(stage)},
        }
    )
    bound = {
        "basis": {"enum": [b.value for b in Basis], "description": "what the verdict rests on"},
        "manifest_digest": {**_TEXT, "pattern": "^(sha256:[0-9a-f]{64})?$"},
        "driver": _TEXT,
        "seed": {"type": ["integer", "null"]},
        "rules_version": _TEXT,
    }
    joules = {"type": ["number", "null"], "description": "null where the device does not tell"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Report of smoke inference",
        **_object(
            {
                "outcome": {"enum": [o.value for o in Outcome]},
                "code": {**_TEXT, "description": "stable name of the reason"},
                "reason": _TEXT,
                "device": _TEXT,
                "quantization": _TEXT,
                "metrics": {"type": "array", "items": metric},
                "samples": {"type": "array", "items": sample},
                "seconds": _SECONDS,
                "versions": {"type": "object", "additionalProperties": _TEXT},
                "sandbox": {"type": "object", "description": "layers of confinement: applied, missing, detail"},
                "plan": {"type": "object"},
                "measurements": {"type": "object", "description": "what the metrics were judged from"},
                **bound,
                "starts": {"type": "array", "items": start},
                "breakdown": {
                    "type": "array",
                    "description": "what the seconds are made of; start 0 is the parent",
                    "items": _object({"start": {"type": "integer", "minimum": 0}, **stage}),
                },
                "energy": {
                    "type": "object",
                    "properties": {"joules": joules, "source": _TEXT, "reason": _TEXT},
                    "additionalProperties": False,
                },
            }
        ),
    }


def probe_schema() -> dict[str, Any]:
    """The JSON schema of what `python -m smoke run DIR --probe FILE` reads and `--declare FILE` writes."""
    losses = {
        "nats": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_TOKENS,
            "items": {"type": "number", "minimum": 0, "maximum": MOST_NATS},
            "description": "the loss of each token that is scored, in order",
        },
        "measured_in": {"enum": ["", *PRECISIONS], "description": "what was computed in; empty where it is not known"},
        "mantissa_bits": {
            "type": ["integer", "null"],
            "minimum": 0,
            "maximum": WIDEST_BITS,
            "description": "that the weights used: 23 as float32, 10 as float16, 7 as bfloat16",
        },
        "cast_nats": {
            "type": ["number", "null"],
            "exclusiveMinimum": 0,
            "maximum": MOST_NATS,
            "description": "root mean square of what casting the weights to bfloat16 changes in these losses",
        },
    }
    fields = {
        "text": {**_TEXT, "minLength": 1, "description": "held out of training; up to 256 KiB"},
        "bits_per_byte": {"type": ["number", "null"], "exclusiveMinimum": 0, "description": "the mean loss"},
        "window": {
            "type": "integer",
            "minimum": LEAST_WINDOW,
            "maximum": MOST_WINDOW,
            "description": "tokens read at once",
        },
        "token_losses": {**_object(losses), "type": ["object", "null"], "required": ["nats"]},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Probe of smoke inference",
        "type": "object",
        "properties": fields,
        "required": ["text"],
    }


def pages() -> dict[str, str]:
    """Every page by its name."""
    made = {"smoke-report.schema.json": report_schema(), "smoke-probe.schema.json": probe_schema()}
    return {name: json.dumps(schema, indent=2) + "\n" for name, schema in made.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages into the folder given, or where the repository keeps them."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    folder = Path(given[0]) if given else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in pages().items():
        (folder / name).write_text(content, encoding="utf-8")
    return 0


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


if __name__ == "__main__":  # pragma: no cover - runs in a process of its own
    sys.exit(main())
