"""Single tensors and their bytes as the pages show them: what is asked for, a number line, the layers, the drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from registry.models import Tensor
from release.presenters import icicle
from release.selectors.tensors import SORTS, Inspected, OfDtype, Wanted

LINE_WIDTH, LINE_HEIGHT = 640.0, 64.0
LAYERS_WIDTH, LAYERS_HEIGHT = 640.0, 120.0
FEWEST_LAYERS = 2


def wanted(query: Mapping[str, str], seen: Inspected) -> Wanted:
    """What a viewer asks for; words that name nothing are left out."""
    sort, path = query.get("sort", "name"), query.get("path", "")
    return Wanted(
        search=query.get("q", "")[:200],
        dtype=query.get("dtype", "")[:40],
        path=path if path in seen.counts else "",
        sort=sort if sort in SORTS else "name",
        is_reversed=query.get("reverse", "") == "1",
    )


def address(asked: Wanted) -> dict[str, str]:
    """The same as a query, without what is as nobody asked."""
    given = {
        "q": asked.search,
        "dtype": asked.dtype,
        "path": asked.path,
        "sort": asked.sort if asked.sort != "name" else "",
        "reverse": "1" if asked.is_reversed else "",
    }
    return {name: value for name, value in given.items() if value}


def number_line(tensor: Tensor) -> dict[str, Any] | None:
    """Where the values lie: lowest to highest, zero, mean and one root mean square around it; None without a range."""
    low, high = tensor.low, tensor.high
    if low is None or high is None:
        return None
    first, last = min(low, 0.0), max(high, 0.0)
    width = last - first
    if not width or width == float("inf"):
        return None

    def place(value: float) -> float:
        return round(20 + (LINE_WIDTH - 40) * (min(max(value, first), last) - first) / width, 2)

    line: dict[str, Any] = {"low": place(low), "high": place(high), "zero": place(0.0), "width": LINE_WIDTH}
    line["span"] = round(max(1.0, line["high"] - line["low"]), 2)
    if tensor.mean is not None:
        line["mean"] = place(tensor.mean)
    if tensor.rms is not None:
        line["rms_from"], line["rms_to"] = place(-tensor.rms), place(tensor.rms)
        line["rms_span"] = round(max(1.0, line["rms_to"] - line["rms_from"]), 2)
    return line


def across_layers(same: Sequence[Tensor], tensor: Tensor) -> dict[str, Any]:
    """The largest magnitude and the RMS of the same part in all layers, as bars; nothing for a part of its own."""
    measured = [row for row in same if row.low is not None and row.high is not None]
    if len(measured) < FEWEST_LAYERS:
        return {"layers": []}
    tops = [max(abs(row.low or 0.0), abs(row.high or 0.0)) for row in measured]
    most = max(tops) or 1.0
    step = LAYERS_WIDTH / len(measured)
    layers = [
        {
            "row": row,
            "top": top,
            "is_here": row.pk == tensor.pk,
            "x": round(number * step, 2),
            "y": round(LAYERS_HEIGHT * (1 - top / most), 2),
            "height": round(max(1.0, LAYERS_HEIGHT * top / most), 2),
            "rms_y": None if row.rms is None else round(LAYERS_HEIGHT * (1 - min(1.0, row.rms / most)), 2),
        }
        for number, (row, top) in enumerate(zip(measured, tops, strict=True))
    ]
    return {
        "layers": layers,
        "bar_width": round(max(0.8, step * 0.8), 2),
        "layers_width": LAYERS_WIDTH,
        "layers_height": LAYERS_HEIGHT,
    }


def drawing(
    root: icicle.Module, boxes: Sequence[icicle.Box], dtypes: Sequence[OfDtype], numbers: Mapping[str, int]
) -> dict[str, Any]:
    """The picture of the bytes with its legend, its table and the way back up."""
    names = root.path.split(".") if root.path else []
    parts = sorted(root.parts.values(), key=lambda part: (-part.size_bytes, part.sort_key))
    return {
        "root": root,
        "boxes": boxes,
        "dtypes": [(one, numbers[one.dtype]) for one in dtypes],
        "total_bytes": sum(one.size_bytes for one in dtypes),
        "total_elements": sum(one.elements for one in dtypes),
        "drawing_width": icicle.WIDTH,
        "drawing_height": icicle.height(boxes),
        "trail": [(name, ".".join(names[: number + 1])) for number, name in enumerate(names)],
        "modules": [(part, ", ".join(sorted(part.dtypes, key=lambda one: -part.dtypes[one]))) for part in parts][
            : icicle.SHOWN_PARTS
        ],
        "hidden_modules": max(0, len(parts) - icicle.SHOWN_PARTS),
    }
