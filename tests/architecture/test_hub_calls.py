"""The table of the client's calls in docs/hub.md names all that the installed client has, and claims what is tried.

A new version of the client with another method or command fails here until somebody says what becomes of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from huggingface_hub import HfApi
from huggingface_hub.cli.hf import app

ROOT = Path(__file__).resolve().parents[2]
TRIED = {"done", "governed", "refused"}
STANDINGS = TRIED | {"left out", "elsewhere"}


def told(heading: str) -> Iterator[tuple[str, str]]:
    """Each backticked name of the table below a heading, with what becomes of it."""
    text = (ROOT / "docs" / "hub.md").read_text(encoding="utf-8").partition(f"### {heading}\n")[2]
    table = text.partition("\n|")[2].partition("\n\n")[0]
    for line in table.splitlines()[2:]:
        names, standing = line.strip("|").split("|")[:2]
        assert standing.strip() in STANDINGS, line
        for name in re.findall(r"`([^`]+)`", names):
            yield name, standing.strip()


def methods() -> set[str]:
    """The client's public methods."""
    return {name for name in dir(HfApi) if not name.startswith("_") and callable(getattr(HfApi, name))}


def commands(command: click.Command, words: tuple[str, ...] = ("hf",)) -> Iterator[str]:
    """Every command of `hf`, by the first of its names."""
    if not isinstance(command, click.Group):
        yield " ".join(words)
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from commands(below, (*words, name.partition(" |")[0]))


def said_in_checks() -> tuple[set[str], set[str]]:
    """Attributes and words that the conformance checks use, and their calls of `hf`, as command lines."""
    used, lines = set(), set()
    for path in (ROOT / "tests" / "conformance").glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                used.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                used.add(node.value)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "hf":
                words = [part.value if isinstance(part, ast.Constant) else "…" for part in node.args[1:]]
                lines.add(" ".join(["hf", *map(str, words)]).replace(" ls", " list"))
    return used, lines


def test_every_method_is_in_the_table_once() -> None:
    names = [name for name, _ in told("Methods")]
    assert sorted(names) == sorted(methods())


def test_every_command_is_in_the_table_once() -> None:
    named = [name for name, _ in told("Commands")]
    assert len(named) == len(set(named))
    covered = {command: [name for name in named if f"{command} ".startswith(f"{name} ")] for command in commands(app)}
    assert {command: names for command, names in covered.items() if len(names) != 1} == {}
    assert {name for name in named if not any(name in names for names in covered.values())} == set()


@pytest.mark.parametrize("heading", ["Methods", "Commands"])
def test_what_is_claimed_is_tried_by_a_check(heading: str) -> None:
    used, lines = said_in_checks()
    for name, standing in told(heading):
        if heading == "Methods":
            assert name in used or standing == "elsewhere", f"{name} is said to be {standing}, and no check calls it"
        elif standing in TRIED:
            assert any(f"{line} ".startswith(f"{name} ") for line in lines), f"no check runs {name}"
