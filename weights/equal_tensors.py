"""Values of many small tensors at once, where one lies behind the other in one type and shape.

Owns the arithmetic on a table with one tensor in each row. It says what `tensor_values` says of each alone; of a tensor
that is in any way out of the ordinary it says nothing, and that one is looked at alone. A mixture of experts has tens
of thousands, and asking for each takes longer than reading it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from weights.tensor_values import FLOATS, SAMPLED_VALUES, SMALL_RUN, ValueSummary, decode_codes

PLAIN = frozenset({"BF16", "F16", "F32"})

Array = np.ndarray[Any, Any]


def summarize(dtype: str, contents: Array) -> list[ValueSummary | None]:
    """What the walk over each row of `contents` would find, None for a row that has to be walked."""
    layout = FLOATS[dtype]
    sign, infinity = 1 << (8 * layout.width - 1), layout.infinity or 0
    codes = contents.view(f"<u{layout.width}")
    count = codes.shape[1]
    high, low = codes.view(f"<i{layout.width}").max(axis=1), codes.max(axis=1)
    has_zeros = (codes.min(axis=1) == 0).tolist()
    # Both signs occur, and neither extreme is beyond the finite: then these two codes are the extremes.
    is_plain = ((high >= 0) & (high < infinity) & (low >= sign) & ((low & (sign - 1)) < infinity)).tolist()
    sample = decode_codes(dtype, codes[:, :: -(-count // SAMPLED_VALUES)])
    means = sample.mean(axis=1).tolist()
    with np.errstate(over="ignore", invalid="ignore"):
        rms = np.sqrt(np.einsum("ij,ij->i", sample, sample) / sample.shape[1]).tolist()
    lows, highs = decode_codes(dtype, low).tolist(), decode_codes(dtype, high.view(low.dtype)).tolist()
    found: list[ValueSummary | None] = []
    for place, plain in enumerate(is_plain):
        zeros = count - int(np.count_nonzero(codes[place])) if has_zeros[place] else 0
        if not plain or zeros * SMALL_RUN >= count:
            found.append(None)
        else:
            found.append(ValueSummary(lows[place], highs[place], zeros, 0, 0, 0, None, means[place], rms[place]))
    return found
