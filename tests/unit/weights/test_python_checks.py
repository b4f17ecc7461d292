"""Source that is only looked through for words has nothing that its syntax tree would show."""

from __future__ import annotations

import ast

import pytest

from weights import python_checks
from weights.python_checks import check_python

USES = """
os.system os.popen2 os.execvp os.spawnlp os.posix_spawn os.startfile posix.open nt.system subprocess
subprocess.run pty.spawn commands.getoutput popen2.popen3 eval builtins.exec compile __import__ runpy.run_path
code.InteractiveConsole pickle.loads cpickle.load _pickle.Unpickler dill.loads cloudpickle.load marshal.loads
shelve.open jsonpickle.decode joblib.load ctypes.CDLL cffi.FFI _ctypes.dlopen socket.socket
socket.create_connection telnetlib.Telnet paramiko.SSHClient pexpect.spawn
importlib.util.spec_from_file_location imp.load_source zipimport.zipimporter torch.hub.load
torch.ops.load_library torch.classes.load_library torch.utils.cpp_extension.load pip.main pip._internal.main
winreg.OpenKey webbrowser.open kernels.get_kernel shutil.rmtree multiprocessing.connection.Client
"""


@pytest.mark.parametrize("name", USES.split())
def test_every_use_has_a_word_that_is_looked_for(name: str) -> None:
    assert check_python(f"import {name.partition('.')[0]}\n{name}('x')\n", "a.py")


@pytest.mark.parametrize("name", ["globals", "builtins", "subclasses", "bases", "mro", "import", "loader"])
def test_every_hidden_name_has_one(name: str) -> None:
    assert check_python(f"().__class__.__{name}__\n", "a.py")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "run = eval"),
        (1, "@eval\n@str\ndef f(): pass"),
        (1, "import importlib\nimportlib.import_module('os')"),
        (1, "import torch\ntorch.load('x', weights_only=False)"),
        (0, "import torch\ntorch.load('x', weights_only=True)\ntorch.load('y')"),
        (0, "import importlib\nimportlib.import_module('transformers')"),
        (0, "model.eval()\ncompile = True\nprint(compile, 'eval')"),
    ],
)
def test_names_that_change_hands(count: int, text: str) -> None:
    assert len(check_python(text, "a.py")) == count


def test_plain_source_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> ast.AST:
        raise AssertionError("parsed")

    monkeypatch.setattr(python_checks.ast, "parse", refuse)
    assert check_python("def scale(values, factor):\n    return [value * factor for value in values]\n", "a.py") == []
    with pytest.raises(AssertionError, match="parsed"):
        check_python("def \u212fval(): pass", "a.py")
