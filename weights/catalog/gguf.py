"""Checks on GGUF files."""

from weights.findings import Check, Severity

_SPEC = "ggml, docs/gguf.md"

GG_MAGIC = Check(
    "GG-MAGIC",
    Severity.BLOCK,
    "Not a GGUF file of a known version",
    "The file lacks the mark, has another version than 2 or 3, or is in big-endian byte order.",
    "Convert the model again with a current converter.",
    _SPEC,
)
GG_COUNT = Check(
    "GG-COUNT",
    Severity.BLOCK,
    "Counts or lengths that the file cannot hold",
    "A number of entries or the length of a text is larger than the rest of the file. Readers that believe it overrun "
    "memory.",
    "Convert the model again.",
    "CVE-2024-21802; CVE-2025-53630; CVE-2026-27940",
)
GG_KEY = Check(
    "GG-KEY",
    Severity.BLOCK,
    "Metadata that is not well formed",
    "A value has an unknown type, an array holds arrays, a flag is neither 0 nor 1, or a text is not UTF-8.",
    "Convert the model again.",
    _SPEC,
)
GG_DUP = Check(
    "GG-DUP",
    Severity.BLOCK,
    "Key or tensor that comes twice",
    "Some readers keep the first, others the last: two readers, two models.",
    "Convert the model again.",
)
GG_NAME = Check(
    "GG-NAME",
    Severity.BLOCK,
    "Tensor name that readers refuse",
    "A tensor's name is empty, 64 bytes or longer, or holds control or invisible characters.",
    "Rename the tensor.",
    _SPEC,
)
GG_TYPE = Check(
    "GG-TYPE",
    Severity.BLOCK,
    "Unknown tensor type",
    "A tensor has a type that is not documented or was removed.",
    "Convert the model again with a current converter.",
    _SPEC,
)
GG_DIM = Check(
    "GG-DIM",
    Severity.BLOCK,
    "Dimensions out of bounds",
    "A tensor has more than four dimensions, an empty or overflowing product, or rows that do not fill whole blocks.",
    "Convert the model again.",
    "CVE-2025-53630",
)
GG_ALIGN = Check(
    "GG-ALIGN",
    Severity.BLOCK,
    "Alignment that is no power of two",
    "`general.alignment` must be a power of two from 8 on, given as a 32-bit number.",
    "Convert the model again.",
    _SPEC,
)
GG_OFF = Check(
    "GG-OFF",
    Severity.BLOCK,
    "Tensors that do not tile the data",
    "Offsets are not aligned, overlap, leave gaps, or reach beyond the file; or bytes follow the last tensor.",
    "Convert the model again.",
    "CVE-2026-7482",
)
GG_MODEL = Check(
    "GG-MODEL",
    Severity.BLOCK,
    "Metadata and tensors that contradict each other",
    "Layers, embedding width, vocabulary or special tokens in the metadata are not those of the tensors; readers fail "
    "or read beyond a table.",
    "Convert the model again.",
    _SPEC,
)
GG_SPLIT = Check(
    "GG-SPLIT",
    Severity.BLOCK,
    "Split file whose parts do not belong together",
    "A part is missing, comes twice, or states another number of parts or tensors than there are.",
    "Split or download the model again.",
    _SPEC,
)
