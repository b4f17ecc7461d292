"""Chat templates: parsed into syntax trees and judged; what passes is rendered in a sandbox.

Owns what a template may do. Fields of messages and tools can have any name, so names are judged by what they could
reach: anything that begins with an underscore, functions and filters outside a short list, texts put together to be
used as a subscript.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.ext import Extension, do, loopcontrols
from jinja2.parser import Parser
from jinja2.tests import TESTS as ENVIRONMENT_TESTS

from weights.catalog.templates import TP_DOS, TP_FILE, TP_PARSE, TP_POISON, TP_SSTI
from weights.findings import Check, Finding
from weights.template_render import render_trouble

SIZE_LIMIT = 1 << 18
NUMBER_LIMIT = 10_000
HUGE_NUMBER = 10_000_000
FINDING_LIMIT = 20

_FUNCTIONS = frozenset({"namespace", "range", "dict", "raise_exception", "strftime_now", "caller"})
_GADGETS = frozenset(
    {"lipsum", "cycler", "joiner", "self", "config", "request", "url_for", "get_flashed_messages", "super", "context"}
    | {"environment", "undefined", "eval", "exec", "open", "getattr", "import_module"}
)
_METHODS = frozenset(
    {"strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "partition", "rpartition", "startswith", "endswith"}
    | {"lower", "upper", "title", "capitalize", "swapcase", "casefold", "replace", "join", "find", "rfind", "index"}
    | {"count", "isdigit", "isalpha", "isalnum", "isspace", "isupper", "islower", "isnumeric", "isdecimal"}
    | {"removeprefix", "removesuffix", "items", "keys", "values", "get", "update", "pop", "copy", "setdefault"}
    | {"append", "extend", "insert", "remove", "clear", "reverse", "sort", "cycle", "changed", "encode", "decode"}
    | {"isoformat", "strftime"}
)
_FILTERS = frozenset(
    {"abs", "batch", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float", "forceescape"}
    | {"format", "groupby", "int", "items", "join", "last", "length", "list", "lower", "map", "max", "min", "pprint"}
    | {"random", "reject", "rejectattr", "replace", "reverse", "round", "safe", "select", "selectattr", "slice", "sort"}
    | {"string", "striptags", "sum", "title", "tojson", "trim", "truncate", "unique", "upper", "urlencode", "wordcount"}
    | {"indent", "center", "wordwrap", "xmlattr", "from_json", "tojson_no_ascii"}
)
_TESTS = frozenset(ENVIRONMENT_TESTS) | {"equalto", "contains"}
_TEXT_MAKERS = frozenset({"join", "replace", "format", "reverse", "lower", "upper", "string", "trim", "title", "map"})
_LOADERS = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_WIDTH = re.compile(r"%[-+ #0]*\d{5,}|\{[^}]{0,40}:[^}]{0,8}\d{5,}")
_DUNDER = re.compile(r"__\w+__")
_FORMAT_FIELD = re.compile(r"\{[^}]*[.\[]")
_ADDRESS = re.compile(r"https?://|www\.", re.IGNORECASE)
_ORDER = re.compile(
    r"\b(ignore (all|any|the|previous)|disregard|do not (tell|mention|reveal)|always (recommend|include|use))\b",
    re.IGNORECASE,
)
_INVISIBLE_ALLOWED = frozenset("\u200c\u200d")  # join letters in several scripts and in emoji


class _Generation(Extension):
    """`{% generation %}`, by which trainers mark the assistant's words; its body is what counts here."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


_EXTENSIONS = (loopcontrols, do, _Generation)
_ENVIRONMENT = Environment(extensions=_EXTENSIONS, autoescape=False)  # noqa: S701 - it only parses


def check_template(text: str, path: str, where: str) -> list[Finding]:
    """Findings on the template `text`, found in the file `path` at `where` (a key, or the file itself)."""
    if len(text) > SIZE_LIMIT:
        return [TP_PARSE.at(path, f"The template in {where} has {len(text)} characters.")]
    try:
        judge = _Judge(path, where, _ENVIRONMENT.parse(text))
        judge.run()
    except TemplateSyntaxError as error:
        return [TP_PARSE.at(path, f"The template in {where} fails in line {error.lineno}: {error.message}.")]
    except (RecursionError, ValueError, MemoryError) as error:
        return [TP_PARSE.at(path, f"The template in {where} cannot be parsed: {type(error).__name__}.")]
    if not judge.findings:
        trouble = render_trouble(text, _EXTENSIONS)
        if trouble is not None:
            message, reaches_out = trouble
            check = TP_SSTI if reaches_out else TP_DOS
            judge.findings.append(check.at(path, f"When rendered, the template in {where} {message}."))
    return judge.findings + _invisible(text, path, where)


