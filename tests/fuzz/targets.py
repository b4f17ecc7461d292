"""What each fuzz target does with its bytes, and the files it starts from.

A target fails by an exception, by a report that cannot be stored, or by passing what the format's reference reader
refuses. Time and memory are the fuzzer's to watch.
"""

from __future__ import annotations

import io
import json
import pickletools
import warnings
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from safetensors import SafetensorError, deserialize

from weights import FileReport, Severity, inspect_file, join

Target = Callable[[bytes], None]


def judge(content: bytes, path: str) -> FileReport:
    """The report on `content` as the file `path`, stored and joined as a platform would."""
    report = inspect_file(lambda: io.BytesIO(content), path, len(content))
    stored = FileReport.from_json(json.loads(json.dumps(report.to_json(), allow_nan=False)))
    joined = join([stored])
    json.dumps(joined.to_json(), allow_nan=False)
    assert not [finding for finding in joined.findings if finding.check == "FM-FAILED"]
    return report


def is_blocked(report: FileReport) -> bool:
    """Whether any finding blocks."""
    return any(finding.severity is Severity.BLOCK for finding in report.findings)


def safetensors(content: bytes) -> None:
    """Nothing passes that the reference refuses."""
    if is_blocked(judge(content, "model.safetensors")):
        return
    try:
        deserialize(content)
    except (SafetensorError, UnicodeDecodeError) as error:
        raise AssertionError(f"passed and refused: {error}") from error


def gguf(content: bytes) -> None:
    """Header and metadata of any kind."""
    judge(content if content[:4] == b"GGUF" else b"GGUF\x03\0\0\0" + content, "model.gguf")


def pickle(content: bytes) -> None:
    """Whatever passes has opcodes that `pickletools` reads, and names nothing that runs."""
    if is_blocked(judge(content, "model.pkl")):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name in ("GLOBAL", "INST"):
                assert not str(argument).startswith(("os ", "posix ", "subprocess ", "builtins eval", "builtins exec"))


def archive(content: bytes) -> None:
    """Nothing passes that `zipfile` cannot open and check."""
    if is_blocked(judge(content, "pytorch_model.bin")) or content[:2] != b"PK":
        return
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        assert file.testzip() is None


def array(content: bytes) -> None:
    """Nothing passes that NumPy refuses."""
    content = content if content[:6] == b"\x93NUMPY" else b"\x93NUMPY\x01\0" + content
    if is_blocked(judge(content, "a.npy")):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.load(io.BytesIO(content), allow_pickle=False)


def named(*paths: str, lead: bytes = b"") -> Target:
    """A target that takes its bytes for each of these files."""

    def run(content: bytes) -> None:
        for path in paths:
            judge(content if content.startswith(lead) else lead + content, path)

    return run


@dataclass(frozen=True)
class Fuzz:
    """A target and the paths in the corpus' cases that are its seeds."""

    run: Target
    suffixes: tuple[str, ...]


TARGETS = {
    "safetensors": Fuzz(safetensors, (".safetensors",)),
    "gguf": Fuzz(gguf, (".gguf",)),
    "pickle": Fuzz(pickle, (".pkl", ".bin")),
    "archive": Fuzz(archive, (".bin", ".pt", ".npz", ".keras", ".zip", ".mar")),
    "array": Fuzz(array, (".npy",)),
    "protobuf": Fuzz(named("model.onnx", "saved_model.pb", "tokenizer.model"), (".onnx", ".pb")),
    "hdf5": Fuzz(named("model.h5", lead=b"\x89HDF\r\n\x1a\n"), (".h5",)),
    "imatrix": Fuzz(named("imatrix.dat"), (".dat",)),
    "flax": Fuzz(named("flax_model.msgpack"), (".msgpack",)),
    "wrapped": Fuzz(named("x.tar", "x.gz"), (".tar", ".gz", ".xz", ".bz2", ".z", ".lzma", ".nemo")),
    "media": Fuzz(named("a.png"), (".png", ".jpg", ".gif", ".pdf", ".mp3")),
    "json": Fuzz(named("config.json", "tokenizer.json", "model.safetensors.index.json"), (".json",)),
    "template": Fuzz(named("chat_template.jinja"), (".jinja",)),
    "card": Fuzz(named("README.md", "x.yaml", "x.svg"), (".md", ".yaml", ".svg", ".xml")),
    "source": Fuzz(named("m.py", "n.ipynb"), (".py", ".ipynb")),
    "any": Fuzz(named("x", "x.txt", "x.bin"), ("",)),
}


def seeds(suffixes: Iterable[str]) -> dict[str, bytes]:
    """Small files of the corpus with such names, by the case's name."""
    import tempfile
    from pathlib import Path

    from tests.corpus import hostile

    found: dict[str, bytes] = {}
    wanted = tuple(suffixes)
    for case in hostile():
        if case.is_heavy or case.name.startswith(("name-", "link-", "fifo", "socket", "deep", "not-utf", "folder-")):
            continue
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            root = Path(folder) / "c"
            case.make(root)
            for place in root.rglob("*"):
                is_base = place.name in ("config.json", "README.md", "model.safetensors")
                if not place.is_file() or not place.name.lower().endswith(wanted) or place.stat().st_size > 20_000:
                    continue
                if not is_base or case.name.startswith(("json", "automap", "card", "safetensors")):
                    found[f"{case.name}-{place.name}"] = place.read_bytes()
    return found
