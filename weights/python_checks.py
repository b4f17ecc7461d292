"""Python source: parsed into a syntax tree and searched for what a model's code has no need for.

Owns the list of names that start programs, load machine code, run text as code, or unpickle. It is a block list, which
a determined author gets around; that is why any source at all is a finding that a person has to accept. Runs nothing.
"""

from __future__ import annotations

import ast
import json
import re
import unicodedata
import warnings
from collections.abc import Iterator

from weights.catalog.folder import CC_DANGER
from weights.findings import Finding

SOURCE_LIMIT_CHARACTERS = 1_000_000
LISTED_LIMIT = 20
COMMAND_LIMIT_CHARACTERS = 500

_DANGEROUS = re.compile(
    r"os\.(system|popen\w*|exec[lv]\w*|spawn\w+|posix_spawnp?|startfile)|"
    r"(posix|nt)\.\w+|subprocess(\.\w+)*|pty\.\w+|commands\.\w+|popen2\.\w+|"
    r"(builtins\.)?(eval|exec|compile|__import__)|runpy\.\w+|code\.Interactive\w+|"
    r"(c?pickle|_pickle|dill|cloudpickle|marshal|shelve|jsonpickle|joblib)\.(loads?|Unpickler|open|decode)|"
    r"(ctypes|cffi|_ctypes)\.\w+(\.\w+)*|socket\.(socket|create_connection)|telnetlib\.\w+|paramiko\.\w+|pexpect\.\w+|"
    r"importlib\.util\.(spec_from_file_location|module_from_spec)|imp\.load_\w+|zipimport\.\w+|"
    r"torch\.(hub\.load|ops\.load_library|classes\.load_library|utils\.cpp_extension\.\w+)|"
    r"kernels\.(get|load)\w*_kernel|shutil\.rmtree|"
    r"pip\.(_internal\.)*main|winreg\.\w+|webbrowser\.\w+|multiprocessing\.connection\.\w+"
)
# In plain ASCII, one of these words is in all that is looked for; `code` has consoles called `Interactive…`.
_TELLING = frozenset(
    re.findall(
        r"\w+",
        "os posix nt subprocess pty commands popen2 eval exec compile runpy code pickle cpickle _pickle dill "
        "cloudpickle marshal shelve jsonpickle joblib ctypes cffi _ctypes socket telnetlib paramiko pexpect "
        "importlib imp zipimport hub load_library cpp_extension pip winreg webbrowser multiprocessing getattr "
        "weights_only shutil kernels import_module __import__ "
        "__globals__ __builtins__ __subclasses__ __bases__ __mro__ __loader__ ",
    )
)
_WORD = re.compile(r"\w+")
_HIDDEN_NAME = re.compile(r"__(globals|builtins|subclasses|bases|mro|import|loader)__")
_MAGIC = re.compile(r"^\s*(!|%%?(bash|sh|script|system|sx|run|pip|conda|load_ext|perl|ruby|cmd)\b)", re.MULTILINE)
# What half of all notebooks begin with: packages from the index, extensions that come with notebooks, a look around.
# Nothing that a shell would take for another command, and no address but that of a public repository.
_SETTING_UP = re.compile(
    r"%load_ext (autoreload|tensorboard)|[!%]\s*((pip3?|uv pip|conda|mamba) install|apt(-get)? (install|update)|"
    r"nvidia-smi|pwd|ls|git lfs install|git clone)"
    r"""(\s+([\w.,=+@~/\[\]:!-]+|"[\w.,=+@~/\[\]<>!: -]*"|'[\w.,=+@~/\[\]<>!: -]*'))*\s*(\s#.*)?"""
)
_ADDRESS = re.compile(r"[\w+.-]+://\S*|[\w.-]+@[\w.-]+:\S*|--trusted-host.*")
_PUBLIC = re.compile(
    r"(git\+)?https://(github\.com|huggingface\.co|pypi\.org|download\.pytorch\.org)/[\w./@#=-]*[\"']?"
)
_LEAVES = frozenset({ast.Constant, ast.Load, ast.Store, ast.Del, ast.Pass})
_LOOKED_AT = frozenset({ast.Import, ast.ImportFrom, ast.Call, ast.Attribute, ast.Name})
_RUNNING = frozenset({"eval", "exec", "__import__"})  # by another name, or as a decorator
_POWERFUL = frozenset({"os", "posix", "subprocess", "pty", "ctypes", "socket", "pickle", "marshal", "builtins"})
_BIDIRECTIONAL = re.compile("[\u202a-\u202e\u2066-\u2069]")


def check_python(text: str, path: str) -> list[Finding]:
    """Findings on a Python file; one that cannot be parsed has been reported as source already."""
    is_ascii = text.isascii()
    findings = [_hidden_text(text, path)] if not is_ascii and _BIDIRECTIONAL.search(text) else []
    if len(text) > SOURCE_LIMIT_CHARACTERS:
        return [*findings, CC_DANGER.at(path, f"The source has {len(text)} characters and was not searched.")]
    if is_ascii and _TELLING.isdisjoint(_WORD.findall(text)):
        return findings
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return findings
    for line, name in _uses(tree):
        findings.append(CC_DANGER.at(path, f"Line {line} uses {name}.", evidence=name))
        if len(findings) >= LISTED_LIMIT:
            break
    return findings


