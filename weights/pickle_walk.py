"""Following a pickle's opcodes without ever running one.

Owns a stack and a memo of descriptions instead of values: what a global is called, what a string says, that something
is the result of a call. A name is judged against a short list of what state dicts need; nothing is imported, called
or built, and an operand that cannot be known counts as the worst. Cost is bounded by the opcodes' number; no length
from the stream is ever believed before the bytes are there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weights.catalog.pickles import PK_BROKEN, PK_COST, PK_EXEC, PK_FRAME, PK_NESTED
from weights.findings import Finding
from weights.pickle_arguments import OPCODES, ArgumentError
from weights.pickle_names import is_allowed
from weights.pickle_values import Budget, Container, GlobalName, PickleWalk, Result, Storage, Tuple

GUESS_LIMIT = 50_000  # opcodes after which a text that is still a pickle is one
STACK_LIMIT = 500_000
WEIGHT_LIMIT = 100_000_000  # values that a list of lists of lists would unfold to
MEMO_LIMIT = 1 << 16
NESTING_LIMIT = 3
KEPT_TUPLE = 8
FINDING_LIMIT = 50


class _FaultError(Exception):
    """The pickle cannot be followed any further."""


_OTHER = object()
_MARK = object()


def walk_pickle(
    content: bytes, path: str, start: int = 0, *, depth: int = 0, budget: Budget | None = None
) -> PickleWalk:
    """Follow the pickle in `content` from `start` to its STOP; faults become findings, none is raised."""
    walker = _Walker(content, path, start, depth, budget or Budget())
    try:
        walker.run()
    except _FaultError as error:
        walker.note(PK_BROKEN.at(path, f"{error}.", offset=walker.position))
    return walker.walk


def looks_like_pickle(content: bytes) -> bool:
    """Whether `content` starts with a pickle that names or calls something, complete or not; text hardly ever does."""
    if content[:1] == b"\x80" and content[1:2] in b"\x00\x01\x02\x03\x04\x05":
        return True
    if not content or content[0] not in OPCODES:
        return False
    budget = Budget(GUESS_LIMIT)
    walk = walk_pickle(content[: 1 << 20], "", budget=budget)
    if not budget.opcodes:
        return True
    # The first name alone decides: what follows a call may be anything, since it has run by then.
    return bool(walk.calls and walk.names) and _is_dotted(walk.names[0])


class _Walker:
    def __init__(self, content: bytes, path: str, start: int, depth: int, budget: Budget) -> None:
        self.walk = PickleWalk(end=start)
        self.position = start
        self._after = start
        self._content = content
        self._path = path
        self._depth = depth
        self._budget = budget
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._frame_end = -1
        self._is_heavy = False

    def note(self, finding: Finding) -> None:
        """Keep the finding, unless there are many already."""
        if len(self.walk.findings) < FINDING_LIMIT:
            self.walk.findings.append(finding)

    def run(self) -> None:
        """One opcode after the other, until STOP."""
        content, budget = self._content, self._budget
        while budget.opcodes > 0:
            budget.opcodes -= 1
            position = self.position = self._after
            if position >= len(content):
                raise _FaultError("The pickle has no end")
            known = OPCODES.get(content[position])
            if known is None:
                raise _FaultError(f"The byte {content[position]:02x} is no opcode")
            name, reader = known
            self._after = position + 1
            argument = None
            if reader is not None:
                try:
                    argument, self._after = reader(content, position + 1)
                except (ArgumentError, ValueError) as error:
                    raise _FaultError(f"The argument of {name} cannot be read: {error}") from None
            if position < self._frame_end or name == "FRAME":
                self._check_frame(name, argument)
            if name == "STOP":
                self._pop()
                self.walk.end = self._after
                self.walk.is_complete = True
                return
            step = _STEPS[name]
            if step is None:
                self._stack.append(_OTHER)
            else:
                step(self, argument)
            if len(self._stack) > STACK_LIMIT:
                break
        self.note(PK_COST.at(self._path, "The pickle was not walked to its end.", offset=self.position))

    def _check_frame(self, name: str, argument: Any) -> None:
        inside = self.position < self._frame_end
        if inside and self._after > self._frame_end:
            self.note(PK_FRAME.at(self._path, f"{name} crosses the end of its frame.", offset=self.position))
        if name == "FRAME":
            if inside:
                self.note(PK_FRAME.at(self._path, "A frame begins inside another.", offset=self.position))
            if self._after + argument > len(self._content):
                self.note(PK_FRAME.at(self._path, "A frame is longer than the file.", offset=self.position))
            self._frame_end = self._after + argument

    def _on_value(self, argument: Any) -> None:
        self._stack.append(argument)

    def _on_keep(self, _: Any) -> None:
        """Nothing changes on the stack."""

    def _on_bytes(self, argument: bytes) -> None:
        self._look_inside(argument)
        self._stack.append(_OTHER)

    def _on_string(self, argument: str) -> None:
        """Text of the oldest protocols, whose makers did not tell it from bytes."""
        if argument[:1] == "\x80" or argument[-1:] == ".":
            self._look_inside(argument.encode("latin-1", "replace"))
        self._stack.append(argument)

    def _on_outside(self, _: Any) -> None:
        raise _FaultError("The pickle needs bytes that lie outside of it")

    def _on_empty(self, _: Any) -> None:
        self._stack.append(Container())

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
        if index > max(MEMO_LIMIT, self._after) and not self._is_heavy:
            self._is_heavy = True  # readers make room for all entries before it
            self.note(PK_COST.at(self._path, f"The pickle stores entry {index}.", offset=self.position))
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

    def _fill(self, items: list[Any]) -> None:
        """Put `items` into what is on top, and notice what unfolds without end."""
        self._need(1)
        target = self._stack[-1]
        if isinstance(target, Container):
            target.weight += _weight(items)
            if target.weight > WEIGHT_LIMIT and not self._is_heavy:
                self._is_heavy = True
                message = f"Values that hold each other unfold to more than {WEIGHT_LIMIT} of them."
                self.note(PK_COST.at(self._path, message, offset=self.position))

    def _on_append(self, _: Any) -> None:
        self._fill([self._pop()])

    def _on_setitem(self, _: Any) -> None:
        value = self._pop()
        self._fill([self._pop(), value])

    def _on_appends(self, _: Any) -> None:
        self._fill(self._pop_to_mark())

    _on_setitems = _on_additems = _on_appends

    def _on_list(self, _: Any) -> None:
        items = self._pop_to_mark()
        self._stack.append(Container())
        self._fill(items)

    _on_dict = _on_frozenset = _on_list

    def _push_tuple(self, items: list[Any]) -> None:
        weight = 1 + _weight(items)
        self._stack.append(Tuple(tuple(items), weight) if len(items) <= KEPT_TUPLE else Container(weight))

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
        state = self._pop()
        self._fill([state])
        if not isinstance(self._stack[-1], Result):
            self._blame("The pickle sets the state of something that is not the result of an allowed call")

    def _on_persid(self, argument: str) -> None:
        self._blame(f"The pickle refers to the outside object {argument[:80]!r}")
        self._stack.append(_OTHER)

    def _on_binpersid(self, _: Any) -> None:
        match self._pop():
            case Tuple(items=("storage", GlobalName() as kind, str(key), _, int(elements), *_)):
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
        elif str(target) == "_codecs.encode":
            self._check_codec(arguments)
        weight = 1 + _weight([arguments])
        self._stack.append(Result(weight) if isinstance(target, GlobalName) else Container(weight))

    def _check_codec(self, arguments: Any) -> None:
        """Protocols before 3 write bytes as text for the latin1 codec; no other codec is needed."""
        match arguments:
            case Tuple(items=(str(text), "latin1")):
                self._look_inside(text.encode("latin-1", "replace"))
            case Tuple(items=(_, "latin1")):
                pass
            case _:
                self._blame("The pickle encodes text by a codec other than latin1", "_codecs.encode")

    def _look_inside(self, content: bytes) -> None:
        if content[:1] != b"\x80" and not looks_like_pickle(content[: 1 << 16]):
            return
        if self._depth >= NESTING_LIMIT:
            self.note(PK_NESTED.at(self._path, "Pickles are nested too deeply.", offset=self.position))
            return
        inner = walk_pickle(content, self._path, depth=self._depth + 1, budget=self._budget)
        if inner.is_complete or inner.names:
            self.note(PK_NESTED.at(self._path, "A string of bytes is a pickle.", offset=self.position))
            for finding in inner.findings:
                self.note(finding)

    def _blame(self, message: str, evidence: str | None = None) -> None:
        self.note(PK_EXEC.at(self._path, f"{message}.", offset=self.position, evidence=evidence))


def _weight(items: list[Any]) -> int:
    return sum(item.weight if isinstance(item, Container) else 1 for item in items)


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


_ALIKE = {
    "_on_value": "UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8 INT BININT BININT1 BININT2 LONG LONG1 LONG4",
    "_on_bytes": "BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8",
    "_on_empty": "EMPTY_LIST EMPTY_DICT EMPTY_SET",
    "_on_string": "STRING BINSTRING SHORT_BINSTRING",
    "_on_outside": "NEXT_BUFFER READONLY_BUFFER",
    "_on_keep": "PROTO FRAME STOP",
}
# What each opcode does; None pushes a value that nobody asks for again.
_STEPS: dict[str, Callable[[_Walker, Any], None] | None] = dict.fromkeys(
    ["NONE", "NEWTRUE", "NEWFALSE", "FLOAT", "BINFLOAT"]
)
_STEPS |= {name: getattr(_Walker, method) for method, names in _ALIKE.items() for name in names.split()}
_STEPS |= {name: getattr(_Walker, f"_on_{name.lower()}") for name, _ in OPCODES.values() if name not in _STEPS}
