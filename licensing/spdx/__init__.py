"""The license list of SPDX as it ships: identifiers, flags, and the texts that the list publishes.

Owns names, flags and texts, all as others published them. It knows nothing of what a license demands: that is the
catalog's, and nobody has read these texts for it.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LIST_VERSION = "3.29.0"
FILE = Path(__file__).parent / f"list-{LIST_VERSION}.json.xz"
FILE_SHA256 = "548604c065f353e11e4ce99fe11604d76752b5f4d41d5ff47dead9c707d3fa3b"


@dataclass(frozen=True, slots=True)
class Listed:
    """One license of the list; `text` is empty for the few whose text did not come with it."""

    id: str
    name: str
    url: str
    text: str
    is_osi_approved: bool
    is_fsf_libre: bool
    is_deprecated: bool

    @property
    def text_sha256(self) -> str:
        """The digest of the exact text; empty where there is none."""
        return hashlib.sha256(self.text.encode()).hexdigest() if self.text else ""


@cache
def listed() -> Mapping[str, Listed]:
    """All licenses of the list by identifier, in its order; 7 MB once read."""
    found = json.loads(lzma.decompress(FILE.read_bytes()))
    return {
        id_: Listed(
            id=id_,
            name=told["name"],
            url=told["url"] if told["url"].startswith(("https://", "http://")) else "",
            text=told["text"],
            is_osi_approved=told["osi"],
            is_fsf_libre=told["fsf"],
            is_deprecated=told["deprecated"],
        )
        for id_, told in found.items()
    }
