"""Rules on how a run went: starts that agree, texts that end, what was used; and how ends become outcomes."""

import math
from typing import Any

import pytest

from smoke.conclusion import conclude
from smoke.conduct import LOGITS_DISTANCE, agreeing, containment, usage, writing
from smoke.hearing import Heard, Progress
from smoke.plan import Plan
from smoke.report import Basis, Outcome, Severity, SmokeReport
from smoke.run import breakdown
from smoke.sandbox import REQUIRED
from smoke.supervise import Ending, Limits

REPEAT: dict[str, Any] = {"digest": "sha256:a", "slice": [1.0, -2.0, 4.0], "greedy": [1, 2], "sampled": [3, 4]}
PLAN = Plan(True, "planned", "int8 on cpu.", device="cpu", quantization="int8", torch_device="cpu")
APPLIED = {"applied": list(REQUIRED), "missing": {}}
WELL = Ending(0, "", "", 1.0, 1 << 30)


def agreement(device: str, **changed: Any):
    (metric,) = agreeing([{"repeat": REPEAT}, {"repeat": REPEAT | changed}], device)
    return metric


def test_one_start_has_nothing_to_agree_with():
    assert agreeing([{"repeat": REPEAT}], "cpu") == []
    (metric,) = agreeing([{"repeat": REPEAT}], "cpu", 2)
    assert (metric.ok, metric.severity, "no time left" in metric.reason) == (False, Severity.WARN, True)


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_equal_starts_agree(device):
    metric = agreement(device)
    assert (metric.code, metric.ok, metric.value) == ("starts", True, 0.0)


@pytest.mark.parametrize(
    ("changed", "named"),
    [({"digest": "sha256:b"}, "logits"), ({"greedy": [1, 3]}, "greedy"), ({"sampled": []}, "sampled")],
)
def test_on_a_processor_every_difference_is_said(changed, named):
    metric = agreement("cpu", **changed)
    assert (metric.ok, metric.severity) == (False, Severity.WARN)
    assert named in metric.reason


def test_elsewhere_logits_are_held_to_a_distance():
    near = agreement("cuda:0", digest="sha256:b", slice=[1.0, -2.0, 4.0 + 4 * LOGITS_DISTANCE * 0.9], greedy=[9])
    far = agreement("cuda:0", digest="sha256:b", slice=[1.0, -2.0, 4.0 + 4 * LOGITS_DISTANCE * 1.2])
    assert near.ok
    assert "greedy text differs" in near.reason
    assert not far.ok


@pytest.mark.parametrize("nonsense", [None, [], "text", [1.0], [math.nan, 1.0, 2.0], [None, 1.0, 2.0]])
def test_logits_that_cannot_be_compared_do_not_agree(nonsense):
    assert not agreement("cuda:0", slice=nonsense).ok


@pytest.mark.parametrize("second", [{}, {"repeat": None}, {"repeat": "text"}])
def test_a_start_that_measured_nothing_is_not_equal(second):
    (metric,) = agreeing([{"repeat": REPEAT}, second], "cpu")
    assert not metric.ok


def heard(**fields: Any) -> Heard:
    return Heard(**{"sandbox": APPLIED, "is_complete": True, "measured": {"repeat": REPEAT}, **fields})


def test_a_later_start_that_crashes_fails_the_run():
    report = conclude(heard(), WELL, PLAN, Limits(), later=[(heard(is_complete=False), Ending(-11, "", "", 1.0, 0))])
    (metric,) = [m for m in report.metrics if m.code == "starts"]
    assert report.outcome is Outcome.FAIL
    assert (metric.severity, "signal 11" in metric.reason) == (Severity.FAIL, True)


@pytest.mark.parametrize(
    ("ending", "code"),
    [(Ending(-9, "canceled", "", 1.0, 0), "canceled"), (Ending(-9, "", "", 1.0, 0), "killed")],
)
def test_a_later_start_that_was_interrupted_is_no_verdict(ending, code):
    report = conclude(heard(), WELL, PLAN, Limits(), later=[(heard(is_complete=False), ending)])
    assert (report.outcome, report.code, len(report.starts)) == (Outcome.NOT_RUN, code, 2)


@pytest.mark.parametrize("limit", ["time", "memory", "output", "scratch", "something new"])
def test_every_limit_has_a_code_and_a_sentence(limit):
    report = conclude(heard(is_complete=False), Ending(-9, limit, "", 1.0, 0), PLAN, Limits())
    assert (report.outcome, report.code) == (Outcome.FAIL, f"limit_{limit}")
    assert "at stage" in report.reason


