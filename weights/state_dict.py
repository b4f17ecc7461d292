"""Which tensors a PyTorch archive holds, read from its pickle as a description.

Owns the few opcodes that a saved state dict consists of; anything else ends the reading, and then the archive's tensors
stay unknown. Runs only on a pickle that was walked and found harmless, and even so imports and calls nothing: a tensor
is a name, a type, a shape and a place in a storage.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

TENSORS_LIMIT = 100_000
_STEPS_LIMIT = 400_000
_DEPTH_LIMIT = 16

_DTYPES = {
    "FloatStorage": "F32",
    "DoubleStorage": "F64",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
    "ComplexFloatStorage": "C64",
}
_NAMED = {
    "float32": "F32",
    "float64": "F64",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "bool": "BOOL",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2fnuz": "F8_E5M2FNUZ",
    "float8_e8m0fnu": "F8_E8M0",
}
_WIDTHS = {"F64": 8, "I64": 8, "U64": 8, "C64": 8, "F32": 4, "I32": 4, "U32": 4}
_WIDTHS |= {"F16": 2, "BF16": 2, "I16": 2, "U16": 2}


@dataclass(frozen=True, slots=True)
class Described:
    """One tensor: the storage it lies in, and the bytes there from `start` to `end`."""

    dtype: str
    shape: tuple[int, ...]
    storage: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Name:
    module: str
    name: str


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    kind: str


class _StrangeError(Exception):
    pass


_MARK, _OTHER = object(), object()
_VALUES = frozenset(
    ["BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"]
)
_CONSTANTS: Mapping[str, Callable[[], Any]] = {
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "MARK": lambda: _MARK,
}
_FIXED_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def read_state_dict(content: bytes) -> dict[str, Described]:
    """Tensors by name, names joined with dots where dicts are nested; empty if the pickle is no plain state dict."""
    try:
        root = _Reader().read(content)
    except (_StrangeError, IndexError, KeyError, TypeError, ValueError, OverflowError):
        return {}
    found: dict[str, Described] = {}
    _flatten(root, "", found, [_STEPS_LIMIT], 0)
    return found


def _flatten(value: Any, name: str, found: dict[str, Described], steps: list[int], depth: int) -> None:
    """Collect the tensors below `value`; containers that share parts are followed within so many steps."""
    steps[0] -= 1
    if isinstance(value, Described):
        if len(found) < TENSORS_LIMIT and len(name) <= 1024:
            found[name] = value
    elif depth < _DEPTH_LIMIT:
        pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in pairs:
            if steps[0] <= 0:
                return
            if isinstance(inner, Described | dict | list):
                _flatten(inner, f"{name}.{key}" if name else str(key), found, steps, depth + 1)


class _Reader:
    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def read(self, content: bytes) -> Any:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name == "STOP":
                return self._stack.pop()
            if opcode.name not in ("PROTO", "FRAME"):
                self._do(opcode.name, argument)
        raise _StrangeError

    def _do(self, name: str, argument: Any) -> None:
        stack = self._stack
        if name in _VALUES:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name]())
        elif name in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(self._memo[argument])
        elif name == "GLOBAL":
            module, _, attribute = argument.partition(" ")
            stack.append(_Name(module, attribute))
        elif name == "STACK_GLOBAL":
            attribute, module = stack.pop(), stack.pop()
            stack.append(_Name(str(module), str(attribute)))
        elif name in _FIXED_TUPLES:
            count = _FIXED_TUPLES[name]
            parts = tuple(stack[-count:])
            del stack[-count:]
            stack.append(parts)
        elif name == "TUPLE":
            stack.append(tuple(self._to_mark()))
        elif name in ("APPEND", "APPENDS"):
            items = self._to_mark() if name == "APPENDS" else [stack.pop()]
            if isinstance(stack[-1], list):
                stack[-1].extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = self._to_mark() if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
            self._set(items)
        elif name == "BINPERSID":
            stack.append(_storage(stack.pop()))
        elif name in ("REDUCE", "NEWOBJ"):
            arguments, target = stack.pop(), stack.pop()
            stack.append(_made(target, arguments))
        elif name == "BUILD":
            stack.pop()
        else:
            raise _StrangeError

    def _to_mark(self) -> list[Any]:
        items: list[Any] = []
        while (value := self._stack.pop()) is not _MARK:
            items.append(value)
        return items[::-1]

    def _set(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, dict):
            for key, value in zip(items[::2], items[1::2], strict=True):
                if isinstance(key, str | int):
                    target[key] = value


def _storage(value: Any) -> Any:
    match value:
        case ("storage", _Name(name=kind), str(key), *_):
            return _Storage(key, kind)
    return _OTHER


def _made(target: Any, arguments: Any) -> Any:
    """What an allowed call stands for, as far as tensors and dicts go."""
    match target, arguments:
        case _Name("collections", "OrderedDict"), ():
            return {}
        case _Name("torch._utils", "_rebuild_parameter"), (Described() as tensor, *_):
            return tensor
        case _Name("torch._utils", "_rebuild_tensor_v2"), (_Storage() as storage, offset, shape, stride, *_):
            return _tensor(storage, _DTYPES.get(storage.kind), offset, shape, stride)
        case (
            _Name("torch._utils", "_rebuild_tensor_v3"),
            (_Storage() as storage, offset, shape, stride, _, _, _Name("torch", name), *_),
        ):
            return _tensor(storage, _NAMED.get(name), offset, shape, stride)
    return _OTHER


def _tensor(storage: _Storage, dtype: str | None, offset: Any, shape: Any, stride: Any) -> Any:
    if dtype is None or not isinstance(shape, tuple) or not isinstance(stride, tuple) or len(shape) != len(stride):
        return _OTHER
    numbers = (offset, *shape, *stride)
    if len(shape) > 64 or not all(type(number) is int and 0 <= number < 1 << 60 for number in numbers):
        return _OTHER
    expected = 1
    for size, step in zip(reversed(shape), reversed(stride), strict=True):
        if size != 1 and step != expected:
            return _OTHER  # a view of other strides: its bytes are not in order
        expected *= size
    width = _WIDTHS.get(dtype, 1)
    return Described(dtype, shape, storage.key, offset * width, (offset + math.prod(shape)) * width)
