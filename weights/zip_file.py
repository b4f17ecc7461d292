"""ZIP archives that carry weights: PyTorch's format, TorchScript, NumPy's `.npz`, Keras.

Owns which members each of them may have. A member that does not belong is a finding, whatever it holds.
"""

from __future__ import annotations

import re

from weights.catalog.files import FM_UNINSPECTED
from weights.catalog.pickles import NP_FORMAT, PK_COST, PK_SCRIPT, PK_ZIP
from weights.findings import Finding
from weights.formats import Kind
from weights.hashing import HashingReader
from weights.numpy_file import inspect_array
from weights.pickle_file import PICKLE_LIMIT_BYTES, check_pickles, name_findings
from weights.report import Parsed
from weights.sources import Source
from weights.zip_walk import Archive, Member, check_content, read_archive, unpack

_TORCH_MEMBER = re.compile(
    r"(?P<root>[^/]+)/"
    r"(data\.pkl|data/\d+|version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id)"
)


def inspect_zip(reader: HashingReader, path: str) -> Parsed:
    """Check the archive's structure, then the members by what the archive is; reads what it checks a second time."""
    archive = read_archive(reader.source, path)
    names = [member.name for member in archive.members]
    if any(name.endswith("/constants.pkl") or "/code/" in name for name in names):
        return Parsed(Kind.ZIP, [*archive.findings, PK_SCRIPT.at(path, "The archive is a TorchScript program.")])
    if any(name.endswith("data.pkl") for name in names):
        return Parsed(Kind.ZIP, archive.findings + _check_torch(reader.source, archive, path))
    if names and all(name.endswith(".npy") for name in names):
        return _inspect_arrays(reader.source, archive, path)
    pickles = [member for member in archive.members if member.name.endswith((".pkl", ".pickle"))]
    findings = [*archive.findings, FM_UNINSPECTED.at(path, f"The archive has {len(names)} members of unknown purpose.")]
    for member in pickles:
        findings += _check_pickle(reader.source, member, path)
    return Parsed(Kind.ZIP, findings)


def _check_torch(source: Source, archive: Archive, path: str) -> list[Finding]:
    findings = name_findings(path, what="The file is a PyTorch archive, whose tensors a pickle describes.")
    roots = set()
    for member in archive.members:
        found = _TORCH_MEMBER.fullmatch(member.name)
        if found is None:
            findings.append(PK_ZIP.at(path, f"The member {member.name!r} does not belong into a PyTorch archive."))
        else:
            roots.add(found["root"])
        if member.name.endswith((".pkl", ".pickle")):
            findings += _check_pickle(source, member, path)
    if len(roots) > 1:
        findings.append(PK_ZIP.at(path, f"The archive has {len(roots)} root folders."))
    return findings


def _check_pickle(source: Source, member: Member, path: str) -> list[Finding]:
    if member.size > PICKLE_LIMIT_BYTES:
        return [PK_COST.at(path, f"The pickle {member.name!r} has {member.size} bytes.", offset=member.start)]
    findings = check_content(source, member, path)
    if findings:
        return findings
    return check_pickles(b"".join(unpack(source, member)), member.size, path)


def _inspect_arrays(source: Source, archive: Archive, path: str) -> Parsed:
    count = len(archive.members)
    parsed = Parsed(Kind.ZIP, [*archive.findings, NP_FORMAT.at(path, f"The archive holds {count} arrays.")])
    for member in archive.members:
        damage = check_content(source, member, path)
        parsed.findings += damage
        if not damage:
            name = member.name.removesuffix(".npy")
            record, findings = inspect_array(unpack(source, member), member.size, path, name)
            parsed.findings += findings
            if record is not None:
                parsed.tensors.append(record)
    return parsed
