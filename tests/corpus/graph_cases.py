"""Graphs: ONNX, TensorFlow's saved models, Keras files in HDF5, and other runtimes' formats."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from tests.corpus.archive_cases import LAMBDA, LAYER, archive, keras_config, npy
from tests.corpus.cases import Case, Content, case
from tests.unit.weights.makers import flax_bytes


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def part(number: int, content: bytes | str | int) -> bytes:
    """One field of a protocol buffer's message."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    raw = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def onnx(*parts: bytes, opset: bytes = part(8, part(2, 17))) -> bytes:
    """A model whose graph has these fields."""
    return part(1, 8) + part(2, "nimbus") + part(7, b"".join(parts) + part(2, "g")) + opset


def node(kind: str, domain: str = "", *attributes: bytes) -> bytes:
    return part(1, part(1, "x") + part(2, "y") + part(4, kind) + (part(7, domain) if domain else b"") + b"".join(attributes))


def external(location: str, *more: tuple[str, str]) -> bytes:
    """An initializer whose data is in another file."""
    entries = b"".join(part(13, part(1, key) + part(2, value)) for key, value in (("location", location), *more))
    return part(5, part(1, 4) + part(2, 1) + part(8, "w") + entries + part(14, 1))


def raw_tensor(content: bytes, count: int = 4) -> bytes:
    return part(5, part(1, count) + part(2, 1) + part(8, "w") + part(9, content))


def saved_model(*operators: str, extra: bytes = b"") -> bytes:
    """A TensorFlow model whose graph has these operators."""
    nodes = b"".join(part(1, part(1, f"n{number}") + part(2, operator)) for number, operator in enumerate(operators))
    meta = part(1, part(4, "serve")) + part(2, nodes + part(4, part(1, 1900)) + extra)
    return part(1, 1) + part(2, meta)


def function(*operators: str) -> bytes:
    """A library with one function of these operators."""
    body = b"".join(part(3, part(1, f"n{number}") + part(2, operator)) for number, operator in enumerate(operators))
    return part(2, part(1, part(1, part(1, "f")) + body))


def hdf5(attributes: dict[str, Any], arrays: dict[str, Any] | None = None, **options: Any) -> bytes:
    """A file of Keras, with these attributes at the root."""
    stream = io.BytesIO()
    with h5py.File(stream, "w", **options) as file:
        for key, value in attributes.items():
            file.attrs[key] = value
        for key, array in (arrays or {"w/kernel:0": np.ones((2, 2), "<f4")}).items():
            file.create_dataset(key, data=array)
    return stream.getvalue()


def external_hdf5() -> bytes:
    """A dataset whose bytes are in another file."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.create_dataset("w", (4,), "<f4", external=[("/etc/passwd", 0, 16)])
    return stream.getvalue()


def linked_hdf5() -> bytes:
    """A group that is a link into another file."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file["w"] = h5py.ExternalLink("/etc/passwd", "/")
    return stream.getvalue()


