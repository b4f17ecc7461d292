"""ZIP archives that carry weights: PyTorch's format, TorchScript, NumPy's `.npz`, Keras; and all others.

Owns which members each of them may have. A member that does not belong is a finding, and is looked into all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from weights.catalog.keras import KR_FORMAT
from weights.catalog.pickles import NP_FORMAT, PK_COST, PK_EXEC, PK_FORMAT, PK_HIDDEN, PK_SCRIPT, PK_WRAP, PK_ZIP
from weights.findings import Finding
from weights.formats import Kind
from weights.hashing import HashingReader
from weights.keras_config import check_keras_text
from weights.nested import FINDING_LIMIT, inspect_inner, nesting_of
from weights.numpy_file import inspect_array
from weights.pickle_file import PICKLE_LIMIT_BYTES, name_findings, walk_pickles
from weights.pickle_names import STORAGE_WIDTHS
from weights.pickle_values import Storage
from weights.report import Parsed, TensorRecord
from weights.sources import Source
from weights.torch_archive import walk_archived
from weights.zip_walk import DEFLATED, Archive, Member, check_content, read_archive, unpack

CONFIG_LIMIT_BYTES = 16 << 20

_TORCH_MEMBER = re.compile(
    r"(?P<root>[^/]+)/"
    r"(data\.pkl|data/(?P<key>\d+)|version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id)"
)
_KERAS_MEMBER = re.compile(r"config\.json|metadata\.json|model(_\d+)?\.weights\.(h5|json)|assets/.+")
_HARMLESS = frozenset({PK_FORMAT.id, PK_HIDDEN.id})  # what a sound PyTorch archive may be found guilty of
_SCRIPT_NAMES = ("__torch__.", "torch.jit._pickle.")


def inspect_zip(reader: HashingReader, path: str) -> Parsed:
    """Check the archive's structure, then the members by what the archive is; reads what it checks a second time."""
    archive = read_archive(reader.source, path)
    inside = _Inside(reader.source, path)
    names = {member.name for member in archive.members}
    if any(name.endswith("/constants.pkl") or "/code/" in name for name in names):
        return Parsed(Kind.ZIP, archive.findings + _check_script(inside, archive))
    if any(name.endswith("data.pkl") for name in names):
        return _inspect_torch(inside, archive)
    if names and all(name.endswith(".npy") for name in names):
        return _inspect_arrays(inside, archive)
    if "config.json" in names and names & {"metadata.json", "model.weights.h5"}:
        return _inspect_keras(inside, archive)
    message = f"The archive has {len(names)} members."
    return Parsed(Kind.ZIP, [*archive.findings, PK_WRAP.at(path, message), *inside.look(archive.members)[0]])


class _Inside:
    """Gets at the members' content, within what the file may unfold to."""

    def __init__(self, source: Source, path: str) -> None:
        self.source = source
        self.path = path
        self._depth, self._nesting = nesting_of(source)

    def content(self, member: Member, limit: int) -> bytes | list[Finding]:
        """The member's bytes, or why they are not given; they are right by their checksum."""
        if member.size > limit:
            return [PK_COST.at(self.path, f"The member {member.name!r} has {member.size} bytes.", offset=member.start)]
        return check_content(self.source, member, self.path) or b"".join(unpack(self.source, member))

    def look(self, members: Iterable[Member]) -> tuple[list[Finding], list[TensorRecord]]:
        """Findings on each of `members`, taken for files of their own, and their tensors."""
        findings: list[Finding] = []
        tensors: list[TensorRecord] = []
        for member in members:
            if len(findings) >= FINDING_LIMIT or self._nesting.members_left <= 0:
                findings.append(PK_COST.at(self.path, "Not every member was looked into.", offset=member.start))
                break
            content = self.content(member, min(PICKLE_LIMIT_BYTES, self._nesting.bytes_left))
            if isinstance(content, list):
                findings += content
            else:
                found, held = inspect_inner(content, member.name, self.path, self._depth + 1, self._nesting)
                findings += found
                tensors += held
        return findings, tensors


def _inspect_torch(inside: _Inside, archive: Archive) -> Parsed:
    """Check the archive, and walk its tensors if nothing speaks against believing what it says of them."""
    parsed = Parsed(Kind.ZIP, archive.findings + _check_torch(inside, archive))
    if all(finding.check in _HARMLESS for finding in parsed.findings):
        for record, findings in walk_archived(inside.source, archive.members, inside.path):
            parsed.tensors.append(record)
            parsed.findings += findings
    return parsed


