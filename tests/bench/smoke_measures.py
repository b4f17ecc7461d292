"""The measurements of a smoke run, taken in this process, since these checkpoints are our own; kept by case.

One model is loaded once as it would be run and once unrounded. Without a probe the general text serves, as in a run
that is given nothing; with one, what the rules on a declared loss need is taken as well.
"""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

from smoke import closer, coherence, decoding, encoding, loading, runner, tensors
from smoke.channel import Channel
from smoke.checkpoint import DECODER, ENCODER, ENCODER_DECODER, open_checkpoint
from smoke.probes import Probe

BLOCKS_SECONDS = 240.0
KINDS = {"bert": ENCODER, "t5": ENCODER_DECODER}


def take(
    folder: Path,
    probe: Probe,
    *,
    quantization: str = "int8",
    is_deep: bool = True,
    is_enough: Any = lambda _: False,
    dtype: str = "bfloat16",
) -> dict[str, Any]:
    """Everything that the rules on weights are judged from. `is_deep` looks for repairs as well.

    `is_enough` is asked of what is measured before the costly part, and may end it there.
    """
    measured: dict[str, Any] = {}
    with contextlib.suppress(_Ended):
        _take(folder, probe, quantization, is_deep, is_enough, dtype, measured)
    return json.loads(json.dumps(measured))


class _Ended(Exception):
    pass


def _take(
    folder: Path,
    probe: Probe,
    quantization: str,
    is_deep: bool,
    is_enough: Any,
    dtype: str,
    measured: dict[str, Any],
) -> None:
    config = json.loads((folder / "config.json").read_text())
    kind = KINDS.get(config["model_type"], DECODER)
    channel = Channel(io.StringIO())
    measured["static"] = tensors.inspect(open_checkpoint(folder), folder, lambda *_: None)
    measured["architecture"] = kind
    request = {
        "folder": str(folder), "architecture": kind, "quantization": quantization, "torch_device": "cpu",
        "dtype": dtype, "context": 256, "blocks_seconds": BLOCKS_SECONDS if is_deep else 0.0,
        "probe": probe.to_json(), "agreement": False,
    }  # fmt: skip
    try:
        loaded = _loaded(folder, kind, quantization, dtype)
    except Exception as error:
        measured["error"] = f"{type(error).__name__}: {str(error)[:200]}"
        raise _Ended from error
    measured["engine"] = {"dtype": dtype}
    measured["keys"] = loaded.keys
    measured["tokenizer"] = runner.tokenizer_facts(loaded)
    measured["vocabulary"] = int(loaded.model.get_input_embeddings().weight.shape[0])
    measured["coherence"] = coherence.of(loaded, measured)
    if loaded.keys["missing_keys"] or loaded.keys["mismatched_keys"] or not decoding.can_read(measured):
        raise _Ended
    if kind == ENCODER:
        encoding.encoder(loaded, request, channel, measured)
    else:
        ask = decoding.scoring.causal if kind == DECODER else decoding.scoring.halves
        decoding.likelihood(loaded, request, channel, measured, ask)
    if measured["finite"] and not is_enough(measured):
        with contextlib.redirect_stderr(io.StringIO()):
            closer.look(loaded, request, channel, measured)


def _loaded(folder: Path, kind: str, quantization: str, dtype: str) -> Any:
    with contextlib.redirect_stderr(io.StringIO()):
        return loading.load(
            folder, kind=kind, quantization=quantization, device="cpu", dtype=dtype, progress=lambda *_: None
        )


def kept(path: Path, make: Any) -> dict[str, Any]:
    """The measurements in this file, taken first if it is not there."""
    if path.exists():
        found: dict[str, Any] = json.loads(path.read_text())
        return found
    made = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(made))
    return dict(made)
