"""Validation divided by file: what each part reads and keeps, what is never read again, and what ends it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from django.utils import timezone
from safetensors.numpy import save

import weights
from jobs.models import Job
from registry.blobs import blob_store
from registry.models import Checkpoint, Evidence, FileInspection, Tensor
from registry.services.evidence import start_evidence
from registry.states import EvidenceKind, Outcome
from registry.validation import inspecting, planning, storing
from tests.factories import make_commit, make_variant, run_jobs

pytestmark = pytest.mark.django_db


def shard(seed: int, layers: range = range(2)) -> bytes:
    """A file of 8 KiB for each layer."""
    values = np.random.default_rng(seed)
    names = [f"model.layers.{layer}.mlp.up_proj.weight" for layer in layers]
    return save({name: values.normal(0, 0.02, (32, 64)).astype(np.float32) for name in names})


def checkpoint_of(files: dict[str, bytes]) -> Checkpoint:
    return make_commit(make_variant(), files).checkpoint


@pytest.fixture
def early(monkeypatch):
    """Files count as large from 4 KiB on."""
    monkeypatch.setattr(planning, "LARGE_BYTES", 4096)


@pytest.fixture
def read(monkeypatch):
    """The paths that were really read, in order."""
    paths: list[str] = []
    original = inspecting.inspect_confined

    def noted(files, **options):
        paths.extend(file.path for file in files)
        original(files, **options)

    monkeypatch.setattr("registry.tasks.inspect_confined", noted)
    return paths


SHARDS = {
    "README.md": b"# A model\n",
    "config.json": b'{"model_type": "toy"}',
    "model-00001-of-00002.safetensors": shard(1, range(3)),
    "model-00002-of-00002.safetensors": shard(2, range(3, 5)),
}


def test_a_checkpoint_of_small_files_is_one_job(read):
    checkpoint = checkpoint_of(SHARDS)
    assert run_jobs("registry.validate") == ["succeeded"]
    assert sorted(read) == sorted(SHARDS)
    assert not Job.objects.filter(kind="registry.inspect").exists()
    assert Evidence.objects.get(checkpoint=checkpoint).kind == EvidenceKind.VALIDATION


def test_large_files_are_parts_of_their_own_and_are_joined_once(early, read, tmp_path):
    checkpoint = checkpoint_of(SHARDS)
    assert run_jobs("registry.validate") == ["divided"]
    whole = Job.objects.get(kind="registry.validate")
    assert list(whole.parts.order_by("pk").values_list("stage", "total")) == [
        ("2 small files", 31),
        ("model-00001-of-00002.safetensors", len(SHARDS["model-00001-of-00002.safetensors"])),
        ("model-00002-of-00002.safetensors", len(SHARDS["model-00002-of-00002.safetensors"])),
    ]
    assert not Evidence.objects.filter(checkpoint=checkpoint).exists()
    assert run_jobs("registry.inspect") == ["succeeded"] * 3
    assert run_jobs("registry.validate") == ["succeeded"]
    assert sorted(read) == sorted(SHARDS)
    made = Evidence.objects.get(checkpoint=checkpoint)
    for path, content in SHARDS.items():
        (tmp_path / path).write_bytes(content)
    alone = weights.inspect_folder(tmp_path).to_json()
    differing = {name for name in alone if alone[name] != made.report.get(name)}
    assert differing <= {"seconds"}, "divided or in one piece, the report is the same"


def test_content_that_was_read_before_is_never_read_again(early, read):
    variant = make_variant()
    make_commit(variant, SHARDS)
    for kind in ("registry.validate", "registry.inspect", "registry.validate"):
        run_jobs(kind)
    read.clear()
    second = make_commit(variant, SHARDS | {"README.md": b"# Another card\n"}).checkpoint
    assert run_jobs("registry.validate") == ["succeeded"]
    assert read == ["README.md"]
    start_evidence(checkpoint=second, kinds={EvidenceKind.VALIDATION}, again=True)
    assert run_jobs("registry.validate") == ["succeeded"]
    assert read == ["README.md"]
    assert Evidence.objects.filter(checkpoint=second).count() == 2


def test_bytes_that_changed_on_the_disk_end_the_whole_with_the_files_name(early):
    checkpoint = checkpoint_of(SHARDS)
    blob = checkpoint.files.get(path="model-00002-of-00002.safetensors").blob_id
    place = blob_store().path(blob)
    place.chmod(0o640)
    content = bytearray(place.read_bytes())
    content[-1] ^= 1
    place.write_bytes(content)
    try:
        run_jobs("registry.validate")
        run_jobs("registry.inspect")
    finally:
        content[-1] ^= 1
        place.write_bytes(content)
    whole = Job.objects.get(kind="registry.validate")
    assert (whole.state, whole.error_code) == ("failed", "registry.bytes_differ")
    assert "model-00002-of-00002.safetensors" in whole.error_message


def test_content_that_is_gone_is_told_by_name_and_tried_again():
    checkpoint = checkpoint_of({"README.md": b"# Soon gone\n"})
    place = blob_store().path(checkpoint.files.get().blob_id)
    kept = place.read_bytes()
    place.unlink()
    assert run_jobs("registry.validate") == ["put back"]
    job = Job.objects.get(kind="registry.validate")
    assert job.error_message == "README.md could not be read: No such file or directory."
    place.write_bytes(kept)
    Job.objects.update(run_after=job.created_at)
    assert run_jobs("registry.validate") == ["succeeded"]


def test_what_takes_too_much_to_read_is_a_finding_and_is_tried_again_when_asked(monkeypatch):
    deep = b'{"a": [' + b"[1.5, 2.5]," * 400_000 + b"0]}"
    checkpoint = checkpoint_of({"README.md": b"# Large\n", "tokens.json": deep, "z.txt": b"after it\n"})
    monkeypatch.setattr(planning, "MEMORY_BYTES", 80 << 20)
    assert run_jobs("registry.validate") == ["succeeded"]
    made = Evidence.objects.get(checkpoint=checkpoint)
    found = [(one["path"], one["severity"]) for one in made.report["findings"] if one["check"] == "FM-LIMITS"]
    assert (made.outcome, found) == (Outcome.FAIL, [("tokens.json", "block")])
    assert FileInspection.objects.filter(is_complete=True).count() == 2
    monkeypatch.undo()
    start_evidence(checkpoint=checkpoint, kinds={EvidenceKind.VALIDATION}, again=True)
    assert run_jobs("registry.validate") == ["succeeded"]
    again = Evidence.objects.filter(checkpoint=checkpoint).first()
    assert not [one for one in again.report["findings"] if one["check"] == "FM-LIMITS"]


def test_the_tensors_of_a_file_that_is_read_again_are_written():
    checkpoint = checkpoint_of({"model.safetensors": shard(1)})
    file = checkpoint.files.select_related("blob").get()
    whole = weights.inspect_file(blob_store().path(file.blob_id), file.path)
    for report, is_complete in ((replace(whole, tensors=[]), False), (whole, True)):
        storing.keep(file, report, is_complete=is_complete, at=timezone.now())
    row = FileInspection.objects.get()
    assert row.tensor_count == row.tensors.count() == len(whole.tensors) == 2


ODD = [
    b'{"architectures": ["A\\u0000B"], "\\u0000": 1}',
    b'{"model_type": "\\ud800", "x": "\\ud83d\\ude00"}',
    b'{"rope_theta": 1e400, "x": NaN}',
]


@pytest.mark.parametrize("config", ODD)
def test_text_that_the_database_cannot_hold_loses_no_job(config):
    checkpoint = checkpoint_of({"README.md": b"# Odd\n", "config.json": config, "tokenizer.json": config})
    assert run_jobs("registry.validate") == ["succeeded"]
    assert Evidence.objects.filter(checkpoint=checkpoint).exists()


def test_tensors_become_rows_without_their_fingerprints():
    tensors = {
        "model.layers.10.up.weight": np.full((96, 64), 0.5, np.float32),
        "model.layers.2.up.weight": np.eye(96, 64, dtype=np.float32),
    }
    checkpoint_of({"README.md": b"# T\n", "model.safetensors": save(tensors)})
    run_jobs("registry.validate")
    row = FileInspection.objects.get(path="model.safetensors")
    assert row.tensor_count == 2
    assert any(tensor.get("sample") for tensor in row.report["tensors"])
    second, tenth = Tensor.objects.all()
    assert (second.name, second.shape, second.low, second.high) == ("model.layers.2.up.weight", [96, 64], 0.0, 1.0)
    assert second.zero_share == pytest.approx(1 - 1 / 96)
    assert (tenth.low, tenth.zero_share, tenth.size_bytes, tenth.elements) == (0.5, 0.0, 24576, 6144)
    columns = {field.name for field in Tensor._meta.get_fields()}
    assert not columns & {"sample", "fingerprint", "digest"}


def test_tensors_of_an_inspection_from_before_there_were_rows_are_written_by_the_next_validation(read):
    checkpoint = checkpoint_of({"README.md": b"# T\n", "model.safetensors": shard(3)})
    run_jobs("registry.validate")
    Tensor.objects.all().delete()
    FileInspection.objects.update(tensor_count=None)
    read.clear()
    start_evidence(checkpoint=checkpoint, kinds={EvidenceKind.VALIDATION}, again=True)
    assert run_jobs("registry.validate") == ["succeeded"]
    assert (read, Tensor.objects.count()) == ([], 2)


def test_whoever_reads_the_same_content_second_changes_nothing():
    checkpoint = checkpoint_of({"model.safetensors": shard(4)})
    run_jobs("registry.validate")
    file, row = checkpoint.files.get(), FileInspection.objects.get()
    other = weights.FileReport.from_json(row.report)
    other.findings = []
    other.tensors = []
    storing.keep(file, other, is_complete=True, at=row.made_at)
    assert FileInspection.objects.get().report == row.report
    assert Tensor.objects.count() == 2


def test_storable_leaves_what_the_database_can_hold():
    value = {"a": "😀", "b": [1, 2.5, None, True], "c": {"é": "x"}}
    assert storing.storable(value) == value
    odd = {"\0": float("nan"), "x": ["\ud800", float("inf"), 1.0]}
    assert json.loads(json.dumps(storing.storable(odd))) == {"\u2400": None, "x": ["\ufffd", None, 1.0]}
