"""The names that a pickle of weights may use, and no others.

Owns the list. It is an allow list: what is not on it is blocked, so a gadget that nobody has thought of is blocked too.
On it are the names that PyTorch and NumPy write when they save tensors and arrays, and plain containers.
"""

from __future__ import annotations

from collections.abc import Mapping

_BUILTINS = frozenset(
    ["set", "frozenset", "bytearray", "bytes", "complex", "slice", "range", "list", "dict", "tuple"]
) | {
    "int",
    "float",
    "bool",
    "str",
}
_STORAGES = frozenset(
    f"{kind}Storage"
    for kind in [
        "Float",
        "Double",
        "Half",
        "BFloat16",
        "Long",
        "Int",
        "Short",
        "Char",
        "Byte",
        "Bool",
        "ComplexFloat",
        "ComplexDouble",
        "QInt8",
        "QUInt8",
        "QInt32",
        "QUInt4x2",
        "QUInt2x4",
        "Untyped",
        "Typed",
    ]
)
_TYPES = frozenset(
    {"float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "uint16", "uint32"}
    | {"uint64", "bool", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz"}
    | {"float8_e5m2fnuz", "float8_e8m0fnu", "qint8", "quint8", "qint32"}
)
_SCHEMES = frozenset(["per_tensor_affine", "per_tensor_symmetric", "per_channel_affine", "per_channel_symmetric"])
_NUMPY_ARRAYS = frozenset(["_reconstruct", "scalar"])

_ALLOWED: Mapping[str, frozenset[str]] = {
    "collections": frozenset(["OrderedDict", "Counter"]),
    "builtins": _BUILTINS,
    "__builtin__": _BUILTINS | {"unicode", "long", "xrange"},
    "_codecs": frozenset(["encode"]),
    "torch": _STORAGES | _TYPES | _SCHEMES | {"Size", "device", "Tensor"},
    "torch.storage": frozenset(["UntypedStorage", "TypedStorage", "_LegacyStorage"]),
    "torch._utils": frozenset(
        {"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter", "_rebuild_qtensor"}
        | {"_rebuild_sparse_tensor", "_rebuild_sparse_csr_tensor", "_rebuild_nested_tensor"}
    ),
    "torch.nn.parameter": frozenset(["Parameter", "Buffer"]),
    "torch.serialization": frozenset(["_get_layout"]),
    "numpy": frozenset(["ndarray", "dtype"]),
    "numpy.core.multiarray": _NUMPY_ARRAYS,
    "numpy._core.multiarray": _NUMPY_ARRAYS,
    "numpy._core.numeric": frozenset(["_frombuffer"]),
    "numpy.core.numeric": frozenset(["_frombuffer"]),
}

STORAGE_WIDTHS = {
    "FloatStorage": 4,
    "DoubleStorage": 8,
    "HalfStorage": 2,
    "BFloat16Storage": 2,
    "LongStorage": 8,
    "IntStorage": 4,
    "ShortStorage": 2,
    "CharStorage": 1,
    "ByteStorage": 1,
    "BoolStorage": 1,
    "ComplexFloatStorage": 8,
    "ComplexDoubleStorage": 16,
    "QInt8Storage": 1,
    "QUInt8Storage": 1,
    "QInt32Storage": 4,
    "QUInt4x2Storage": 1,
    "QUInt2x4Storage": 1,
    "UntypedStorage": 1,
}


def is_allowed(module: str, name: str) -> bool:
    """Whether a pickle of weights may import `name` from `module`.

    A dotted name reaches into attributes and never may.
    """
    return name in _ALLOWED.get(module, frozenset())
