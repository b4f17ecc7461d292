"""Chat templates, rendered once for a few made-up conversations, in a sandbox with limits on time and size.

Owns the sandbox. It is the second line: a template gets here only when its syntax tree shows nothing that reaches out
(`templates`). What is looked for is what a tree does not show: how long it takes, how much it writes, and what it asks
the sandbox for. A template that refuses a conversation is no finding; many do.
"""

from __future__ import annotations

import ctypes
import datetime
import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import TemplateError, Undefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.sandbox import SandboxedEnvironment

SECONDS_LIMIT = 0.5  # of the processor,
CROWDED = 4  # and so many times that on a clock: a plain template must not be blocked because others use the machine
OUTPUT_LIMIT = 1_000_000
TEXT_LIMIT = 4_000_000
CALLS_LIMIT = 200_000
RANGE_LIMIT = 10_000
NUMBER_LIMIT = 1 << 64

_PADDING = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs", "indent", "wordwrap", "batch", "slice"})


class TooMuchError(BaseException):
    """The template takes too long or writes too much. Nothing in a template can catch it."""


class _Generator(CodeGenerator):
    """Compiles `~` to a call of the environment, because texts that double are made with it."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.concatenate((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class _Sandbox(SandboxedEnvironment):
    """Counts calls and sizes on the way; the operators that make large values pass through here."""

    code_generator_class = _Generator
    intercepted_binops = frozenset(["+", "*", "**", "%"])

    def __init__(self, extensions: Iterable[Any]) -> None:
        super().__init__(extensions=list(extensions), autoescape=False)
        self.calls = 0
        self.filters = {name: _measured(name, function) for name, function in self.filters.items()}
        self.filters["tojson"] = _to_json
        self.globals["range"] = _range
        self.globals["raise_exception"] = _refuse
        self.globals["strftime_now"] = lambda form: datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC).strftime(form)

    def unsafe_undefined(self, target: Any, attribute: str) -> Undefined:
        """What is denied ends the rendering, so that it cannot pass unseen."""
        raise SecurityError(f"{attribute!r} of a {type(target).__name__}")

    def concatenate(self, parts: tuple[Any, ...]) -> str:
        """The texts of `parts`, one after the other."""
        texts = [str(part) for part in parts]
        if sum(map(len, texts)) > TEXT_LIMIT:
            raise TooMuchError("puts together a text of millions of characters")
        return "".join(texts)

    def call(self, context: Any, target: Any, /, *given: Any, **named: Any) -> Any:
        """Call `target`, once more than before."""
        self.calls += 1
        if self.calls > CALLS_LIMIT:
            raise TooMuchError(f"makes more than {CALLS_LIMIT} calls")
        _check_arguments(getattr(target, "__name__", ""), getattr(target, "__self__", None), given)
        return super().call(context, target, *given, **named)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """`left operator right`, unless the result is enormous."""
        size = _size(left) + _size(right)
        if operator == "*" and (isinstance(left, int) or isinstance(right, int)):
            factor = right if isinstance(right, int) else left
            size = _size(left if isinstance(right, int) else right) * max(0, int(factor))
        elif operator == "**" and isinstance(right, int | float) and abs(right) > 64:
            raise TooMuchError(f"raises to the power of {right}")
        elif operator == "%" and isinstance(left, str) and _asks_for_width(left):
            raise TooMuchError("pads a text")
        if size > TEXT_LIMIT or any(isinstance(side, int) and abs(side) > NUMBER_LIMIT for side in (left, right)):
            raise TooMuchError("computes a value of millions of characters or digits")
        return super().call_binop(context, operator, left, right)


def render_trouble(text: str, extensions: Iterable[Any]) -> tuple[str, bool] | None:
    """Why `text` should not be rendered, and whether that is for reaching out (else for its cost); None if it may."""
    outcome: list[tuple[str, bool]] = []
    worker = threading.Thread(target=_render_all, args=(text, extensions, outcome), daemon=True)
    started = time.process_time()
    worker.start()
    for _ in range(CROWDED):
        worker.join(SECONDS_LIMIT)
        if not worker.is_alive() or time.process_time() - started >= SECONDS_LIMIT:
            break
    if worker.is_alive():
        # Raised in the worker before its next step; in a step of C it would wait, but those are bounded by size.
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker.ident or 0), ctypes.py_object(TooMuchError))
        worker.join(SECONDS_LIMIT)
        return f"takes more than {SECONDS_LIMIT} seconds", False
    return outcome[0] if outcome else None


def _render_all(text: str, extensions: Iterable[Any], outcome: list[tuple[str, bool]]) -> None:
    try:
        for conversation in _CONVERSATIONS:
            _render(text, extensions, conversation)
    except SecurityError as error:
        outcome.append((f"asks for what the sandbox denies: {str(error)[:120]}", True))
    except (TooMuchError, MemoryError, RecursionError) as error:
        outcome.append((str(error) or f"ends in a {type(error).__name__}", False))
    except Exception:  # noqa: S110 - whatever else a template raises is its way to refuse a conversation
        pass


def _render(text: str, extensions: Iterable[Any], conversation: dict[str, Any]) -> None:
    sandbox = _Sandbox(extensions)
    written = 0
    try:
        for piece in sandbox.from_string(text).generate(json.loads(json.dumps(conversation))):
            written += len(piece)
            if written > OUTPUT_LIMIT:
                raise TooMuchError(f"writes more than {OUTPUT_LIMIT} characters")
    except SecurityError:
        raise
    except (TemplateError, TypeError, ValueError, KeyError, IndexError, AttributeError, ZeroDivisionError):
        return


def _measured(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, with its arguments checked before and its text after."""

    def checked(*given: Any, **named: Any) -> Any:
        _check_arguments(name, given[0] if given else None, (*given[1:], *named.values()))
        made = function(*given, **named)
        if _size(made) > TEXT_LIMIT:
            raise TooMuchError(f"makes too long a text with {name!r}")
        return made

    for mark in ("jinja_pass_arg", "jinja_async_variant"):
        if hasattr(function, mark):
            setattr(checked, mark, getattr(function, mark))
    return checked