def test_the_basis_is_what_was_compared_with():
    declared = {"probe": {"declared_bits_per_byte": 2.0, "declared": True}, "bits_per_byte": 2.0}
    plain = {"probe": {"digest": "d"}, "bits_per_byte": 2.0}
    past = SmokeReport(Outcome.PASS, "c", "r", measurements={"bits_per_byte": 2.0, "probe": {"digest": "d"}})
    other = SmokeReport(Outcome.PASS, "c", "r", measurements={"bits_per_byte": 2.0, "probe": {"digest": "e"}})

    def basis(measured: dict[str, Any], reference: SmokeReport | None) -> Basis:
        return conclude(heard(measured=measured), WELL, PLAN, Limits(), reference).basis

    assert basis(declared, None) is basis(declared, past) is Basis.DECLARED_LOSS
    assert basis(plain, past) is Basis.REFERENCE_REPORT
    assert basis(plain, None) is basis(plain, other) is Basis.NONE


def test_an_absent_layer_is_named_with_its_reason():
    applied = {"applied": [n for n in REQUIRED if n != "landlock"], "missing": {"landlock": "no such call"}}
    (metric,) = containment(applied)
    assert (metric.ok, metric.severity, metric.value) == (False, Severity.WARN, 1.0)
    assert "landlock (no such call)" in metric.reason


def test_texts_that_cannot_end_warn_and_the_rest_is_noted():
    facts = {"ended_share": 0.5, "has_end_token": True, "greedy_repetition": 0.25, "sampled_entropy_nats": 2.0}
    metrics = {m.code: m for m in writing({"generation": facts})}
    assert metrics["ends"].ok
    assert metrics["greedy_repetition"].severity is Severity.NOTE
    (ends, *_) = writing({"generation": facts | {"has_end_token": False}})
    assert (ends.ok, ends.severity) == (False, Severity.WARN)
    assert writing({}) == writing({"generation": "text"}) == []


def test_energy_is_a_number_or_a_reason():
    (told,) = usage({}, {"joules": 12.5, "source": "nvml", "reason": "All of it."})
    (silent,) = usage({}, {"joules": None, "source": "", "reason": "Nothing counts here."})
    assert (told.value, told.unit) == (12.5, "J")
    assert "nvml" in told.reason
    assert (silent.value, silent.ok, silent.reason) == (None, True, "Nothing counts here.")


def test_the_breakdown_accounts_for_every_second():
    stages = [
        {"stage": "process", "seconds": 0.5, "cpu_seconds": None},
        {"stage": "load", "seconds": 2.0, "cpu_seconds": 1},
    ]
    parts = breakdown(1.0, ({"number": 1, "stages": stages},), 5.0)
    assert [(p["start"], p["stage"]) for p in parts] == [(0, "plan"), (1, "process"), (1, "load"), (0, "rest")]
    assert sum(p["seconds"] for p in parts) == 5.0
    brought = breakdown(None, ({"number": 1, "stages": stages},), 5.0)
    assert [p["stage"] for p in brought] == ["process", "load", "rest"]


def test_a_flood_of_progress_is_thinned():
    seen: list[Progress] = []
    listener = Heard(progress=seen.append)
    for number in range(3000):
        listener.line(b'{"kind": "progress", "stage": "s%d", "done": 1, "total": 1}' % (number % 2))
    assert len(seen) < 200


def test_progress_is_a_sentence():
    assert Progress("load", 3, 5, "shard 2 of 5").sentence == "Loading and quantizing: shard 2 of 5"
    assert Progress("blocks", 1, 4, start=2).sentence == "Turning blocks down (start 2): 1 of 4"
    assert Progress("new_stage", 0, 0).sentence == "New_stage"


def test_the_time_to_what_every_start_does_is_known():
    stages = [{"stage": name, "seconds": 2.0, "cpu_seconds": 1.0} for name in ("start", "load", "repeat", "blocks")]
    assert heard(measured={"stages": stages}, confined_after=0.5).seconds_until_repeat() == 6.5
    assert heard(measured={}).seconds_until_repeat() == 0.0


def test_stages_of_another_form_are_dropped():
    listener = heard(measured={"stages": ["x", {"stage": "load"}, {"stage": "load", "seconds": 1, "cpu_seconds": 0.5}]})
    assert listener.stages() == [{"stage": "load", "seconds": 1, "cpu_seconds": 0.5}]
    assert heard(measured={"stages": "text"}).stages() == []