def check_notebook(content: bytes, path: str) -> list[Finding]:
    """Findings on the code cells of a notebook; commands for the shell are among them."""
    try:
        cells = json.loads(content).get("cells", [])
        sources = [
            text if isinstance(text := cell.get("source", ""), str) else "".join(map(str, text))
            for cell in cells
            if cell.get("cell_type") == "code"
        ]
    except (ValueError, AttributeError, TypeError, RecursionError):
        return []
    findings: list[Finding] = []
    for number, source in enumerate(sources[:1000]):
        lines = (source[command.start() :].strip().split("\n", 1)[0] for command in _MAGIC.finditer(source))
        if line := next((line for line in lines if not _is_setting_up(line)), None):
            findings.append(CC_DANGER.at(path, f"Code cell {number} runs a command.", evidence=line))
        findings += check_python(_MAGIC.sub("pass #", source), path)
    return findings[:LISTED_LIMIT]


def _is_setting_up(line: str) -> bool:
    if len(line) > COMMAND_LIMIT_CHARACTERS or _SETTING_UP.fullmatch(line) is None:
        return False
    return all(_PUBLIC.fullmatch(address) for address in _ADDRESS.findall(line))


def _hidden_text(text: str, path: str) -> Finding:
    found = _BIDIRECTIONAL.search(text)
    place = found.start() if found else 0
    message = f"The source holds the character U+{ord(text[place]):04X}, so that it is not what it looks like."
    return CC_DANGER.at(path, message, evidence=text[max(0, place - 40) : place + 40])


def _uses(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each use of a dangerous name, by whatever alias it was imported."""
    aliases: dict[str, str] = {}
    nodes = _nodes(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            for item in node.names:
                name = unicodedata.normalize("NFKC", item.name)
                first = name.partition(".")[0]
                aliases[unicodedata.normalize("NFKC", item.asname or first)] = name if item.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module:
            for item in node.names:
                full = f"{node.module}.{item.name}"
                aliases[item.asname or item.name] = full
                if _DANGEROUS.fullmatch(full):
                    yield node.lineno, full
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    for node in nodes:
        if isinstance(node, ast.Name):
            if node.id in _RUNNING and type(node.ctx) is ast.Load and id(node) not in called:
                yield node.lineno, f"{node.id} under another name"
        elif isinstance(node, ast.Call):
            name = _full_name(node.func, aliases)
            if name and _DANGEROUS.fullmatch(name):
                yield node.lineno, name
            elif name in ("getattr", "builtins.getattr") and len(node.args) > 1 and _is_made_up(node.args[1]):
                yield node.lineno, "getattr with a name that is put together"
            elif name == "importlib.import_module" and node.args and _is_made_up(node.args[0]):
                yield node.lineno, "import_module with a name that is put together"
            elif name == "importlib.import_module" and _names_powerful(node.args[:1]):
                yield node.lineno, "import_module of what reaches the system"
            elif name == "torch.load" and any(
                word.arg == "weights_only" and _is_false(word.value) for word in node.keywords
            ):
                yield node.lineno, "torch.load without its restriction to weights"
        elif isinstance(node, ast.Attribute) and _HIDDEN_NAME.fullmatch(node.attr):
            yield node.lineno, node.attr


def _nodes(tree: ast.AST) -> list[ast.AST]:
    """The nodes that import, call or ask for an attribute, in the order and in a quarter of the time of `ast.walk`."""
    nodes: list[ast.AST] = [tree]
    for node in nodes:  # grows meanwhile
        for value in vars(node).values():
            if type(value) is list:
                nodes += [item for item in value if isinstance(item, ast.AST) and type(item) not in _LEAVES]
            elif isinstance(value, ast.AST) and type(value) not in _LEAVES:
                nodes.append(value)
    return [node for node in nodes if type(node) in _LOOKED_AT]


def _full_name(node: ast.AST, aliases: dict[str, str]) -> str:
    """The dotted name that `node` reads, with aliases undone; empty if it is no name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Call) and _full_name(node.func, aliases) in ("__import__", "importlib.import_module"):
        first = node.args[0] if node.args else None
        parts.append(first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else "?")
    elif isinstance(node, ast.Name):
        name = unicodedata.normalize("NFKC", node.id)
        parts.append(aliases.get(name, name))
    else:
        return ""
    return ".".join(reversed(parts))


def _names_powerful(names: list[ast.expr]) -> bool:
    return any(isinstance(name, ast.Constant) and str(name.value).partition(".")[0] in _POWERFUL for name in names)


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value


def _is_made_up(node: ast.AST) -> bool:
    """Whether a text is put together from constants, which serves only to hide it."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return all(isinstance(side, ast.Constant) or _is_made_up(side) for side in (node.left, node.right))
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Constant)
