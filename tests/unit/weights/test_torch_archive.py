"""PyTorch archives: their tensors are found without a pickle being loaded, and compare like any others."""

from __future__ import annotations

import io
import pickle
import zipfile
from typing import Any

import pytest

from tests.unit.weights import families as make
from tests.unit.weights.families import llama
from weights import FileReport, compare, inspect_file
from weights.state_dict import read_state_dict

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

BASE = llama(1)


def saved(content: Any) -> FileReport:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return inspected(buffer.getvalue())


def inspected(content: bytes) -> FileReport:
    return inspect_file(lambda: io.BytesIO(content), "pytorch_model.bin", len(content))


def tensors(model: make.Model) -> dict[str, Any]:
    return {name: torch.from_numpy(array.copy()) for name, array in model.items()}


@pytest.mark.parametrize(("kind", "relation"), [("float32", "same"), ("bfloat16", "cast"), ("float8_e4m3fn", "cast")])
def test_an_archive_compares_like_safetensors(kind: str, relation: str) -> None:
    report = saved({name: tensor.to(getattr(torch, kind)) for name, tensor in tensors(BASE).items()})
    assert {finding.check for finding in report.findings} == {"PK-FORMAT"}
    assert {record.name for record in report.tensors} == set(BASE)
    assert compare(report.tensors, make.records(BASE)).relation == relation


def test_names_of_nested_dicts_are_joined_and_tied_tensors_found_twice() -> None:
    held = tensors(BASE)
    held["tied"] = held["lm_head.weight"]
    held["part"] = held["lm_head.weight"][10:50]
    report = saved({"state_dict": held, "epoch": 3, "list": [held["tied"]], "none": None})
    names = {record.name for record in report.tensors}
    assert {"state_dict.lm_head.weight", "state_dict.tied", "state_dict.part", "list.0"} <= names
    digests = {record.name: record.digest for record in report.tensors}
    assert digests["state_dict.tied"] == digests["state_dict.lm_head.weight"] == digests["list.0"]


def test_modules_parameters_and_other_types() -> None:
    module = torch.nn.Linear(30, 30, dtype=torch.float16)
    found = saved({"p": torch.nn.Parameter(torch.ones(80)), "n": torch.arange(70), "m": module.state_dict()})
    assert {(record.name, record.dtype) for record in found.tensors} == {
        ("p", "F32"),
        ("n", "I64"),
        ("m.weight", "F16"),
        ("m.bias", "F16"),
    }


def test_values_of_archives_are_checked() -> None:
    report = saved({"w": torch.full((64, 64), float("nan"))})
    assert "WV-NAN" in {finding.check for finding in report.findings}


def test_transposed_views_are_left_out() -> None:
    assert [record.name for record in saved({"t": torch.ones(40, 50).T, "u": torch.ones(3)}).tensors] == ["u"]


def test_an_archive_with_a_blocked_pickle_is_not_believed() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a/data.pkl", b"\x80\x02cos\nsystem\nq\x00X\x02\x00\x00\x00lsq\x01\x85q\x02Rq\x03.")
        archive.writestr("a/version", "3\n")
    report = inspected(buffer.getvalue())
    assert "PK-EXEC" in {finding.check for finding in report.findings}
    assert report.tensors == []


def test_a_storage_is_not_walked_without_end() -> None:
    weight = torch.ones(1000)
    report = saved({str(number): weight[:] for number in range(200)})
    assert 4 <= len(report.tensors) < 200


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b".",
        b"\x80\x02.",
        b"\x80\x02}",
        b"\x80\x02h\x00.",
        b"\x80\x02(.",
        b"\x80\x02)R.",
        b"\xff\xff",
        b"\x80\x02u.",
    ],
)
def test_what_is_no_state_dict_gives_nothing(content: bytes) -> None:
    assert read_state_dict(content) == {}


@pytest.mark.parametrize("value", [[1, 2], {"a": {1, 2}}, "text", {"a": [{"b": 1}]}, 2**70, {(1, 2): 3}])
def test_other_pickles_give_nothing(value: Any) -> None:
    for protocol in (2, 4, 5):
        assert read_state_dict(pickle.dumps(value, protocol)) == {}


def test_a_dict_that_holds_itself_ends() -> None:
    value: dict[str, Any] = {}
    value["self"] = value
    assert read_state_dict(pickle.dumps(value, 2)) == {}


def test_containers_that_share_parts_cost_a_bounded_time() -> None:
    value: list[Any] = [1]
    for _ in range(15):
        value = [value] * 50
    assert read_state_dict(pickle.dumps(value, 2)) == {}
