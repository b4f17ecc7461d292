"""Files that are pickles: one after the other in a file, or PyTorch's older format with storages behind them.

Owns the account of every byte: each belongs to a pickle that was walked or to a storage that a pickle announces.
"""

from __future__ import annotations

from weights.catalog.pickles import PK_COST, PK_FORMAT, PK_HIDDEN, PK_STREAM
from weights.findings import Finding
from weights.formats import Kind, is_weight_name
from weights.hashing import HashingReader
from weights.pickle_names import STORAGE_WIDTHS
from weights.pickle_values import Budget, PickleWalk, Storage
from weights.pickle_walk import walk_pickle
from weights.report import Parsed

PICKLE_LIMIT_BYTES = 32 << 20
STREAM_LIMIT = 64

_OTHER_WEIGHTS = (".safetensors", ".gguf", ".onnx", ".h5", ".hdf5", ".npy", ".model", ".pb", ".tflite", ".msgpack")
_LEGACY_PICKLES = 5  # magic number, protocol, system, object, storage keys


def inspect_pickle(reader: HashingReader, path: str) -> Parsed:
    """Walk every pickle of the file; at most `PICKLE_LIMIT_BYTES` of it are pickles, the rest must be storages."""
    size = reader.size_bytes
    content = reader.take(min(size, PICKLE_LIMIT_BYTES))
    return Parsed(Kind.PICKLE, name_findings(path) + check_pickles(content, size, path))


def name_findings(path: str, *, what: str = "The file holds a pickle.") -> list[Finding]:
    """What the mere presence of a pickle says: one under a name that promises no weights is hidden."""
    findings = [PK_FORMAT.at(path, what)]
    if not is_weight_name(path) or path.lower().endswith(_OTHER_WEIGHTS):
        findings.append(PK_HIDDEN.at(path, "The name does not promise a pickle."))
    return findings


def check_pickles(content: bytes, size: int, path: str) -> list[Finding]:
    """Findings on a file of `size` bytes that begins with `content`."""
    return walk_pickles(content, size, path)[0]


def walk_pickles(content: bytes, size: int, path: str) -> tuple[list[Finding], dict[str, Storage]]:
    """Findings on the pickles that `content` begins with, and the storages they announce."""
    walks: list[PickleWalk] = []
    position = 0
    budget = Budget()
    findings: list[Finding] = []
    while position < len(content) and len(walks) < STREAM_LIMIT:
        if len(walks) >= _LEGACY_PICKLES and _storage_bytes(walks) == size - position:
            return findings, _storages(walks)
        walk = walk_pickle(content, path, position, budget=budget)
        if not walk.is_complete and walks and not walk.names and budget.opcodes:
            # What follows a pickle and never names anything is no program; it is bytes nobody announced.
            return [*findings, _unaccounted(size - position, position, path)], {}
        findings += walk.findings
        if not walk.is_complete:
            break
        walks.append(walk)
        position = walk.end
    if len(content) < size or len(walks) >= STREAM_LIMIT:
        findings.append(PK_COST.at(path, f"The pickles go on beyond {position} bytes.", offset=position))
    return findings, _storages(walks)


def _storages(walks: list[PickleWalk]) -> dict[str, Storage]:
    return {key: storage for walk in walks for key, storage in walk.storages.items()}


def _storage_bytes(walks: list[PickleWalk]) -> int:
    """Bytes that the storages of an older PyTorch file take: a count of eight bytes and the elements, for each."""
    return sum(8 + storage.elements * STORAGE_WIDTHS.get(storage.kind, 0) for storage in _storages(walks).values())


def _unaccounted(count: int, position: int, path: str) -> Finding:
    return PK_STREAM.at(path, f"{count} bytes after the last pickle belong to nothing.", offset=position)
