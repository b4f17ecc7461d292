"""The generated pages are those that are committed, and reports are what the schema says."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tests.unit.weights.makers import write_healthy
from weights import CHECKS, inspect_folder
from weights.reference import FOLDER, checks_page, main, pages, report_schema

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", pages())
def test_committed_pages_are_up_to_date(name: str) -> None:
    assert (ROOT / FOLDER / name).read_text(encoding="utf-8") == pages()[name], "run python -m weights.reference"


def test_every_check_is_on_the_page_once() -> None:
    page = checks_page()
    for check in CHECKS:
        assert page.count(f"### {check}: ") == 1


def test_reports_follow_the_schema(tmp_path: Path) -> None:
    release = write_healthy(tmp_path / "r")
    jsonschema.validate(json.loads(inspect_folder(release).dumps()), report_schema())
    (release / "model-00001-of-00002.safetensors").write_bytes(b"\x80\x02.")
    (release / "config.json").write_text("{")
    report = json.loads(inspect_folder(release).dumps())
    assert report["findings"]
    jsonschema.validate(report, report_schema())


def test_pages_can_be_written_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main([str(tmp_path / "a" / "b")])
    assert (tmp_path / "a" / "b" / "checks.md").read_text() == checks_page()
    monkeypatch.chdir(tmp_path)
    main([])
    assert (tmp_path / FOLDER / "checks.md").exists()
