"""What `docs/reference/` says is what the code does: `make reference` writes it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings

from config import reference
from rules import Table

FOLDER = Path(settings.BASE_DIR) / "docs" / "reference"


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_page_is_up_to_date(name):
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == reference.PAGES[name](), f"docs/reference/{name} is out of date: run `make reference`"


def test_the_api_document_is_valid_and_without_warnings(tmp_path):
    """In a process of its own, since the generator remembers that it has warned."""
    done = subprocess.run(
        [sys.executable, "manage.py", "spectacular", "--validate", "--fail-on-warn", "--file", tmp_path / "api.yaml"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_says_who_can_lift_it_and_begins_with_its_part():
    for rule in reference.all_rules():
        assert rule.lifted_by, rule.code
        # Clients of the Hub compare some of its sentences, which have no full stop.
        assert rule.sentence[-1] in ".}:?" or rule.code.startswith("hub."), rule
        assert rule.code == rule.code.lower()


def test_every_code_is_registered_in_one_place():
    """Two modules may not define one code, even in the same words: a later change to one would break the other."""
    defined: Counter[str] = Counter()
    import ast

    for source in Path(settings.BASE_DIR).glob("*/**/*.py"):
        if source.parts[len(Path(settings.BASE_DIR).parts)] in {"tests", ".venv", "rules", "var"}:
            continue
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            is_rule = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Rule"
            if is_rule and node.args and isinstance(node.args[0], ast.Constant):
                defined[node.args[0].value] += 1
    assert [code for code, times in defined.items() if times > 1] == []
    assert set(defined) <= {rule.code for rule in reference.all_rules()}


def test_every_workflow_is_documented():
    tables = set()
    for source in Path(settings.BASE_DIR).glob("*/states.py"):
        module = sys.modules.get(f"{source.parent.name}.states")
        tables |= {id(value) for value in vars(module or object).values() if isinstance(value, Table)}
    assert tables == {id(workflow.table) for workflow in reference.WORKFLOWS}


@pytest.mark.parametrize("workflow", reference.WORKFLOWS, ids=lambda workflow: workflow.title)
def test_every_state_is_reached_and_explained(workflow):
    """A state that no move leads to is the first one, or nobody can ever be in it."""
    reached = {move.target for move in workflow.table}
    named = {source for move in workflow.table for source in move.sources}
    assert reached | named == set(workflow.states)
    assert (workflow.states.__doc__ or "").strip()
