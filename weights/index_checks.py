"""Sharded checkpoints: does the index say of the shards exactly what the shards say of themselves?

Owns the comparison in both directions, for every index in every folder. Works on file reports alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from weights.catalog.folder import (
    IX_ABSENT,
    IX_COUNT,
    IX_DUP,
    IX_FORM,
    IX_MAP,
    IX_MISSING,
    IX_PATH,
    IX_SIZE,
    IX_STRAY,
)
from weights.documents import INDEX_NAME
from weights.findings import Finding
from weights.formats import Kind
from weights.report import FileReport

LISTED_LIMIT = 50  # findings of one kind for one index

# A second copy in its maker's own layout, as Mistral publishes it, and copies in other types are loaded by name only.
_OTHER_FORM = re.compile(r"^consolidated[\w.-]*\.safetensors$")
_VARIANT = re.compile(r"^(model|diffusion_pytorch_model)\.(fp16|bf16|fp32|fp8|non_ema|ema|int8|int4)\.safetensors$")
_NO_WEIGHTS = frozenset({Kind.JSON, Kind.TEXT})
_SHARD = re.compile(r"^(?P<stem>.+)-(?P<number>\d+)-of-(?P<total>\d+)(?P<rest>\.[\w.]+)$")


def check_indexes(files: Sequence[FileReport]) -> list[Finding]:
    """All findings on indexes and shards of a checkpoint."""
    folders: dict[str, dict[str, FileReport]] = {}
    for file in files:
        place = PurePosixPath(file.path)
        folders.setdefault(str(place.parent), {})[place.name] = file
    findings: list[Finding] = []
    for folder in folders.values():
        findings += _check_folder(folder)
    return findings


def _check_folder(folder: Mapping[str, FileReport]) -> list[Finding]:
    findings: list[Finding] = []
    named: set[str] = set()
    has_index = False
    for name, file in folder.items():
        if INDEX_NAME.search(name) and file.kind == Kind.JSON and file.content is not None:
            index = _Index(file, folder)
            findings += index.check()
            named |= index.shards
            has_index = has_index or any(shard.endswith(".safetensors") for shard in index.shards)
    for name, file in folder.items():
        if name in named or not name.endswith(".safetensors"):
            continue
        if _SHARD.match(name):
            findings.append(IX_ABSENT.at(file.path, "The file is numbered as a shard, and no index mentions it."))
        elif has_index and not _OTHER_FORM.match(name) and not _VARIANT.match(name):
            findings.append(IX_STRAY.at(file.path, "The index of this folder does not mention the file."))
    return findings + _check_numbers(folder)


def _check_numbers(folder: Mapping[str, FileReport]) -> list[Finding]:
    """Whether `-00001-of-00004` and its siblings are all there, once."""
    series: dict[tuple[str, str], dict[int, set[int]]] = {}
    places: dict[tuple[str, str], str] = {}
    for name, file in folder.items():
        found = _SHARD.match(name)
        if found:
            key = (found["stem"], found["rest"])
            series.setdefault(key, {}).setdefault(int(found["total"]), set()).add(int(found["number"]))
            places.setdefault(key, file.path)
    findings = []
    for key, totals in series.items():
        if len(totals) > 1:
            findings.append(IX_COUNT.at(places[key], f"The shards give different totals: {sorted(totals)}."))
        for total, numbers in totals.items():
            first = 0 if 0 in numbers else 1
            missing = total - sum(first <= number < first + total for number in numbers)
            if missing or len(numbers) != total:
                findings.append(
                    IX_COUNT.at(places[key], f"The names promise {total} shards; there are {len(numbers)}.")
                )
    return findings


class _Index:
    """One index file and the folder it speaks of."""

    def __init__(self, file: FileReport, folder: Mapping[str, FileReport]) -> None:
        self._path = file.path
        self._folder = folder
        self._content: Any = file.content
        self._map: dict[str, str] = {}
        self.shards: set[str] = set()

    def check(self) -> list[Finding]:
        """Form first; what the map says is compared only where it has the right form."""
        weight_map = self._content.get("weight_map") if isinstance(self._content, dict) else None
        if not isinstance(weight_map, dict) or not {str}.issuperset(map(type, weight_map.values())):
            return [IX_FORM.at(self._path, "`weight_map` is missing, or is not an object of file names.")]
        self._map = weight_map
        self.shards = set(weight_map.values())
        outside = sorted(name for name in self.shards if not name or "/" in name or "\\" in name or name in (".", ".."))
        if outside:
            return [IX_PATH.at(self._path, f"{name!r} is not a plain file name.") for name in outside[:LISTED_LIMIT]]
        missing = sorted(self.shards - self._folder.keys())
        findings = [IX_MISSING.at(self._path, f"The shard {name} is not there.") for name in missing[:LISTED_LIMIT]]
        present = {name: self._folder[name] for name in sorted(self.shards - set(missing))}
        others = [name for name, file in present.items() if file.kind in _NO_WEIGHTS]
        findings += [
            IX_MAP.at(self._path, f"The index names {name}, which holds no weights.") for name in others[:LISTED_LIMIT]
        ]
        if all(file.kind == Kind.SAFETENSORS for file in present.values()):
            findings += self._compare(present)
            if not missing:
                findings += self._check_size(present)
        return findings

    def _compare(self, shards: Mapping[str, FileReport]) -> list[Finding]:
        mapped: list[Finding] = []
        twice: list[Finding] = []
        if self._is_exact(shards):
            return []
        holder: dict[str, str] = {}
        for name, file in shards.items():
            for tensor in file.tensors:
                other = holder.setdefault(tensor.name, name)
                if other != name:
                    twice.append(IX_DUP.at(file.path, f"The tensor is also in {other}.", tensor=tensor.name))
                elif tensor.name not in self._map:
                    mapped.append(IX_MAP.at(file.path, "The index does not list the tensor.", tensor=tensor.name))
        for tensor_name, shard in self._map.items():
            if shard in shards and shards[shard].tensors and holder.get(tensor_name) != shard:
                where = holder.get(tensor_name, "no shard")
                message = f"The index puts the tensor into {shard}; it is in {where}."
                mapped.append(IX_MAP.at(self._path, message, tensor=tensor_name))
        return mapped[:LISTED_LIMIT] + twice[:LISTED_LIMIT]

    def _is_exact(self, shards: Mapping[str, FileReport]) -> bool:
        """Whether the map puts every tensor where it is, and has no more; no file has two of one name."""
        for name, file in shards.items():
            places = list(map(self._map.get, [tensor.name for tensor in file.tensors]))
            if places.count(name) != len(places):
                return False
        return len(self._map) == sum(len(file.tensors) for file in shards.values())

    def _check_size(self, shards: Mapping[str, FileReport]) -> list[Finding]:
        metadata = self._content.get("metadata")
        stated = metadata.get("total_size") if isinstance(metadata, dict) else None
        if not isinstance(stated, int | float) or isinstance(stated, bool):
            return []
        actual = sum(sum([tensor.size_bytes for tensor in file.tensors]) for file in shards.values())
        if stated == actual:
            return []
        return [IX_SIZE.at(self._path, f"The index states {stated:.0f} bytes; the tensors have {actual}.")]