def _check_torch(inside: _Inside, archive: Archive) -> list[Finding]:
    path = inside.path
    findings = name_findings(path, what="The file is a PyTorch archive, whose tensors a pickle describes.")
    roots = set()
    storages: dict[str, Storage] | None = None
    held: dict[str, Member] = {}
    for member in archive.members:
        found = _TORCH_MEMBER.fullmatch(member.name)
        if member.method == DEFLATED:
            message = f"The member {member.name!r} is compressed, which PyTorch never does."
            findings.append(PK_ZIP.at(path, message, offset=member.start))
        if found is None:
            message = f"The member {member.name!r} does not belong into a PyTorch archive."
            findings.append(PK_ZIP.at(path, message, offset=member.start))
            findings += inside.look([member])[0]
            continue
        roots.add(found["root"])
        if found["key"]:
            held[found["key"]] = member
            findings += check_content(inside.source, member, path)
        elif member.name.endswith("data.pkl"):
            damage, storages = _walk_member(inside, member)
            findings += damage
        else:
            findings += check_content(inside.source, member, path)
    if len(roots) > 1:
        findings.append(PK_ZIP.at(path, f"The archive has {len(roots)} root folders."))
    return findings + _check_storages(inside, storages, held)


def _check_storages(inside: _Inside, storages: dict[str, Storage] | None, held: dict[str, Member]) -> list[Finding]:
    """Whether the archive holds just the storages that its pickle announces, each of its size."""
    findings: list[Finding] = []
    if storages is None:
        return findings  # the pickle was not walked, and a finding says why
    for key in sorted(storages.keys() | held.keys()):
        storage, member = storages.get(key), held.get(key)
        if member is None:
            findings.append(PK_ZIP.at(inside.path, f"The storage {key!r} is announced and missing."))
        elif storage is None:
            message = f"The storage {key!r} belongs to no tensor."
            findings.append(PK_ZIP.at(inside.path, message, offset=member.start))
            findings += inside.look([member])[0]
        elif member.size != storage.elements * STORAGE_WIDTHS.get(storage.kind, 0):
            message = f"The storage {key!r} has {member.size} bytes for {storage.elements} of {storage.kind}."
            findings.append(PK_ZIP.at(inside.path, message, offset=member.start))
            findings += inside.look([member])[0]
    return findings[:FINDING_LIMIT]


def _check_script(inside: _Inside, archive: Archive) -> list[Finding]:
    """A TorchScript archive names classes of its own code, which is blocked already; every other name counts."""
    findings = [PK_SCRIPT.at(inside.path, "The archive is a TorchScript program.")]
    for member in archive.members:
        if member.name.endswith(".pkl") and len(findings) < FINDING_LIMIT:
            findings += [
                finding
                for finding in _walk_member(inside, member)[0]
                if finding.check != PK_EXEC.id or not (finding.evidence or "").startswith(_SCRIPT_NAMES)
            ]
    return findings


def _walk_member(inside: _Inside, member: Member) -> tuple[list[Finding], dict[str, Storage] | None]:
    content = inside.content(member, PICKLE_LIMIT_BYTES)
    if isinstance(content, list):
        return content, None
    return walk_pickles(content, member.size, inside.path)


def _inspect_arrays(inside: _Inside, archive: Archive) -> Parsed:
    path = inside.path
    count = len(archive.members)
    parsed = Parsed(Kind.ZIP, [*archive.findings, NP_FORMAT.at(path, f"The archive holds {count} arrays.")])
    for member in archive.members:
        damage = check_content(inside.source, member, path)
        parsed.findings += damage
        if not damage:
            name = member.name.removesuffix(".npy")
            record, findings = inspect_array(unpack(inside.source, member), member.size, path, name)
            parsed.findings += findings
            if record is not None:
                parsed.tensors.append(record)
            else:
                parsed.findings += inside.look([member])[0]
        if len(parsed.findings) > 4 * FINDING_LIMIT:
            parsed.findings.append(PK_COST.at(path, "Not every array was looked at.", offset=member.start))
            break
    return parsed


def _inspect_keras(inside: _Inside, archive: Archive) -> Parsed:
    path = inside.path
    parsed = Parsed(Kind.ZIP, [*archive.findings, KR_FORMAT.at(path, "The file is a Keras archive.")])
    for member in archive.members:
        if not _KERAS_MEMBER.fullmatch(member.name):
            message = f"The member {member.name!r} does not belong into a Keras archive."
            parsed.findings.append(PK_ZIP.at(path, message, offset=member.start))
        if member.name == "config.json":
            content = inside.content(member, CONFIG_LIMIT_BYTES)
            parsed.findings += content if isinstance(content, list) else check_keras_text(content, path, member.name)
        else:
            findings, tensors = inside.look([member])
            parsed.findings += findings
            parsed.tensors += tensors
    return parsed
