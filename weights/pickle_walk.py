"""Following a pickle's opcodes without ever running one.

Owns a stack and a memo of descriptions instead of values: what a global is called, what a string says, that something
is the result of a call. A name is judged against a short list of what state dicts need; nothing is imported, called
or built, and an operand that cannot be known counts as the worst. Cost is bounded by the opcodes' number; no length
from the stream is ever believed before the bytes are there.
"""

from __future__ import annotations

import io
import pickletools
from dataclasses import dataclass, field
from typing import Any

from weights.catalog.pickles import PK_BROKEN, PK_COST, PK_EXEC, PK_FRAME, PK_NESTED
from weights.findings import Finding
from weights.pickle_names import is_allowed

OPCODE_LIMIT = 20_000_000
STACK_LIMIT = 5_000_000
NESTING_LIMIT = 3
KEPT_TUPLE = 8
FINDING_LIMIT = 50

_OPCODES: dict[str, Any] = {opcode.code: opcode for opcode in pickletools.opcodes}
_PUSH_TEXT = frozenset(
    "UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8 STRING BINSTRING SHORT_BINSTRING".split()  # noqa: SIM905
)
_PUSH_BYTES = frozenset("BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8".split())  # noqa: SIM905
_PUSH_NUMBER = frozenset("INT BININT BININT1 BININT2 LONG LONG1 LONG4".split())  # noqa: SIM905
_PUSH_OTHER = frozenset(
    "NONE NEWTRUE NEWFALSE FLOAT BINFLOAT EMPTY_LIST EMPTY_DICT EMPTY_SET NEXT_BUFFER".split()  # noqa: SIM905
)
_KEEP = frozenset(["PROTO", "FRAME", "READONLY_BUFFER"])
# Opcodes that take what lies above the last mark, and what they then need below it and leave behind.
_FROM_MARK = {
    "APPENDS": (1, True),
    "SETITEMS": (1, True),
    "ADDITEMS": (1, True),
    "LIST": (0, False),
    "DICT": (0, False),
}
_FROM_MARK |= {"FROZENSET": (0, False)}


