"""Walking the tensors of a sound PyTorch archive, each from its place in a storage.

Owns the way from the description of a tensor to its bytes. What a storage holds is read as often as tensors lie in it;
a tensor beyond its storage's end is left out, which the account of storages has reported already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from weights.findings import Finding
from weights.packings import packings_of
from weights.report import TensorRecord
from weights.safetensors_header import TensorEntry
from weights.sources import Source
from weights.state_dict import read_state_dict
from weights.tensor_walk import full_fingerprints, walk_placed
from weights.zip_walk import STORED, Member, unpack

REPEATS_LIMIT = 4  # times that a storage's bytes may be walked on average; more are made to cost time


def walk_archived(source: Source, members: Sequence[Member], path: str) -> Iterator[tuple[TensorRecord, list[Finding]]]:
    """Records of the archive's tensors and what their values say; its pickle must have been found harmless."""
    entries = _entries(source, members)
    packings = packings_of(entries)
    budget = REPEATS_LIMIT * source.size_bytes
    full = full_fingerprints(len(entries))
    for number, entry in enumerate(entries):
        budget -= entry.end - entry.start
        if budget < 0:
            return
        yield walk_placed(source, entry, path, packings.get(entry.name), is_light=number >= full)


def _entries(source: Source, members: Sequence[Member]) -> list[TensorEntry]:
    """The tensors with their places in the file, in the order of their bytes."""
    storages = {member.name.rpartition("/")[2]: member for member in members if "/data/" in member.name}
    entries = []
    for member in members:
        if not member.name.endswith("/data.pkl"):
            continue
        for name, tensor in read_state_dict(b"".join(unpack(source, member))).items():
            storage = storages.get(tensor.storage)
            if storage is not None and storage.method == STORED and tensor.end <= storage.size:
                place = storage.start
                entries.append(TensorEntry(name, tensor.dtype, tensor.shape, place + tensor.start, place + tensor.end))
    return sorted(entries, key=lambda entry: (entry.start, entry.name))
