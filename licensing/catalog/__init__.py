"""The catalog as it ships: entries of `licenses.yaml`, read and checked, with their texts where they may be held."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from licensing.reading import Malformed, Reader
from licensing.terms import Certainty, Kind, Terms

FOLDER = Path(__file__).parent
TEXTS = FOLDER.parent / "texts"
# The loader in C reads the same, some five times as fast; not every platform has it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SCHEMA_VERSION = 1
UNKNOWN_KEY = "unknown"
# What of an entry says which license it is; the rest are its terms.
IDENTITY = (
    "key", "name", "version", "licensor", "effective_date", "spdx_id", "licenseref", "hf_license",
    "hf_license_name", "aliases", "kind", "evidence",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One license of the catalog; `stored_terms` is the JSON that a license version keeps."""

    key: str
    name: str
    version: str
    licensor: str
    spdx_id: str
    hub_license: str
    hub_license_name: str
    aliases: tuple[str, ...]
    kind: Kind
    certainty: Certainty
    sources: tuple[str, ...]
    unverified: tuple[str, ...]
    terms: Terms
    stored_terms: dict[str, object]
    text: str

    @property
    def terms_sha256(self) -> str:
        """Digest of all that is said of the terms, how they are known included."""
        said = [self.stored_terms, self.certainty, self.sources, self.unverified]
        return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Catalog:
    """All entries, the words for obligations and violations, and the day the facts were gathered."""

    as_of: str
    disclaimer: str
    obligations: dict[str, str]
    entries: tuple[Entry, ...]
    violations: dict[str, str] = field(default_factory=dict)


@cache
def shipped() -> Catalog:
    """The catalog of this version of the software; raises Malformed where its file is at fault."""
    found = yaml.load((FOLDER / "licenses.yaml").read_text(encoding="utf-8"), LOADER)  # noqa: S506 - safe, both of them
    if found["schema_version"] != SCHEMA_VERSION:
        raise Malformed(f"the catalog has the schema {found['schema_version']}, not {SCHEMA_VERSION}")
    obligations = found["obligation_vocabulary"]
    entries = tuple(_entry(raw, obligations) for raw in found["licenses"])
    keys = [entry.key for entry in entries]
    if len(set(keys)) != len(keys):
        raise Malformed("a key of the catalog is used twice")
    return Catalog(found["as_of"], found["disclaimer"], obligations, entries, found["violation_vocabulary"])


def _entry(raw: dict[str, object], obligations: dict[str, str]) -> Entry:
    given = Reader(raw, str(raw.get("key")))
    evidence = given.inner("evidence") or Reader({})
    terms = Terms.read(given)
    unknown = (terms.obligation_ids | set(terms.derivatives.must_carry)) - set(obligations)
    if unknown:
        raise Malformed(f"{given.path} names obligations that are not defined: {', '.join(sorted(unknown))}")
    key = given.text("key")
    text = TEXTS / f"{key}.txt"
    entry = Entry(
        key=key,
        name=given.text("name"),
        version=given.text("version"),
        licensor=given.text("licensor"),
        spdx_id=given.text("spdx_id") or given.text("licenseref"),
        hub_license=given.text("hf_license"),
        hub_license_name=given.text("hf_license_name"),
        aliases=given.texts("aliases"),
        kind=given.choice("kind", Kind) or Kind.UNKNOWN,
        certainty=evidence.choice("level", Certainty) or Certainty.MEMORY,
        sources=evidence.texts("sources"),
        unverified=evidence.texts("unverified"),
        terms=terms,
        stored_terms={name: value for name, value in raw.items() if name not in IDENTITY},
        text=text.read_text(encoding="utf-8") if text.is_file() else "",
    )
    given.text("licenseref")
    given.text("effective_date")
    evidence.finish()
    given.finish()
    return entry
