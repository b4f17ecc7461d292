"""Benches are collected only where they are asked for by name: `pytest tests/bench`, as `make bench` does."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Take `bench_*.py` for tests where the command line names this folder or the file."""
    is_named = any("bench" in word for word in parent.config.invocation_params.args)
    if (
        is_named
        and not parent.session.isinitpath(file_path)
        and file_path.name.startswith("bench_")
        and file_path.suffix == ".py"
    ):
        return pytest.Module.from_parent(parent, path=file_path)
    return None