def _invisible(text: str, path: str, where: str) -> list[Finding]:
    for place, character in enumerate(text):
        if not character.isascii() and character not in _INVISIBLE_ALLOWED and _is_hidden(character):
            message = f"The template in {where} holds the invisible character U+{ord(character):04X}."
            return [TP_POISON.at(path, message, evidence=text[max(0, place - 60) : place + 60])]
    return []


def _is_hidden(character: str) -> bool:
    """Whether it shows nothing: a format character, or a variation selector of those that can spell out bytes."""
    return unicodedata.category(character) == "Cf" or "\U000e0100" <= character <= "\U000e01ef"


class _Judge:
    """Looks at every node of one template."""

    def __init__(self, path: str, where: str, tree: nodes.Template) -> None:
        self.findings: list[Finding] = []
        self._path = path
        self._where = where
        self._tree = tree
        self._macros = {macro.name for macro in tree.find_all(nodes.Macro)}
        self._made = {
            target.name
            for assign in tree.find_all(nodes.Assign)
            if isinstance(target := assign.target, nodes.Name) and _makes_text(assign.node)
        } | {block.target.name for block in tree.find_all(nodes.AssignBlock) if isinstance(block.target, nodes.Name)}

        # Names that hold what a message says, or a part of it.
        self._said = {
            assign.target.name
            for assign in tree.find_all(nodes.Assign)
            if isinstance(assign.target, nodes.Name) and any(_is_content(part) for part in _all_nodes(assign.node))
        }

    def run(self) -> None:
        """Judge the whole tree."""
        for node in _all_nodes(self._tree):
            if isinstance(node, _LOADERS):
                self._note(TP_FILE, node, "loads another file")
            elif isinstance(node, nodes.For):
                self._judge_loops(node)
            elif isinstance(node, nodes.If):
                self._judge_condition(node)
            elif isinstance(node, nodes.Name):
                self._judge_name(node)
            elif isinstance(node, nodes.Getattr):
                self._judge_attribute(node, node.attr)
            elif isinstance(node, nodes.Getitem):
                self._judge_item(node)
            elif isinstance(node, nodes.Filter | nodes.Test):
                self._judge_filter(node)
            elif isinstance(node, nodes.Call):
                self._judge_call(node)
            elif isinstance(node, nodes.Const):
                self._judge_constant(node)
            elif isinstance(node, nodes.Mul | nodes.Pow):
                self._judge_size(node)
            elif isinstance(node, nodes.Assign):
                self._judge_growth(node)
            elif isinstance(node, nodes.Macro):
                self._judge_macro(node)
            elif isinstance(node, nodes.CondExpr):
                self._judge_choice(node)
            elif isinstance(node, nodes.Keyword):
                self._judge_attribute(node, node.key)

    def _judge_name(self, node: nodes.Name) -> None:
        if node.name in _GADGETS or (node.name.startswith("__") and node.ctx == "load"):
            self._note(TP_SSTI, node, f"uses the name {node.name!r}")

    def _judge_attribute(self, node: nodes.Node, name: str) -> None:
        if name.startswith("_") or name in ("mro", "func_globals", "gi_frame", "cr_frame", "f_globals", "f_builtins"):
            self._note(TP_SSTI, node, f"reads the attribute {name!r}")

    def _judge_item(self, node: nodes.Getitem) -> None:
        if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            self._judge_attribute(node, node.arg.value)
        elif _makes_text(node.arg) or any(name.name in self._made for name in _names(node.arg)):
            self._note(TP_SSTI, node, "computes the text of a subscript")

    def _judge_filter(self, node: nodes.Filter | nodes.Test) -> None:
        if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            self._note(TP_SSTI, node, f"uses the filter {node.name!r}")
        elif isinstance(node, nodes.Test) and node.name not in _TESTS:
            self._note(TP_SSTI, node, f"uses the test {node.name!r}")
        if node.name == "replace" and any(_ADDRESS.search(text) for text in _texts(list(node.args))):
            self._note(TP_POISON, node, "replaces by an address")
        given = [*node.args, *(pair.value for pair in node.kwargs)]
        for constant in (argument for argument in given if isinstance(argument, nodes.Const)):
            if isinstance(constant.value, str) and node.name in _BY_NAME:
                if constant.value == "attr" or constant.value.startswith("_") or "._" in constant.value:
                    self._note(TP_SSTI, node, f"hands {constant.value!r} to the filter {node.name!r}")
            elif isinstance(constant.value, int) and constant.value > NUMBER_LIMIT and node.name in _PADDING:
                self._note(TP_DOS, node, f"pads by {constant.value}")
        if node.name in _BY_NAME and any(_makes_text(argument) for argument in given):
            self._note(TP_SSTI, node, f"computes an argument of the filter {node.name!r}")

    def _judge_call(self, node: nodes.Call) -> None:
        target = node.node
        if isinstance(target, nodes.Name):
            if target.name not in _FUNCTIONS | self._macros:
                self._note(TP_SSTI, node, f"calls {target.name!r}")
            elif target.name == "range" and _largest(node) > NUMBER_LIMIT:
                self._note(TP_DOS, node, f"counts to {_largest(node)}")
        elif isinstance(target, nodes.Getattr):
            if target.attr == "format":
                self._judge_format(node, target)
            elif target.attr not in _METHODS:
                self._note(TP_SSTI, node, f"calls the method {target.attr!r}")
        else:
            self._note(TP_SSTI, node, "calls something that is computed")

    def _judge_format(self, node: nodes.Call, target: nodes.Getattr) -> None:
        pattern = target.node.value if isinstance(target.node, nodes.Const) else None
        if not isinstance(pattern, str) or _FORMAT_FIELD.search(pattern):
            self._note(TP_SSTI, node, "formats by a pattern that can reach attributes")

    def _judge_constant(self, node: nodes.Const) -> None:
        if isinstance(node.value, str) and _DUNDER.search(node.value):
            self._note(TP_SSTI, node, f"holds the text {node.value[:60]!r}")
        elif type(node.value) is int and node.value > HUGE_NUMBER:
            self._note(TP_DOS, node, f"has the number {node.value}")
        elif isinstance(node.value, str) and _WIDTH.search(node.value):
            self._note(TP_DOS, node, f"formats by the width in {node.value[:60]!r}")

    def _judge_size(self, node: nodes.Mul | nodes.Pow) -> None:
        limit = 64 if isinstance(node, nodes.Pow) else NUMBER_LIMIT
        if isinstance(node, nodes.Pow) and not isinstance(node.right, nodes.Const):
            self._note(TP_DOS, node, "raises to a power that is computed")
        for side in (node.left, node.right):
            if isinstance(side, nodes.Const) and isinstance(side.value, int | float) and side.value > limit:
                self._note(TP_DOS, node, f"multiplies by {side.value}")

    def _judge_growth(self, node: nodes.Assign) -> None:
        """A text that is put together from itself twice doubles with every turn."""
        if isinstance(node.node, nodes.Concat | nodes.Add):
            own = [part for part in _all_nodes(node.node) if _same_place(part, node.target)]
            if len(own) > 1:
                self._note(TP_DOS, node, "doubles a text")

    def _judge_macro(self, node: nodes.Macro) -> None:
        """Macros that write types of tools call themselves with a part of the type; a call without any never ends."""
        for call in node.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == node.name and not (call.args or call.kwargs):
                self._note(TP_DOS, node, "has a macro that calls itself without end")
                return

    def _judge_loops(self, node: nodes.For) -> None:
        if node.recursive:
            self._note(TP_DOS, node, "has a loop that calls itself")
        if _loop_size(node) > NUMBER_LIMIT and _range_size(node) > 1:
            self._note(TP_DOS, node, "nests loops over large ranges")

    def _judge_choice(self, node: nodes.CondExpr) -> None:
        """The same as a condition, in one expression."""
        if self._tests_content(node.test):
            self._blame_texts(node, [part for part in (node.expr1, node.expr2) if part is not None])

    def _judge_condition(self, node: nodes.If) -> None:
        """Text that appears only if a message says something.

        An address or an order there is how prompts are poisoned.
        """
        if self._tests_content(node.test):
            self._blame_texts(node, node.body)

    def _tests_content(self, test: nodes.Node) -> bool:
        parts = list(_all_nodes(test))
        reads_content = any(
            _is_content(part) or (isinstance(part, nodes.Name) and part.name in self._said) for part in parts
        )
        return reads_content and any(isinstance(part, nodes.Compare | nodes.Call) for part in parts)

    def _blame_texts(self, node: nodes.Node, body: list[nodes.Node]) -> None:
        for text in _texts(body):
            if _ADDRESS.search(text) or _ORDER.search(text):
                self._note(
                    TP_POISON, node, "writes an address or an order where a message says something", text.strip()
                )

    def _note(self, check: Check, node: nodes.Node, message: str, evidence: str | None = None) -> None:
        if len(self.findings) < FINDING_LIMIT:
            text = f"Line {node.lineno} of the template in {self._where} {message}."
            self.findings.append(check.at(self._path, text, evidence=evidence))


