"""The report: its schema, what it is bound to, and refusing what is no report by the name of the field."""

import json
from pathlib import Path

import jsonschema
import pytest

from smoke.reference import FOLDER, pages, report_schema
from smoke.report import Basis, Metric, Outcome, Sample, Severity, SmokeReport, dumps, not_run

REPORT = SmokeReport(
    outcome=Outcome.WARN,
    code="cache",
    reason="Cached decoding: differs.",
    device="cpu",
    quantization="int8",
    metrics=(Metric("cache", "Cached decoding", 0.5, "at least 0.95", False, "r", Severity.WARN, "share"),),
    samples=(Sample("The", " end", 2, True, "sampled"),),
    seconds=1.5,
    versions={"torch": "2"},
    basis=Basis.DECLARED_LOSS,
    manifest_digest="sha256:" + "0" * 64,
    driver="none",
    seed=1,
    rules_version="2026.1.1",
    starts=({"number": 1, "seconds": 1.0, "cpu_seconds": 0.5, "peak_bytes": 1, "digest": "", "greedy": [1],
             "sampled": None, "stages": [{"stage": "load", "seconds": 1.0, "cpu_seconds": 0.5}]},),
    breakdown=({"start": 1, "stage": "load", "seconds": 1.0, "cpu_seconds": 0.5},),
    energy={"joules": None, "source": "", "reason": "Nothing counts here."},
)  # fmt: skip


@pytest.mark.parametrize("report", [REPORT, not_run("no_torch", "Nothing is installed.")], ids=["full", "not_run"])
def test_a_report_follows_its_schema_and_comes_back(report):
    data = json.loads(dumps(report))
    jsonschema.validate(data, report_schema())
    assert SmokeReport.from_json(data).to_json() == data


def test_the_schema_is_the_committed_one():
    root = Path(__file__).resolve().parents[3]
    for name, content in pages().items():
        assert (root / FOLDER / name).read_text() == content


def test_a_report_of_an_earlier_version_is_read():
    data = REPORT.to_json()
    for name in ("basis", "manifest_digest", "driver", "seed", "rules_version", "starts", "breakdown", "energy"):
        del data[name]
    del data["samples"][0]["mode"]
    assert SmokeReport.from_json(data).basis is Basis.NONE


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("outcome", "splendid"),
        ("outcome", None),
        ("device", 1),
        ("metrics", "text"),
        ("metrics", [1]),
        ("seconds", True),
        ("versions", []),
        ("basis", "hope"),
        ("measurements", None),
        ("starts", 3),
    ],
)
def test_what_is_no_report_is_refused_by_its_field(field, value):
    with pytest.raises(ValueError, match=field):
        SmokeReport.from_json(REPORT.to_json() | {field: value})


@pytest.mark.parametrize("data", [None, [], "text", {}])
def test_what_is_no_object_is_refused(data):
    with pytest.raises(ValueError, match="report"):
        SmokeReport.from_json(data)


def test_a_metric_of_another_form_is_refused():
    data = REPORT.to_json()
    data["metrics"][0]["value"] = "many"
    with pytest.raises(ValueError, match="value"):
        SmokeReport.from_json(data)