@dataclass(frozen=True, slots=True)
class GlobalName:
    """A module's attribute, not imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class Result:
    """What calling an allowed global gives."""

    of: GlobalName


@dataclass(frozen=True, slots=True)
class Storage:
    """A tensor's storage, as PyTorch's persistent ids announce it."""

    key: str
    kind: str
    elements: int


@dataclass(slots=True)
class PickleWalk:
    """What one pickle would have done.

    Where it ends, which names it uses, which storages it announces, what is wrong.
    """

    end: int = 0
    names: list[str] = field(default_factory=list)
    calls: int = 0
    storages: dict[str, Storage] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    is_complete: bool = False


class _FaultError(Exception):
    """The pickle cannot be followed any further."""


_OTHER = object()
_MARK = object()


def walk_pickle(content: bytes, path: str, start: int = 0, *, depth: int = 0) -> PickleWalk:
    """Follow the pickle in `content` from `start` to its STOP; faults become findings, none is raised."""
    walker = _Walker(content, path, start, depth)
    try:
        walker.run()
    except _FaultError as error:
        walker.note(PK_BROKEN.at(path, f"{error}.", offset=walker.position))
    return walker.walk


def looks_like_pickle(content: bytes) -> bool:
    """Whether `content` starts with a pickle that names or calls something, complete or not; text hardly ever does."""
    if content[:1] == b"\x80" and content[1:2] in b"\x00\x01\x02\x03\x04\x05":
        return True
    if content[:1] not in (
        b"c",
        b"(",
        b"]",
        b"}",
        b"i",
        b"l",
        b"d",
        b"S",
        b"V",
        b"I",
        b"F",
        b"N",
        b"X",
        b"U",
        b"T",
        b"K",
    ):
        return False
    walk = walk_pickle(content[: 1 << 20], "")
    return bool(walk.calls and walk.names) and all(_is_dotted(name) for name in walk.names)


class _Walker:
    def __init__(self, content: bytes, path: str, start: int, depth: int) -> None:
        self.walk = PickleWalk(end=start)
        self.position = start
        self._content = content
        self._path = path
        self._depth = depth
        self._stream = io.BytesIO(content)
        self._stream.seek(start)
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._frame_end = -1

    def note(self, finding: Finding) -> None:
        """Keep the finding, unless there are many already."""
        if len(self.walk.findings) < FINDING_LIMIT:
            self.walk.findings.append(finding)

    def run(self) -> None:
        """One opcode after the other, until STOP."""
        for _ in range(OPCODE_LIMIT):
            self.position = self._stream.tell()
            code = self._stream.read(1)
            opcode = _OPCODES.get(code.decode("latin-1"))
            if opcode is None:
                raise _FaultError(f"The byte {code.hex()} is no opcode" if code else "The pickle has no end")
            argument = self._argument(opcode)
            self._check_frame(opcode.name, argument)
            if opcode.name == "STOP":
                self._pop()
                self.walk.end = self._stream.tell()
                self.walk.is_complete = True
                return
            self._step(opcode.name, argument)
            if len(self._stack) > STACK_LIMIT:
                break
        self.note(PK_COST.at(self._path, "The pickle was not walked to its end.", offset=self.position))

    def _argument(self, opcode: Any) -> Any:
        if opcode.arg is None:
            return None
        try:
            return opcode.arg.reader(self._stream)
        except (ValueError, OverflowError, IndexError, MemoryError) as error:
            raise _FaultError(f"The argument of {opcode.name} cannot be read: {error}") from None

    def _check_frame(self, name: str, argument: Any) -> None:
        after = self._stream.tell()
        inside = self.position < self._frame_end
        if inside and after > self._frame_end:
            self.note(PK_FRAME.at(self._path, f"{name} crosses the end of its frame.", offset=self.position))
        if name == "FRAME":
            if inside:
                self.note(PK_FRAME.at(self._path, "A frame begins inside another.", offset=self.position))
            if after + argument > len(self._content):
                self.note(PK_FRAME.at(self._path, "A frame is longer than the file.", offset=self.position))
            self._frame_end = after + argument

    def _step(self, name: str, argument: Any) -> None:
        if name in _PUSH_TEXT or name in _PUSH_NUMBER:
            self._stack.append(argument)
        elif name in _PUSH_BYTES:
            self._look_inside(bytes(argument))
            self._stack.append(_OTHER)
        elif name in _PUSH_OTHER:
            self._stack.append(_OTHER)
        elif name in _FROM_MARK:
            below, keep = _FROM_MARK[name]
            self._pop_to_mark()
            if keep:
                self._need(below)
            else:
                self._stack.append(_OTHER)
        elif name not in _KEEP:
            getattr(self, f"_on_{name.lower()}", self._on_unknown)(argument)

    # Stack and memo

    def _pop(self) -> Any:
        if not self._stack or self._stack[-1] is _MARK:
            raise _FaultError("An opcode needs more than the stack holds")
        return self._stack.pop()

    def _need(self, count: int) -> None:
        if len(self._stack) < count or _MARK in self._stack[-count:]:
            raise _FaultError("An opcode needs more than the stack holds")

    def _pop_to_mark(self) -> list[Any]:
        items: list[Any] = []
        while self._stack:
            item = self._stack.pop()
            if item is _MARK:
                return items[::-1]
            items.append(item)
        raise _FaultError("An opcode needs a mark that is not there")

    def _on_mark(self, _: Any) -> None:
        self._stack.append(_MARK)

    def _on_pop(self, _: Any) -> None:
        if not self._stack:
            raise _FaultError("An opcode needs more than the stack holds")
        self._stack.pop()

    def _on_pop_mark(self, _: Any) -> None:
        self._pop_to_mark()

    def _on_dup(self, _: Any) -> None:
        self._need(1)
        self._stack.append(self._stack[-1])

    def _on_put(self, index: int) -> None:
        self._need(1)
        self._memo[index] = self._stack[-1]

    _on_binput = _on_long_binput = _on_put

    def _on_memoize(self, _: Any) -> None:
        self._on_put(len(self._memo))

    def _on_get(self, index: int) -> None:
        if index not in self._memo:
            raise _FaultError(f"The pickle asks for entry {index}, which it never stored")
        self._stack.append(self._memo[index])

    _on_binget = _on_long_binget = _on_get

    # Containers

    def _on_append(self, _: Any) -> None:
        self._pop()
        self._need(1)

    def _on_setitem(self, _: Any) -> None:
        self._pop()
        self._on_append(_)

    def _push_tuple(self, items: list[Any]) -> None:
        self._stack.append(tuple(items) if len(items) <= KEPT_TUPLE else _OTHER)

    def _on_empty_tuple(self, _: Any) -> None:
        self._push_tuple([])

    def _on_tuple(self, _: Any) -> None:
        self._push_tuple(self._pop_to_mark())

    def _on_tuple1(self, _: Any) -> None:
        self._push_tuple([self._pop()])

    def _on_tuple2(self, _: Any) -> None:
        second, first = self._pop(), self._pop()
        self._push_tuple([first, second])

    def _on_tuple3(self, _: Any) -> None:
        third, second, first = self._pop(), self._pop(), self._pop()
        self._push_tuple([first, second, third])

    # Names and calls

    def _on_global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._stack.append(self._named(module, name))

    def _on_stack_global(self, _: Any) -> None:
        name, module = self._pop(), self._pop()
        if isinstance(name, str) and isinstance(module, str):
            self._stack.append(self._named(module, name))
        else:
            self._blame("The pickle computes the name of what it imports")
            self._stack.append(_OTHER)

    def _on_inst(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._pop_to_mark()
        self._call(self._named(module, name))

    def _on_obj(self, _: Any) -> None:
        items = self._pop_to_mark()
        self._call(items[0] if items else _OTHER)

    def _on_reduce(self, _: Any) -> None:
        arguments, target = self._pop(), self._pop()
        self._call(target, arguments)

    def _on_newobj(self, _: Any) -> None:
        self._on_reduce(_)

    def _on_newobj_ex(self, _: Any) -> None:
        self._pop()
        self._on_reduce(_)

    def _on_build(self, _: Any) -> None:
        self._pop()
        self._need(1)
        if not isinstance(self._stack[-1], Result):
            self._blame("The pickle sets the state of something that is not the result of an allowed call")

    def _on_persid(self, argument: str) -> None:
        self._blame(f"The pickle refers to the outside object {argument[:80]!r}")
        self._stack.append(_OTHER)

    def _on_binpersid(self, _: Any) -> None:
        match self._pop():
            case ("storage", GlobalName() as kind, str(key), _, int(elements), *_):
                self.walk.storages[key] = Storage(key, kind.name, elements)
            case _:
                self._blame("The pickle refers to an outside object that is no tensor storage")
        self._stack.append(_OTHER)

    def _on_unknown(self, _: Any) -> None:
        """EXT1, EXT2, EXT4: a name that only a registry in the reader's process knows."""
        self._blame("The pickle imports by a number from the extension registry")
        self._stack.append(_OTHER)

    _on_ext1 = _on_ext2 = _on_ext4 = _on_unknown

    def _named(self, module: str, name: str) -> GlobalName:
        found = GlobalName(module, name)
        self.walk.names.append(str(found))
        if not is_allowed(module, name):
            self._blame(f"The pickle imports {found}", str(found))
        return found

    def _call(self, target: Any, arguments: Any = None) -> None:
        self.walk.calls += 1
        if not isinstance(target, GlobalName):
            self._blame("The pickle calls something that cannot be known without running it")
        elif str(target) == "_codecs.encode" and not (isinstance(arguments, tuple) and arguments[1:] == ("latin1",)):
            self._blame("The pickle encodes text by a codec other than latin1", str(target))
        self._stack.append(Result(target) if isinstance(target, GlobalName) else _OTHER)

    def _look_inside(self, content: bytes) -> None:
        if content[:1] != b"\x80" and not looks_like_pickle(content[: 1 << 16]):
            return
        if self._depth >= NESTING_LIMIT:
            self.note(PK_NESTED.at(self._path, "Pickles are nested too deeply.", offset=self.position))
            return
        inner = walk_pickle(content, self._path, depth=self._depth + 1)
        if inner.is_complete or inner.names:
            self.note(PK_NESTED.at(self._path, "A string of bytes is a pickle.", offset=self.position))
            for finding in inner.findings:
                self.note(finding)

    def _blame(self, message: str, evidence: str | None = None) -> None:
        self.note(PK_EXEC.at(self._path, f"{message}.", offset=self.position, evidence=evidence))


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))