_BY_NAME = frozenset(
    {"map", "select", "reject", "selectattr", "rejectattr", "groupby", "sort", "sum", "min", "max", "unique"}
)
_PADDING = frozenset({"center", "indent", "wordwrap", "batch", "slice", "round"})


def _all_nodes(tree: nodes.Node) -> Iterator[nodes.Node]:
    waiting: list[nodes.Node] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(list(node.iter_child_nodes()))


def _is_content(node: nodes.Node) -> bool:
    """Whether the node reads what a message says."""
    if isinstance(node, nodes.Getattr):
        return bool(node.attr == "content")
    return isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and node.arg.value == "content"


def _same_place(node: nodes.Node, target: nodes.Node) -> bool:
    """Whether the expression reads the variable, or the field of a namespace, that `target` writes."""
    if isinstance(target, nodes.Name):
        return isinstance(node, nodes.Name) and node.name == target.name
    if isinstance(target, nodes.NSRef):
        return (
            isinstance(node, nodes.Getattr)
            and node.attr == target.attr
            and isinstance(node.node, nodes.Name)
            and node.node.name == target.name
        )
    return False


def _loop_size(loop: nodes.For) -> int:
    """How often the innermost body below `loop` runs for its constant ranges alone."""
    inner = [_loop_size(node) for child in loop.body for node in _outermost_loops(child)]
    return _range_size(loop) * max([1, *inner])


