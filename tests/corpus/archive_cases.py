"""ZIP archives that readers take in two ways, and what hides in them: PyTorch, TorchScript, NumPy, Keras, and others."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.corpus.cases import HEALTHY, Case, Content, case
from tests.corpus.pickle_cases import BIN, EVIL, PNG, TEXT_EVIL, called, global_, tar

Parts = dict[str, bytes] | list[tuple[str, bytes]]


def archive(members: Parts, method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of these members, in this order; names may come twice."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, content in members.items() if isinstance(members, dict) else members:
            file.writestr(zipfile.ZipInfo(name), content, method)
    return stream.getvalue()


def storage_pickle(elements: int = 4) -> bytes:
    """The pickle of a state dict with one tensor of floats, as PyTorch writes it."""

    def text(value: str) -> bytes:
        return b"X" + struct.pack("<L", len(value)) + value.encode()

    persistent = b"(" + text("storage") + global_("torch", "FloatStorage") + text("0") + text("cpu") + b"K" + bytes([elements]) + b"tQ"
    tensor = global_("torch._utils", "_rebuild_tensor_v2") + b"(" + persistent + b"K\0" + b"K" + bytes([elements]) + b"\x85K\1\x85\x89"
    return b"\x80\x02}" + text("w") + tensor + global_("collections", "OrderedDict") + b")RtR" + b"s."


TORCH = {"m/data.pkl": storage_pickle(), "m/byteorder": b"little", "m/data/0": struct.pack("<4f", 1, 2, 3, 4), "m/version": b"3\n"}
EVIL_TORCH = TORCH | {"m/data.pkl": EVIL}


def patched(content: bytes, place: int, new: bytes) -> bytes:
    return content[:place] + new + content[place + len(new) :]


def local_name_changed(content: bytes) -> bytes:
    """The local header of the first member calls it otherwise than the directory does."""
    return patched(content, 30, b"x")


def with_flags(content: bytes, flags: int, central: bool = True) -> bytes:
    """Flag bits of the first member set in the local header, and in the directory."""
    changed = patched(content, 6, struct.pack("<H", flags))
    return patched(changed, changed.index(b"PK\x01\x02") + 8, struct.pack("<H", flags)) if central else changed


def wrong_checksum(content: bytes) -> bytes:
    changed = patched(content, 14, b"\1\2\3\4")
    return patched(changed, changed.index(b"PK\x01\x02") + 16, b"\1\2\3\4")


def moved(content: bytes, before: bytes) -> bytes:
    """The archive behind other bytes, its offsets put right."""
    end = content.rindex(b"PK\x05\x06")
    start = struct.unpack_from("<L", content, end + 16)[0]
    directory = bytearray(content[start:end])
    place = 0
    while place < len(directory):
        offset = struct.unpack_from("<L", directory, place + 42)[0]
        directory[place + 42 : place + 46] = struct.pack("<L", offset + len(before))
        place += 46 + sum(struct.unpack_from("<3H", directory, place + 28))
    tail = patched(content[end:], 16, struct.pack("<L", start + len(before)))
    return before + content[:start] + bytes(directory) + tail


def with_gap(content: bytes, hidden: bytes) -> bytes:
    """Bytes between the last member and the directory."""
    end = content.rindex(b"PK\x05\x06")
    start = struct.unpack_from("<L", content, end + 16)[0]
    return content[:start] + hidden + content[start:end] + patched(content[end:], 16, struct.pack("<L", start + len(hidden)))


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def array_file(header: str, content: bytes = bytes(4), version: bytes = b"\x01\x00") -> bytes:
    """A NumPy file with this header."""
    length = struct.pack("<H" if version[0] == 1 else "<L", len(header))
    return b"\x93NUMPY" + version + length + header.encode("latin-1") + content


LAYER: dict[str, Any] = {"class_name": "Dense", "config": {"name": "d", "units": 1}, "module": "keras.layers", "registered_name": None}


def keras_config(**changes: Any) -> dict[str, Any]:
    """The configuration of a sequential model with one layer, changed."""
    return {
        "module": "keras", "class_name": "Sequential", "registered_name": "Sequential",
        "config": {"name": "m", "layers": [LAYER | changes]},
    }  # fmt: skip


def keras(config: Any, extra: dict[str, bytes] | None = None) -> bytes:
    """A `.keras` archive, without weights unless `extra` has them."""
    text = config if isinstance(config, bytes) else json.dumps(config).encode()
    return archive({"metadata.json": b'{"keras_version": "3.5.0"}', "config.json": text, **(extra or {})})


LAMBDA = {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA", "defaults": None, "closure": None}}

_TORCH_TRICKS: list[tuple[str, str, str, Content]] = [
    ("evil", "a program as data.pkl", "PK-EXEC", archive(EVIL_TORCH)),
    ("second-pickle", "a program as a second pickle", "PK-EXEC PK-ZIP", archive(TORCH | {"m/extra.pkl": EVIL})),
    ("other-name", "a program under a name without extension", "PK-EXEC PK-ZIP", archive(TORCH | {"m/extra": EVIL})),
    ("txt-member", "a program called notes.txt", "PK-EXEC PK-ZIP", archive(TORCH | {"m/notes.txt": TEXT_EVIL})),
    ("storage", "a program in place of a storage", "PK-EXEC PK-ZIP", archive(TORCH | {"m/data/0": EVIL})),
    ("extra-storage", "a storage that no tensor has", "PK-ZIP", archive(TORCH | {"m/data/1": bytes(16)})),
    ("missing-storage", "a tensor without storage", "PK-ZIP", archive({name: TORCH[name] for name in TORCH if name != "m/data/0"})),
    ("short-storage", "a storage cut short", "PK-ZIP", archive(TORCH | {"m/data/0": bytes(8)})),
    ("two-roots", "two root folders", "PK-ZIP", archive(TORCH | {"n/data.pkl": EVIL})),
    ("twice", "data.pkl twice", "PK-ZIP", lambda: archive([*TORCH.items(), ("m/data.pkl", EVIL)])),
    ("twice-evil-first", "data.pkl twice, the program first", "PK-ZIP", lambda: archive([("m/data.pkl", EVIL), *TORCH.items()])),
    ("case-twice", "data.pkl and DATA.PKL", "PK-ZIP", archive(TORCH | {"m/DATA.PKL": EVIL})),
    ("local-name", "two names for one member", "PK-ZIP", local_name_changed(archive(EVIL_TORCH))),
    ("encrypted-flag", "a flag that says encrypted", "PK-ZIP", with_flags(archive(EVIL_TORCH), 1)),
    ("flag-local-only", "a flag in the local header alone", "PK-ZIP", with_flags(archive(EVIL_TORCH), 1, central=False)),
    ("flag-strong", "a flag for strong encryption", "PK-ZIP", with_flags(archive(EVIL_TORCH), 0x40)),
    ("flag-patch", "a flag for patched data", "PK-ZIP", with_flags(archive(EVIL_TORCH), 0x20)),
    ("version", "a member that asks for a reader that does not exist", "PK-ZIP", lambda: (lambda made: patched(made, made.index(b"PK\x01\x02") + 6, b"\x80\0"))(archive(EVIL_TORCH))),
    ("checksum", "a wrong checksum", "PK-ZIP", wrong_checksum(archive(EVIL_TORCH))),
    ("checksum-storage", "a storage with a wrong checksum", "PK-ZIP", lambda: (lambda made: patched(made, made.index(struct.pack("<4f", 1, 2, 3, 4)), b"\xff"))(archive(TORCH))),
    ("prefix", "bytes before the archive", "PK-ZIP FM-UNKNOWN FM-POLYGLOT", b"\0\1\2\3junk" + archive(EVIL_TORCH)),
    ("prefix-moved", "bytes before the archive, offsets put right", "PK-ZIP FM-UNKNOWN FM-POLYGLOT", moved(archive(EVIL_TORCH), b"\0\1\2\3junk")),
    ("prefix-magic", "an archive in front of the archive", "PK-ZIP", archive(TORCH) + archive(EVIL_TORCH)),
    ("pickle-before", "a pickle in front of the archive", "PK-EXEC PK-STREAM", EVIL + archive(TORCH)),
    ("gap", "bytes before the directory", "PK-ZIP", with_gap(archive(TORCH), EVIL)),
    ("trailing", "bytes behind the archive", "PK-ZIP", archive(TORCH) + EVIL),
    ("comment", "a comment", "PK-ZIP", archive(TORCH)[:-2] + b"\4\0evil"),
    ("absolute", "a member with an absolute name", "PK-ZIP", archive(TORCH | {"/etc/cron.d/x": b"1"})),
    ("climbs", "a member that climbs", "PK-ZIP", archive(TORCH | {"m/../../x": b"1"})),
    ("backslash", "a member with backslashes", "PK-ZIP", lambda: archive(TORCH | {"m/aXbXc": b"1"}).replace(b"m/aXbXc", b"m\\a\\bc")),
    ("nul-name", "a NUL in a member's name", "PK-ZIP", lambda: archive(TORCH | {"m/data.pklX": EVIL}).replace(b"data.pklX", b"data.pkl\0")),
    ("deflated", "a compressed pickle", "PK-ZIP PK-EXEC", archive(EVIL_TORCH, zipfile.ZIP_DEFLATED)),
    ("bzip2", "a pickle compressed by bzip2", "PK-ZIP", archive(EVIL_TORCH, zipfile.ZIP_BZIP2)),
    ("lzma", "a pickle compressed by LZMA", "PK-ZIP", archive(EVIL_TORCH, zipfile.ZIP_LZMA)),
    ("bomb", "a storage that unpacks to 400 MB", "PK-ZIP", lambda: archive(TORCH | {"m/data/1": bytes(400 << 20)}, zipfile.ZIP_DEFLATED)),
    ("nested", "an archive inside the archive", "PK-ZIP PK-EXEC", archive(TORCH | {"m/inner.zip": archive(EVIL_TORCH)})),
    ("no-end", "no end record", "PK-ZIP", archive(TORCH)[:-22]),
    ("half", "half an archive", "PK-ZIP", archive(TORCH)[:200]),
    ("count", "a directory of one member less", "PK-ZIP", lambda: (lambda made: patched(made, len(made) - 14, b"\3\0\3\0"))(archive(EVIL_TORCH))),
    ("two-disks", "an archive on two disks", "PK-ZIP", lambda: (lambda made: patched(made, len(made) - 18, b"\1\0"))(archive(TORCH))),
    ("symlink", "a member that is a link", "PK-ZIP", lambda: (lambda made: patched(made, made.rindex(b"PK\x01\x02") + 38, struct.pack("<L", 0o120777 << 16)))(archive(TORCH))),
]  # fmt: skip

_SCRIPT = {"m/data.pkl": storage_pickle(), "m/constants.pkl": b"\x80\x02).", "m/code/__torch__.py": b"class M(Module):\n  def forward(self, x):\n    return x\n", "m/version": b"3\n"}

_OTHERS: list[tuple[str, str, str, str, Content]] = [
    ("torchscript", "model.pt", "a TorchScript program", "PK-SCRIPT", archive(_SCRIPT)),
    ("torchscript-evil", "model.pt", "a TorchScript archive with a program in its pickle", "PK-EXEC", archive(_SCRIPT | {"m/constants.pkl": EVIL})),
    ("torchscript-bin", BIN, "a TorchScript program as ordinary weights", "PK-SCRIPT", archive(_SCRIPT)),
    ("npz-object", "w.npz", "an array of objects in an archive", "NP-OBJECT", archive({"a.npy": npy(np.array([{"a": 1}], dtype=object))})),
    ("npz-pickle", "w.npz", "a pickle among arrays", "PK-EXEC", archive({"a.npy": npy(np.ones(3)), "b.npy": EVIL})),
    ("npz-pickle-name", "w.npz", "a pickle among arrays, under its own name", "PK-EXEC PK-ZIP", archive({"a.npy": npy(np.ones(3)), "b.pkl": EVIL})),
    ("npz-nested", "w.npz", "an archive among arrays", "PK-ZIP PK-EXEC", archive({"a.npy": npy(np.ones(3)), "b.npy": archive(EVIL_TORCH)})),
    ("npz-nan", "w.npz", "a NaN in an array", "WV-NAN", archive({"a.npy": npy(np.full((3, 3), np.nan))})),
    ("npy-object", "a.npy", "an array of objects", "NP-OBJECT", npy(np.array([{"a": 1}], dtype=object))),
    ("npy-object-field", "a.npy", "a record with a field of objects", "NP-OBJECT", array_file("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,), }\n", bytes(8))),
    ("npy-code", "a.npy", "a call in the header", "NP-HEADER", array_file("__import__('os').system('true')\n")),
    ("npy-length", "a.npy", "a header of 4 GB", "NP-HEADER", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}"),
    ("npy-deep", "a.npy", "a header of brackets", "NP-HEADER", array_file("(" * 9000)),
    ("npy-cut", "a.npy", "an array cut short", "NP-HEADER", npy(np.ones(10))[:-3]),
    ("npy-longer", "a.npy", "bytes behind an array", "NP-HEADER", npy(np.ones(10)) + EVIL),
    ("npy-negative", "a.npy", "a negative dimension", "NP-HEADER", array_file("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }\n")),
    ("npy-overflow", "a.npy", "a shape that wraps", "NP-HEADER", array_file("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }\n", b"")),
    ("npy-version", "a.npy", "a version that does not exist", "NP-HEADER", array_file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n", version=b"\x09\x00")),
    ("npy-power", "a.npy", "a header that computes", "NP-HEADER", array_file("{'descr': '<f4', 'fortran_order': False, 'shape': (9**9**9,), }\n")),
    ("npy-repeated", "a.npy", "a header with one key twice", "NP-HEADER", array_file("{'descr': '<f4', 'descr': '<i4', 'fortran_order': False, 'shape': (1,), }\n")),
    ("keras-lambda", "model.keras", "a layer of code", "KR-CODE", keras(keras_config(class_name="Lambda", config={"name": "l", "function": LAMBDA}))),
    ("keras-lambda-nested", "model.keras", "a layer of code inside a layer", "KR-CODE", keras(keras_config(config={"layer": LAYER | {"class_name": "Lambda"}}))),
    ("keras-lambda-case", "model.keras", "a Lambda by its registered name", "KR-CODE", keras(keras_config(class_name="Dense", registered_name="Lambda", module="builtins"))),
    ("keras-module", "model.keras", "a class from the operating system's module", "KR-CODE", keras(keras_config(module="os", class_name="system"))),
    ("keras-function", "model.keras", "a function by module and name", "KR-CODE", keras(keras_config(config={"activation": {"class_name": "function", "module": "subprocess", "config": "run", "registered_name": "run"}}))),
    ("keras-load", "model.keras", "keras's own helper that unpickles", "KR-CODE", keras(keras_config(module="keras.src.legacy.saving", class_name="load_model_from_hdf5"))),
    ("keras-get-file", "model.keras", "keras's own helper that downloads", "KR-CODE", keras(keras_config(module="keras.utils", class_name="get_file"))),
    ("keras-registered", "model.keras", "a registered class of somebody's own", "KR-CODE", keras(keras_config(module=None, class_name="MyLayer", registered_name="my>MyLayer"))),
    ("keras-twice", "model.keras", "a key twice in the configuration", "CT-JSON", keras(b'{"module": "keras", "module": "os", "class_name": "Sequential"}')),
    ("keras-broken", "model.keras", "a configuration that is no JSON", "CT-JSON", keras(b'{"class_name": ')),
    ("keras-pickle", "model.keras", "a pickle in the archive", "PK-EXEC PK-ZIP", keras(keras_config(), {"assets/x.pkl": EVIL})),
    ("keras-hidden-pickle", "model.keras", "a pickle among the assets", "PK-EXEC PK-ZIP", keras(keras_config(), {"assets/vocab.txt": TEXT_EVIL})),
    ("keras-weights", "model.keras", "a pickle in place of the weights", "PK-EXEC", keras(keras_config(), {"model.weights.h5": EVIL})),
    ("keras-climbs", "model.keras", "a member that climbs", "PK-ZIP", keras(keras_config(), {"assets/../../x": b"1"})),
    ("keras-in-zip", "model.zip", "a Keras archive in an archive", "KR-CODE PK-WRAP", archive({"m.keras": keras(keras_config(class_name="Lambda"))})),
    ("pt-in-zip", "model.zip", "a PyTorch archive in an archive", "PK-EXEC", archive({"a/model.pt": archive(EVIL_TORCH)})),
    ("pt-in-zip-in-zip", "model.zip", "a PyTorch archive, two archives deep", "PK-EXEC", archive({"a.zip": archive({"b.zip": archive({"model.pt": archive(EVIL_TORCH)})})})),
    ("zip-deep", "model.zip", "archives thirty deep", "PK-COST PK-WRAP", lambda: _deep(30)),
    ("zip-deflated-pt", "model.zip", "a compressed PyTorch archive in an archive", "PK-EXEC", archive({"a.pt": archive(EVIL_TORCH)}, zipfile.ZIP_DEFLATED)),
    ("tar-in-zip", "model.zip", "a tar in an archive", "PK-EXEC", archive({"a.tar": tar({"data.pkl": EVIL})})),
    ("tar-negative", "model.tar", "a member of less than no bytes", "PK-WRAP", patched(tar({"data.pkl": EVIL}), 124, b"-0000000001 ")),
    ("tar-backwards", "model.tar", "a folder after which its own header comes again", "PK-WRAP", patched(patched(tar({"data.pkl": EVIL}), 124, b"-0000001000 "), 156, b"5")),
    ("mar", "model.mar", "a TorchServe archive", "PK-EXEC", archive({"MAR-INF/MANIFEST.json": b"{}", "handler.py": b"import os\n", "model.pt": archive(EVIL_TORCH)})),
    ("mar-handler", "model.mar", "a TorchServe archive with a handler", "CC-CODE PK-WRAP", archive({"MAR-INF/MANIFEST.json": b'{"model": {"handler": "handler.py"}}', "handler.py": b"import os\nos.system('true')\n"})),
    ("zip-of-safetensors", "model.zip", "sound weights in an archive", "PK-WRAP", archive({"model.safetensors": HEALTHY})),
    ("zip-elf", "model.zip", "a program in an archive", "FM-EXECUTABLE", archive({"lib.so": b"\x7fELF\x02\x01\x01" + bytes(64)})),
    ("zip-empty", "model.zip", "an archive of nothing", "PK-WRAP PK-ZIP", archive({})),
    ("png-zip", "logo.png", "an archive behind a picture", "FM-POLYGLOT", PNG + archive(EVIL_TORCH)),
    ("safetensors-zip", "model.safetensors", "one file, two formats", "ST-TRAILING", HEALTHY + archive(EVIL_TORCH)),
    ("text-zip", "notes.txt", "an archive behind a text", "FM-POLYGLOT FM-UNKNOWN", b"some text\n" + archive(EVIL_TORCH)),
    ("pickle-zip", "model.pkl", "an archive behind a pickle", "PK-STREAM", pickle.dumps({"a": 1}, 2) + archive(EVIL_TORCH)),
    ("executable-zip", "model.pt", "an archive that begins as a program", "FM-EXECUTABLE PK-ZIP FM-POLYGLOT", b"\x7fELF\x02\x01\x01" + bytes(57) + archive(TORCH)),
    ("docx", "paper.docx", "an office document", "PK-WRAP", archive({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"})),
    ("jar", "lib.jar", "a Java archive", "FM-EXECUTABLE PK-WRAP", archive({"META-INF/MANIFEST.MF": b"x", "A.class": b"\xca\xfe\xba\xbe" + bytes(40)})),
    ("joblib-names", "model.joblib", "joblib's own wrapper, then a program", "PK-EXEC", called(global_("joblib.numpy_pickle", "NumpyArrayWrapper"), protocol=2)),
]  # fmt: skip


def _deep(levels: int) -> bytes:
    content = EVIL
    for level in range(levels):
        content = archive({f"{level}.zip": content})
    return content


def cases() -> Iterator[Case]:
    """All of them."""
    for name, what, checks, content in _TORCH_TRICKS:
        yield case(f"archive-{name}", what, checks, {BIN: content})
    for name, path, what, checks, content in _OTHERS:
        yield case(name, what, checks, {path: content})
    yield case("npy-clean", "an array of numbers", "NP-FORMAT", {"a.npy": npy(np.ones((2, 2)))}, "warn")
    yield case("archive-members", "fifty thousand members", "PK-COST PK-ZIP PK-WRAP", {"x.zip": lambda: archive({f"a{number}": b"" for number in range(50_000)})}, is_heavy=True)
    yield case("archive-flat-bombs", "fifty members of 100 MB each", "PK-COST PK-ZIP PK-WRAP", {"x.zip": lambda: archive({f"a{number}": bytes(100 << 20) for number in range(5)}, zipfile.ZIP_DEFLATED)}, is_heavy=True)
