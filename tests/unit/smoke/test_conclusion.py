"""From what was heard of a run to its report: every way to end, and words of a hostile process."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from smoke.by_token import CODE, MOST_TOKENS, TokenLosses
from smoke.conclusion import conclude
from smoke.conduct import containment
from smoke.hearing import Heard, trimmed
from smoke.plan import Plan
from smoke.probes import Probe
from smoke.report import Basis, Metric, Outcome, Severity, SmokeReport, dumps, finite, not_run, outcome_of, plain
from smoke.sandbox import REQUIRED
from smoke.supervise import Ending, Limits
from tests.unit.smoke.test_verdict import FAIL, HEALTHY, UNDECLARED, WARN

PLAN = Plan(True, "planned", "ok", device="cpu", torch_device="cpu", quantization="int8")
APPLIED = {"applied": list(REQUIRED), "missing": {}}


def test_the_gravest_metric_decides_the_outcome():
    def metric(ok: bool, severity: Severity) -> Metric:
        return Metric("c", "n", 1.0, "t", ok, "why.", severity)

    assert outcome_of([])[0] is Outcome.NOT_RUN
    assert outcome_of([metric(True, FAIL)])[0] is Outcome.PASS
    assert outcome_of([metric(False, Severity.NOTE)])[0] is Outcome.PASS
    assert outcome_of([metric(True, FAIL), metric(False, WARN)])[0] is Outcome.WARN
    assert outcome_of([metric(False, WARN), metric(False, FAIL)])[0] is Outcome.FAIL
    assert outcome_of([metric(False, FAIL), metric(False, FAIL)])[2].endswith("And 1 more.")


def test_reports_are_json_without_nan():
    report = SmokeReport(
        Outcome.FAIL,
        "c",
        "r",
        metrics=(Metric("c", "n", math.nan, "t", False, "r"),),
        measurements={"x": math.inf, "deep": [{"y": math.nan}]},
    )
    assert "NaN" not in dumps(report)
    assert SmokeReport.from_json(report.to_json()).to_json() == report.to_json()
    assert finite(math.nan) is None
    assert plain({"a": (1.0, math.inf)}) == {"a": [1.0, None]}


def test_not_run_is_not_pass():
    assert not_run("no_torch", "why").outcome is Outcome.NOT_RUN


def ended(stopped: str = "", returncode: int = 0, stderr: str = "") -> Ending:
    return Ending(returncode, stopped, stderr, 1.0, 1 << 30)


def concluded(heard: Heard, ending: Ending) -> tuple[Outcome, str]:
    report = conclude(heard, ending, PLAN, Limits())
    assert report.reason
    return report.outcome, report.code


def heard(**fields: Any) -> Heard:
    return Heard(**{"sandbox": APPLIED, **fields})


@pytest.mark.parametrize("limit", ["time", "memory", "output"])
def test_reaching_a_limit_fails(limit):
    assert concluded(heard(), ended(limit, -9)) == (Outcome.FAIL, f"limit_{limit}")


def test_processor_time_used_up_fails():
    assert concluded(heard(), ended("", -24)) == (Outcome.FAIL, "limit_cpu")


def test_cancellation_is_not_a_verdict():
    assert concluded(heard(), ended("canceled", -9)) == (Outcome.NOT_RUN, "canceled")


def test_a_crash_fails_and_names_the_signal():
    report = conclude(heard(), ended("", -11), PLAN, Limits())
    assert (report.outcome, report.code) == (Outcome.FAIL, "crashed")
    assert "signal 11" in report.reason


def test_a_process_that_never_confined_itself_did_not_run():
    assert concluded(Heard(), ended("", 1, "ImportError: x")) == (Outcome.NOT_RUN, "not_started")


def test_a_refused_sandbox_did_not_run():
    assert concluded(heard(refused="landlock: absent"), ended("", 3)) == (Outcome.NOT_RUN, "sandbox")


def test_measurements_of_a_stopped_run_are_judged_as_far_as_they_go():
    stopped = {"outcome": "fail", "code": "keys", "reason": "Tensors are missing."}
    part = {"static": HEALTHY["static"], "keys": {**HEALTHY["keys"], "missing_keys": ["a"]}}
    report = conclude(heard(stopped=stopped, measured=part), ended("", 1), PLAN, Limits())
    assert report.outcome is Outcome.FAIL
    assert {m.code for m in report.metrics if not m.ok} >= {"keys", "missing_keys"}


def test_a_stopped_run_can_be_no_verdict():
    stopped = {"outcome": "not_run", "code": "unsupported_architecture", "reason": "Unknown."}
    assert concluded(heard(stopped=stopped), ended("", 1)) == (Outcome.NOT_RUN, "unsupported_architecture")


def test_a_forged_pass_is_only_as_good_as_its_measurements():
    listener = heard()
    listener.line(b'{"kind": "measured", "measured": {"outcome": "pass"}}')
    assert concluded(listener, ended())[0] is Outcome.FAIL


@pytest.mark.parametrize(
    "line", [b"", b"\xff", b"[1]", b"{", b'{"kind": "progress", "done": "x", "total": 1}', b"[" * 99999]
)
def test_lines_that_are_no_message_are_dropped(line):
    seen: list[Any] = []
    listener = Heard(progress=seen.append)
    listener.line(line)
    assert (seen, listener.measured, listener.refused) == ([], {}, "")


def test_a_waived_layer_warns_by_name():
    (metric,) = containment({"applied": [name for name in REQUIRED if name != "landlock"]})
    assert (metric.ok, metric.severity) == (False, Severity.WARN)
    assert "landlock" in metric.reason


def test_what_a_hostile_process_says_is_bounded():
    deepest: Any = "x"
    for _ in range(50):
        deepest = [deepest]
    said = {
        "a": "x" * 10**5,
        "b": list(range(10**4)),
        "c": 10**400,
        "d": deepest,
        "e": {str(i): 1 for i in range(5000)},
        "f": ["x"] * 5000,
    }
    kept = trimmed(said)
    assert len(kept["a"]) == 2000
    assert len(kept["b"]) == MOST_TOKENS
    assert len(kept["e"]) == len(kept["f"]) == 1000
    assert kept["c"] is None
    assert len(dumps(SmokeReport(Outcome.FAIL, "c", "r", measurements=kept))) < 60_000


def test_what_was_declared_is_taken_from_the_owner_and_not_from_the_confined_process():
    """A process that a checkpoint took over may say that what it measured was declared."""
    nats = [2.0] * MOST_TOKENS
    forged = {"digest": "d", "declared_bits_per_byte": 1.0, "declared_token_losses": {"nats": nats}}
    found = {"architecture": "decoder", "bits_per_byte": 1.0, "nats_per_token": 2.0, "probe": forged,
             "full": {"float32_nats_per_token": 2.0, "float32_token_nats": nats}}  # fmt: skip
    probe = Probe("Held out.", bits_per_byte=0.9, token_losses=TokenLosses((2.5,) * MOST_TOKENS))
    line = json.dumps({"kind": "measured", "measured": found}).encode()

    def codes(probe: Probe | None) -> dict[str, bool]:
        said = heard()
        said.line(line)
        report = conclude(said, ended(), PLAN, Limits(), probe=probe)
        return {m.code: m.ok for m in report.metrics if m.code.startswith("reference")}

    assert codes(None) == {"reference": True, CODE: True}
    assert codes(probe) == {"reference": False, CODE: False}
    assert codes(Probe("Held out.")) == {}


def test_what_was_declared_and_not_measured_is_not_ok():
    """As of a model whose tokenizer is gone."""
    found = {**HEALTHY, "tokenizer": {"present": False, "error": "It is not there."}}
    scored = ("probe", "bits_per_byte", "nats_per_token", "mean_entropy", "shuffled_nats")
    line = json.dumps({"kind": "measured", "measured": {k: v for k, v in found.items() if k not in scored}}).encode()

    def outcome(probe: Probe) -> Outcome:
        said = heard()
        said.line(line)
        return conclude(said, ended(), PLAN, Limits(), probe=probe).outcome

    assert outcome(Probe("Held out.")) is Outcome.WARN
    assert outcome(Probe("Held out.", bits_per_byte=0.9)) is Outcome.FAIL
    assert outcome(Probe("Held out.", token_losses=TokenLosses((2.5,)))) is Outcome.FAIL


def test_numbers_too_large_for_any_column_are_not_progress():
    seen: list[Any] = []
    Heard(progress=seen.append).line(b'{"kind": "progress", "stage": "load", "done": 1%s, "total": 2}' % (b"0" * 400))
    assert seen == []


def test_a_kill_from_outside_is_no_verdict():
    assert concluded(heard(), ended("", -9)) == (Outcome.NOT_RUN, "killed")


def losing(nats: float) -> dict[str, Any]:
    """Healthy measurements with this loss of the unrounded weights, on a probe of which nothing was declared."""
    return {**UNDECLARED, "full": {"float32_nats_per_token": nats, "nats_per_token": nats}}


def compared(past: SmokeReport, nats: float, **fields: Any) -> SmokeReport:
    listener = heard(measured=losing(nats), is_complete=True)
    return conclude(listener, ended(), replace(PLAN, **fields), Limits(), past)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [({}, {}, FAIL), ({"named": "b"}, {}, WARN), ({"named": "b"}, {"named": "b"}, FAIL)],
)
def test_the_report_of_a_base_is_the_parents_of_what_is_put_on_it(ours, theirs, expected):
    past = SmokeReport(Outcome.PASS, "healthy", "ok", plan={"base": theirs}, measurements=losing(3.0))
    (metric,) = [m for m in compared(past, 3.03, base=ours).metrics if m.code == "reference"]
    assert (metric.ok, metric.severity) == (False, expected)


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.NOT_RUN])
def test_with_a_reference_that_did_not_pass_nothing_is_compared(outcome):
    report = compared(SmokeReport(outcome, "crashed", "no", measurements=losing(30.0)), 3.0)
    assert "reference" not in {m.code for m in report.metrics}
    (metric,) = [m for m in report.metrics if m.code == "reference_digest"]
    assert (metric.ok, metric.severity) == (False, WARN)
    assert f"ended as {outcome.value}" in metric.reason
    assert report.basis is Basis.NONE