def _outermost_loops(node: nodes.Node) -> list[nodes.For]:
    if isinstance(node, nodes.For):
        return [node]
    return [loop for child in node.iter_child_nodes() for loop in _outermost_loops(child)]


def _names(node: nodes.Node) -> list[nodes.Name]:
    return [node] if isinstance(node, nodes.Name) else list(node.find_all(nodes.Name))


def _makes_text(node: nodes.Node) -> bool:
    """Whether the expression can put a text together."""
    for item in _all_nodes(node):
        if isinstance(item, nodes.Concat | nodes.Mod):
            return True
        if isinstance(item, nodes.Add) and any(_is_text(side) for side in (item.left, item.right)):
            return True
        if isinstance(item, nodes.Filter) and item.name in _TEXT_MAKERS:
            return True
        if (
            isinstance(item, nodes.Call)
            and isinstance(item.node, nodes.Getattr)
            and item.node.attr in ("join", "format")
        ):
            return True
    return False


def _is_text(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) and isinstance(node.value, str)


def _largest(call: nodes.Call) -> int:
    """The largest number in the arguments, wherever in them it stands."""
    numbers = (part for item in call.args for part in _all_nodes(item) if isinstance(part, nodes.Const))
    return max((part.value for part in numbers if type(part.value) is int), default=0)


def _range_size(loop: nodes.For) -> int:
    source = loop.iter
    if isinstance(source, nodes.Call) and isinstance(source.node, nodes.Name) and source.node.name == "range":
        return max(1, _largest(source))
    return 1


def _texts(body: list[nodes.Node]) -> Iterator[str]:
    for node in body:
        for item in _all_nodes(node):
            if isinstance(item, nodes.TemplateData):
                yield item.data
            elif isinstance(item, nodes.Const) and isinstance(item.value, str):
                yield item.value