def _check_arguments(name: str, target: Any, given: tuple[Any, ...]) -> None:
    if name in _PADDING and any(isinstance(value, int) and value > RANGE_LIMIT for value in given):
        raise TooMuchError(f"pads with {name!r}")
    if name == "replace":
        texts = [value for value in (target, *given) if isinstance(value, str)]
        if len(texts) >= 3 and len(texts[0]) * max(1, len(texts[-1])) > TEXT_LIMIT and len(texts[-1]) > 100:
            raise TooMuchError("replaces by a long text in a long text")
    if name == "join" and _size(target) * max([1, *map(_size, given)]) > TEXT_LIMIT:
        raise TooMuchError("joins with a long text")
    if name == "format" and isinstance(target, str) and _asks_for_width(target):
        raise TooMuchError("pads a text")


def _asks_for_width(pattern: str) -> bool:
    digits = 0
    for character in pattern:
        digits = digits + 1 if character.isdigit() else 0
        if digits > 4:
            return "%" in pattern or "{" in pattern
    return False


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple | dict | bytes) else 1


def _range(*given: int) -> range:
    made = range(*given)
    if len(made) > RANGE_LIMIT:
        raise TooMuchError(f"counts {len(made)} numbers")
    return made


def _refuse(message: str = "") -> str:
    raise TemplateError(message)


def _to_json(value: Any, indent: int | None = None, **options: Any) -> str:
    if indent is not None and indent > 100:
        raise TooMuchError("indents by more than 100")
    return json.dumps(value, ensure_ascii=False, indent=indent, default=str)


def _message(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


_CALL = {"id": "call00001", "type": "function", "function": {"name": "f", "arguments": {"x": "1"}}}
_TOOL = {
    "type": "function",
    "function": {
        "name": "f",
        "description": "A function.",
        "parameters": {
            "type": "object",
            "properties": {"x": {"type": "string", "description": "x"}},
            "required": ["x"],
        },
    },
}
_COMMON: dict[str, Any] = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
_TALK = [_message("user", "How much is my bank account? https://bank.example"), _message("assistant", "1 + 1 = 2")]
_CONVERSATIONS: list[dict[str, Any]] = [
    _COMMON | {"messages": [_message("user", "Hello")], "add_generation_prompt": True},
    _COMMON | {"messages": [_message("system", "Be brief."), *_TALK * 3], "add_generation_prompt": False},
    _COMMON
    | {
        "messages": [
            _TALK[0],
            _message("assistant", "", tool_calls=[_CALL]),
            _message("tool", "1", tool_call_id="call00001"),
        ],
        "tools": [_TOOL],
        "add_generation_prompt": True,
        "enable_thinking": True,
    },
    _COMMON | {"messages": [_message("user", [{"type": "text", "text": "a"}, {"type": "image"}])]},
]
