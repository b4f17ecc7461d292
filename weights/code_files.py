"""Program source among a checkpoint's files: which files are, and where the closer look at them is.

Owns the list of names. Source is a finding whatever it does, because people and loaders run it.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from weights.catalog.folder import CC_CODE
from weights.findings import Finding
from weights.formats import suffix_of
from weights.python_checks import check_notebook, check_python

_SUFFIXES = frozenset(
    f".{name}"
    for name in [
        "py",
        "pyw",
        "pyx",
        "pyi",
        "ipynb",
        "sh",
        "bash",
        "zsh",
        "fish",
        "csh",
        "bat",
        "cmd",
        "ps1",
        "psm1",
        "vbs",
        "vbe",
        "wsf",
        "hta",
        "reg",
        "inf",
        "scr",
        "desktop",
        "service",
        "applescript",
        "command",
        "js",
        "mjs",
        "cjs",
        "ts",
        "jsx",
        "tsx",
        "php",
        "pl",
        "pm",
        "rb",
        "lua",
        "r",
        "jl",
        "go",
        "rs",
        "java",
        "kt",
        "swift",
        "cs",
        "c",
        "cc",
        "cpp",
        "cxx",
        "h",
        "hpp",
        "cu",
        "cuh",
        "so",
        "dll",
        "mk",
    ]
)
_NAMES = re.compile(
    r"(gnu)?makefile(\..+)?|dockerfile(\..+)?|containerfile|vagrantfile|jenkinsfile|procfile|rakefile|cmakelists\.txt|"
    r"\.pre-commit-config\.yaml|conftest|sitecustomize",
    re.IGNORECASE,
)
_SHELL_LINE = re.compile(r"#!|@echo off", re.IGNORECASE)


def check_source(text: str, content: bytes, path: str) -> list[Finding]:
    """Findings on the file if it is program source, by its name or its first line."""
    suffix = suffix_of(path)
    if suffix not in _SUFFIXES and not _NAMES.fullmatch(PurePosixPath(path).name) and not _SHELL_LINE.match(text):
        return []
    findings = [CC_CODE.at(path, "The file is program source.")]
    if suffix == ".ipynb":
        findings += check_notebook(content, path)
    elif suffix in (".py", ".pyw", ".pyi") or "python" in text[:100].partition("\n")[0]:
        findings += check_python(text, path)
    return findings
