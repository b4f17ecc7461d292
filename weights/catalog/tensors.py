"""Checks on safetensors files and on the values that tensors hold, whatever file they come from."""

from weights.findings import Check, Severity

_FORMAT = "safetensors, format description and reference implementation"

ST_HEADER = Check(
    "ST-HEADER",
    Severity.BLOCK,
    "Header length that cannot be right",
    "The first eight bytes give the header's length. It is below 2, above 100 000 000, or more than the file holds.",
    "Write the file again, or download it again if it was cut short.",
    _FORMAT,
)
ST_JSON = Check(
    "ST-JSON",
    Severity.BLOCK,
    "Header that is not strict JSON",
    "The header must be one JSON object in UTF-8 that starts with `{` and is followed by white space only. Lenient "
    "and strict "
    "parsers would read different things from this one, or the entries are not of the documented form.",
    "Write the file again with the safetensors library.",
    _FORMAT,
)
ST_COST = Check(
    "ST-COST",
    Severity.BLOCK,
    "Header that costs too much to read",
    "The header has far more brackets and commas than tensors could need; reading it would exhaust memory.",
    "Write the file again with the safetensors library.",
    "CWE-400",
)
ST_DUP = Check(
    "ST-DUP",
    Severity.BLOCK,
    "Name that comes twice in the header",
    "One loader keeps the first entry, another the last: two loaders, two models.",
    "Write the file again with unique tensor names.",
    "RFC 8259, section 4",
)
ST_DTYPE = Check(
    "ST-DTYPE",
    Severity.BLOCK,
    "Unknown data type",
    "A tensor has a data type that the reference implementation does not know; it could not be loaded.",
    "Convert the tensor to a documented data type.",
    _FORMAT,
)
ST_SIZE = Check(
    "ST-SIZE",
    Severity.BLOCK,
    "Shape and byte range that disagree",
    "The number of elements times the width of one is not the number of bytes that the entry claims, or does not fit "
    "in 63 "
    "bits.",
    "Write the file again with the safetensors library.",
    _FORMAT,
)
ST_OVERLAP = Check(
    "ST-OVERLAP",
    Severity.BLOCK,
    "Tensors that share bytes",
    "Two entries cover the same bytes. A small file can so claim to be huge, and an edit to one tensor changes "
    "another.",
    "Write each tensor once; save shared tensors with the library's own function for it.",
    "Trail of Bits, safetensors security review, 2023",
)
ST_HOLE = Check(
    "ST-HOLE",
    Severity.BLOCK,
    "Bytes between tensors that belong to none",
    "The data section has a gap that no loader reads: room for content nobody checks.",
    "Write the file again with the safetensors library.",
    "Trail of Bits, safetensors security review, 2023",
)
ST_TRUNC = Check(
    "ST-TRUNC",
    Severity.BLOCK,
    "File cut short",
    "The header promises more bytes than the file has.",
    "Copy or download the file again and compare its digest.",
    _FORMAT,
)
ST_TRAILING = Check(
    "ST-TRAILING",
    Severity.BLOCK,
    "Bytes after the last tensor",
    "Content is appended that no loader reads; an archive or program can hide there.",
    "Write the file again with the safetensors library.",
    "Trail of Bits, safetensors security review, 2023",
)
ST_NAME = Check(
    "ST-NAME",
    Severity.BLOCK,
    "Unsafe tensor name",
    "A tensor's name is empty, very long, looks like a path that climbs or starts at the root, or holds invisible or "
    "control "
    "characters. Converters make file names of tensor names.",
    "Rename the tensor.",
    "CWE-22",
)
ST_METADATA = Check(
    "ST-METADATA",
    Severity.BLOCK,
    "Metadata that is not text",
    "`__metadata__` must map strings to strings; loaders refuse anything else.",
    "Write the file again with string values only.",
    _FORMAT,
)
ST_EXTRA = Check(
    "ST-EXTRA",
    Severity.WARN,
    "More in the header than the format has",
    "A tensor's entry has fields that the format does not document, or the metadata is larger than 1 MB. Loaders "
    "ignore it, so "
    "it can carry anything.",
    "Write the file again without the extra fields.",
)
ST_ALIGN = Check(
    "ST-ALIGN",
    Severity.NOTE,
    "Tensor data not aligned",
    "A tensor starts at an offset that is not a multiple of its element's width. It loads, but is copied first.",
    "Write the file again with a current safetensors library, which pads the header and orders tensors by width.",
)
WV_NAN = Check(
    "WV-NAN",
    Severity.BLOCK,
    "Values that are not a number",
    "A tensor holds NaN. One is enough to make every answer of the model NaN.",
    "Find the step that made them; restore the tensor from an earlier checkpoint.",
)
WV_INF = Check(
    "WV-INF",
    Severity.BLOCK,
    "Infinite values",
    "A tensor holds an infinity, often from a cast to a narrower type that overflowed.",
    "Cast again with clipping, or from the original type.",
)
WV_ZERO = Check(
    "WV-ZERO",
    Severity.WARN,
    "Weights that are zero",
    "A matrix is zero throughout, or more than a quarter of it is one run of zeros. Sparse copies and aborted saves "
    "look so.",
    "Compare with the source; if the zeros are meant, have them accepted with the reason.",
    "microsoft/BitNet issue 608",
)
WV_EMPTY_MODEL = Check(
    "WV-EMPTY-MODEL",
    Severity.BLOCK,
    "Model that is mostly zero",
    "More than half of all floating-point parameters are zero; the weights were probably never written.",
    "Save the checkpoint again and compare digests.",
    "microsoft/BitNet issue 608",
)
WV_CONST = Check(
    "WV-CONST",
    Severity.WARN,
    "Matrix of one single value",
    "Every element of a matrix is the same number: it was probably never initialized.",
    "Compare with the source.",
)
WV_RANGE = Check(
    "WV-RANGE",
    Severity.WARN,
    "Layer far outside its siblings' range",
    "The largest magnitude in this tensor is more than a thousand times the median of the same tensor in the other "
    "layers: a "
    "diverged layer, a wrong data type or swapped bytes.",
    "Compare with the source.",
)
WV_DUP = Check(
    "WV-DUP",
    Severity.WARN,
    "Two layers with identical weights",
    "The same tensor in two layers is equal to the last bit; usually a merge or copy mistake.",
    "If layers were repeated on purpose, have it accepted with the reason.",
)
