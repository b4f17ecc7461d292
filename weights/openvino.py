"""OpenVINO models: a graph in XML, and a file without any format of its own in which its constants lie.

Owns what the graph says of that file, nothing else of the graph; that the bytes are there is checked with ONNX's.
Source: OpenVINO, "Operation Sets in OpenVINO" and "OpenVINO IR format", 2024.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

_GRAPH = re.compile(r"\s{0,99}(<\?xml[^>]{0,200}\?>\s{0,99})?<net\s[^>]{0,1000}>")
_CONSTANT = re.compile(r"<data\s[^<>]*>")
_PLACE = re.compile(r"\s(offset|size)=\"(\d{1,18})\"")


def data_of_graph(text: str, path: str) -> dict[str, Any] | None:
    """Name and least size of the file with the constants of the graph `text`; None if this is none, or has none."""
    if not _GRAPH.match(text):
        return None
    size = 0
    for constant in _CONSTANT.finditer(text):
        place = dict(_PLACE.findall(constant.group()))
        if len(place) == 2:
            size = max(size, int(place["offset"]) + int(place["size"]))
    return {"external": {f"{PurePosixPath(path).stem}.bin": size}} if size else None