def objects_hdf5() -> bytes:
    """A dataset of opaque values, as pickles are kept in."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.create_dataset("w", data=np.void(b"cposix\nsystem\n(S'true'\ntR."))
    return stream.getvalue()


NAN = np.full((2, 2), np.nan, "<f4")
SOUND_HDF5 = hdf5({"model_config": json.dumps(keras_config()), "keras_version": "2.15.0"})

_ROWS: list[tuple[str, str, str, str, Content]] = [
    ("onnx-climbs", "model.onnx", "data from a folder above", "OX-PATH", onnx(external("../../etc/passwd"))),
    ("onnx-absolute", "model.onnx", "data from an absolute path", "OX-PATH", onnx(external("/etc/passwd"))),
    ("onnx-drive", "model.onnx", "data from another drive", "OX-PATH", onnx(external("C:\\x"))),
    ("onnx-empty-location", "model.onnx", "data from nowhere", "OX-PATH", onnx(external(""))),
    ("onnx-nul", "model.onnx", "data from a path with NUL", "OX-PATH", onnx(external("a\0b"))),
    ("onnx-missing", "model.onnx", "data from a file that is not there", "OX-MISSING", onnx(external("w.data"))),
    ("onnx-key-last", "model.onnx", "data from a path, keys in another order", "OX-PATH", onnx(part(5, part(8, "w") + part(13, part(2, "../x") + part(1, "location"))))),
    ("onnx-two-locations", "model.onnx", "two places for one tensor", "OX-PATH OX-MISSING", onnx(external("a.data", ("location", "../x")))),
    ("onnx-attribute", "model.onnx", "data from a folder above, in an attribute", "OX-PATH", onnx(part(1, part(4, "Constant") + part(5, part(1, "value") + part(5, part(13, part(1, "location") + part(2, "../x"))))))),
    ("onnx-subgraph", "model.onnx", "data from a folder above, in a branch", "OX-PATH", onnx(part(1, part(4, "If") + part(5, part(1, "then_branch") + part(6, external("../x")))))),
    ("onnx-sparse", "model.onnx", "data from a folder above, sparse", "OX-PATH", onnx(part(15, part(1, part(13, part(1, "location") + part(2, "../x")))))),
    ("onnx-function", "model.onnx", "data from a folder above, in a function", "OX-PATH", onnx() + part(25, part(1, "f") + part(7, part(4, "Constant") + part(5, part(1, "v") + part(5, part(13, part(1, "location") + part(2, "../x"))))))),
    ("onnx-training", "model.onnx", "data from a folder above, for training", "OX-PATH", onnx() + part(20, part(1, external("../x")))),
    ("onnx-cut", "model.onnx", "a graph cut short", "OX-PATH FM-UNKNOWN FM-MISNAMED", onnx(raw_tensor(bytes(16)))[:-9]),
    ("onnx-trailing", "model.onnx", "bytes behind the graph", "OX-PATH FM-UNKNOWN", onnx() + b"\xff\xff\xff"),
    ("onnx-two-graphs", "model.onnx", "two graphs", "OX-PATH FM-UNKNOWN", onnx() + part(7, part(2, "h"))),
    ("onnx-length", "model.onnx", "a length of 2^63", "OX-PATH FM-UNKNOWN", part(1, 8) + b"\x3a" + varint(1 << 63) + b"ab"),
    ("onnx-deep", "model.onnx", "graphs thousands deep", "OX-PATH FM-UNKNOWN", lambda: onnx(_deep_graph(2000))),
    ("onnx-nan", "model.onnx", "a NaN among the weights", "WV-NAN", onnx(raw_tensor(struct.pack("<4f", 1, 2, 3, float("nan"))))),
    ("onnx-size", "model.onnx", "a tensor of fewer bytes than its shape", "OX-PATH OX-SIZE", onnx(raw_tensor(bytes(15)))),
    ("onnx-pickle", "model.onnx", "a pickle", "PK-EXEC", b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."),
    ("tf-read", "saved_model.pb", "an operator that reads files", "TF-OPERATOR", saved_model("Placeholder", "ReadFile")),
    ("tf-write", "saved_model.pb", "an operator that writes files", "TF-OPERATOR", saved_model("Const", "WriteFile")),
    ("tf-py-func", "saved_model.pb", "an operator that runs Python", "TF-OPERATOR", saved_model("PyFunc")),
    ("tf-py-func-eager", "saved_model.pb", "an operator that runs Python at once", "TF-OPERATOR", saved_model("EagerPyFunc")),
    ("tf-library", "saved_model.pb", "an operator that reads files, in a function", "TF-OPERATOR", saved_model("Placeholder", extra=function("MatchingFiles"))),
    ("tf-records", "saved_model.pb", "an operator that reads records", "TF-OPERATOR", saved_model("TFRecordReaderV2")),
    ("tf-debug", "saved_model.pb", "an operator that sends values away", "TF-OPERATOR", saved_model("DebugIdentityV2")),
    ("tf-custom", "saved_model.pb", "an operator that TensorFlow lacks", "TF-OPERATOR", saved_model("MyCompany>Evil")),
    ("tf-other-name", "model.pb", "an operator that reads files, under another name", "TF-OPERATOR", saved_model("ReadFile")),
    ("tf-bin-name", "weights.bin", "an operator that reads files, under a pickle's name", "TF-OPERATOR FM-UNKNOWN", saved_model("ReadFile")),
    ("tf-pickle-name", "model.pkl", "a harmless graph under a pickle's name", "FM-MISNAMED", saved_model("Const")),
    ("tf-frozen", "frozen.pb", "a bare graph with an operator that reads files", "TF-OPERATOR", part(1, part(1, "n") + part(2, "ReadFile")) + part(4, part(1, 1900))),
    ("tf-keras-metadata", "keras_metadata.pb", "Keras' part of a saved model, with code", "KR-CODE FM-UNKNOWN TF-OPERATOR", part(1, part(2, 1) + part(3, "root.layer") + part(4, "_tf_keras_layer") + part(5, json.dumps(LAYER | {"class_name": "Lambda", "config": {"function": LAMBDA}})))),
    ("tf-cut", "saved_model.pb", "a graph cut short", "FM-UNKNOWN TF-OPERATOR", saved_model("Const")[:-3]),
    ("tflite", "model.tflite", "a format that is not inspected", "FM-UNINSPECTED FM-UNKNOWN", b"\x1c\0\0\0TFL3" + bytes(60)),
    ("flax-no-array", "flax_model.msgpack", "an array that is none", "FX-FORM", b"\x81\xa1w\xc7\x04\x01abcd" + bytes(range(128, 160))),
    ("flax-nan", "flax_model.msgpack", "a NaN among the weights", "WV-NAN", flax_bytes({"w": np.float32([1, float("nan")])})),
    ("flax-other-name", "weights.dat", "a NaN among the weights, under another name", "WV-NAN", flax_bytes({"w": np.float32([1, float("nan")])})),
    ("flax-tail", "flax_model.msgpack", "a pickle behind the tree", "FX-FORM", flax_bytes({"w": np.ones(2)}) + b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."),
    ("flax-cut", "flax_model.msgpack", "a tree that is cut short", "FX-FORM", flax_bytes({"w": np.ones(200)})[:-1]),
    ("flax-twice", "flax_model.msgpack", "a name twice", "FX-FORM", b"\x82" + flax_bytes({"w": np.ones(2)})[1:] * 2),
    ("flax-shape", "flax_model.msgpack", "a shape of more bytes than there are", "FX-FORM", flax_bytes({"w": np.ones(2)}).replace(b"\x91\x02", b"\x91\x7f")),
    ("flax-objects", "flax_model.msgpack", "an array of objects", "FX-FORM", flax_bytes({"w": np.ones(2)}).replace(b"\xa7float64", b"\xa7objects")),
    ("flax-bytes", "flax_model.msgpack", "bytes that are no array", "FX-FORM", flax_bytes({"w": np.ones(2), "more": b"\x80\x04."})),
    ("flax-extension", "flax_model.msgpack", "an extension that Flax lacks", "FX-FORM", b"\x81\xa1w\xd4\x09\x00"),
    ("flax-key", "flax_model.msgpack", "a key that is a number, after an array", "FX-FORM", b"\x82" + flax_bytes({"w": np.ones(2)})[1:] + b"\x01\x01"),
    ("flax-deep", "flax_model.msgpack", "maps thousands deep", "FX-FORM", b"\x81\xa1a" * 5000 + b"\x01"),
    ("flax-many", "flax_model.msgpack", "a map of four billion", "FX-FORM", b"\xdf\xff\xff\xff\xff" + b"\xa1a\x01"),
    ("flax-names", "flax_model.msgpack", "a name of a megabyte", "FX-FORM", flax_bytes({"a": np.ones(1), "b" * 1_000_000: np.ones(1)})),
    ("flax-archive", "flax_model.msgpack", "an archive as the last array", "FM-POLYGLOT", flax_bytes({"w": np.frombuffer(archive({"data.pkl": b"\x80\x04N."}), np.uint8)})),
    ("npy-archive", "a.npy", "an archive as the array", "FM-POLYGLOT", npy(np.frombuffer(archive({"data.pkl": b"\x80\x04N."}), np.uint8))),
    ("flax-training", "flax_model.msgpack", "moments of an optimizer", "LO-TENSOR", flax_bytes({"params": {"w": np.ones(2)}, "opt_state": {"0": {"mu": {"w": np.ones(2)}}}})),
    ("hdf5-lambda", "model.h5", "a layer of code", "KR-CODE", hdf5({"model_config": json.dumps(keras_config(class_name="Lambda", config={"function": ["4wEAAAA=", None, None], "function_type": "lambda"}))})),
    ("hdf5-lambda-bytes", "model.h5", "a layer of code, the configuration as bytes", "KR-CODE", hdf5({"model_config": json.dumps(keras_config(class_name="Lambda")).encode()})),
    ("hdf5-lambda-deep", "model.h5", "a layer of code inside a model inside a model", "KR-CODE", hdf5({"model_config": json.dumps(keras_config(class_name="Model", config={"layers": [keras_config(class_name="Lambda")]}))})),
    ("hdf5-module", "model.h5", "a class of another module", "KR-CODE", hdf5({"model_config": json.dumps(keras_config(module="os", class_name="system"))})),
    ("hdf5-custom", "model.h5", "a layer that Keras lacks", "KR-CODE", hdf5({"model_config": json.dumps(keras_config(module=None, class_name="EvilLayer", registered_name="evil>EvilLayer"))})),
    ("hdf5-training", "model.h5", "a loss by code", "KR-CODE", hdf5({"model_config": json.dumps(keras_config()), "training_config": json.dumps({"loss": {"module": "builtins", "class_name": "function", "config": "exec"}})})),
    ("hdf5-twice", "model.h5", "a key twice", "CT-JSON", hdf5({"model_config": '{"class_name": "Sequential", "class_name": "Lambda"}'})),
    ("hdf5-no-json", "model.h5", "a configuration that is no JSON", "CT-JSON", hdf5({"model_config": "{"})),
    ("hdf5-other-name", "weights.dat", "a layer of code under another name", "KR-CODE", hdf5({"model_config": json.dumps(keras_config(class_name="Lambda"))})),
    ("hdf5-external-data", "model.h5", "values of another file", "H5-LINK", external_hdf5),
    ("hdf5-external-link", "model.h5", "a link into another file", "H5-LINK", linked_hdf5),
    ("hdf5-opaque", "model.h5", "opaque values", "H5-FORM", objects_hdf5),
    ("hdf5-nan", "model.h5", "a NaN among the weights", "WV-NAN", hdf5({}, {"w/kernel:0": NAN})),
    ("hdf5-cut", "model.h5", "a file cut short", "H5-FORM", SOUND_HDF5[:-40]),
    ("hdf5-half", "model.h5", "half a file", "H5-FORM", SOUND_HDF5[: len(SOUND_HDF5) // 2]),
    ("hdf5-trailing", "model.h5", "a pickle behind the file", "H5-FORM", SOUND_HDF5 + b"cposix\nsystem\n(S'true'\ntR."),
    ("hdf5-magic", "model.h5", "a mark and nothing else", "H5-FORM", b"\x89HDF\r\n\x1a\n" + bytes(100)),
    ("hdf5-late", "model.h5", "a file that begins later", "H5-FORM FM-UNKNOWN FM-POLYGLOT", bytes(512) + SOUND_HDF5),
    ("hdf5-new-layout", "model.h5", "a layer of code in the newer layout", "KR-CODE H5-FORM", hdf5({"model_config": json.dumps(keras_config(class_name="Lambda"))}, libver="latest")),
    ("keras-hdf5-lambda", "model.keras", "a layer of code in a group of the weights", "KR-CODE", archive({"metadata.json": b"{}", "config.json": json.dumps(keras_config()).encode(), "model.weights.h5": hdf5({"model_config": json.dumps(keras_config(class_name="Lambda"))})})),
    ("keras-hdf5-link", "model.keras", "weights that link into another file", "H5-LINK", archive({"metadata.json": b"{}", "config.json": json.dumps(keras_config()).encode(), "model.weights.h5": linked_hdf5()})),
]  # fmt: skip


def _deep_graph(levels: int) -> bytes:
    content = node("Add")
    for _ in range(levels):
        content = part(1, part(4, "If") + part(5, part(1, "then_branch") + part(6, content)))
    return content


def cases() -> Iterator[Case]:
    """All of them."""
    for name, path, what, checks, content in _ROWS:
        yield case(name, what, checks, {path: content})
    yield case("onnx-operator", "an operator of somebody's own", "OX-OPERATOR", {"model.onnx": onnx(node("Evil", "evil.domain"))}, "warn")
    yield case("onnx-clean", "a graph", "OX-FORMAT", {"model.onnx": onnx(node("Add"), raw_tensor(struct.pack("<4f", 1, 2, 3, 4)))}, "warn")
    yield case("keras-clean", "a Keras archive", "KR-FORMAT", {"model.keras": archive({"metadata.json": b"{}", "config.json": json.dumps(keras_config()).encode(), "model.weights.h5": hdf5({})})}, "warn")
    yield case("hdf5-clean", "a Keras file in HDF5", "KR-FORMAT", {"model.h5": SOUND_HDF5}, "warn")
    yield case("onnx-million-nodes", "a million nodes", "OX-FORMAT OX-COST", {"model.onnx": lambda: onnx(node("Add") * 1_000_000)}, "warn", is_heavy=True)
    yield case("onnx-many-fields", "ten million fields", "OX-COST FM-UNKNOWN", {"model.onnx": lambda: onnx(b"\x58\1" * 10_000_000)}, is_heavy=True)
    yield case("protobuf-many-fields", "a tokenizer of ten million empty pieces", "FM-UNKNOWN", {"tokenizer.model": lambda: b"\x0a\0" * 10_000_000}, is_heavy=True)
    yield case("onnx-data-short", "data from a file that is too short", "OX-MISSING", {"model.onnx": onnx(external("w.data", ("offset", "64"), ("length", "16"))), "w.data": bytes(70)})
    yield case("onnx-data-negative", "data from before a file", "OX-PATH", {"model.onnx": onnx(external("w.data", ("offset", "-64"), ("length", "16"))), "w.data": bytes(70)})
    yield case("onnx-data", "data from a file beside it", "OX-DATA", {"model.onnx": onnx(external("w.data", ("offset", "0"), ("length", "70"))), "w.data": bytes(70)}, "warn")
