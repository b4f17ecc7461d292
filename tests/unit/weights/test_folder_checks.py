"""What can be wrong between files: index and shards, code references, things that are no files."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.unit.weights.makers import bf16, checks, safetensors_bytes
from weights import folder, inspect_folder

INDEX = "model.safetensors.index.json"
FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


def edit(place: Path, **changes: Any) -> None:
    content = json.loads(place.read_text())
    place.write_text(json.dumps(content | changes))


def remap(release: Path, **changes: str | None) -> None:
    content = json.loads((release / INDEX).read_text())
    content["weight_map"] |= changes
    content["weight_map"] = {name: shard for name, shard in content["weight_map"].items() if shard is not None}
    (release / INDEX).write_text(json.dumps(content))


def test_missing_shard(release: Path) -> None:
    (release / SECOND).unlink()
    assert checks(inspect_folder(release)) == ["IX-COUNT", "IX-MISSING"]


def test_shards_without_index(release: Path) -> None:
    (release / INDEX).unlink()
    assert checks(inspect_folder(release)) == ["IX-ABSENT", "IX-ABSENT"]


def test_index_lists_a_tensor_that_is_nowhere(release: Path) -> None:
    remap(release, ghost=FIRST)
    report = inspect_folder(release)
    assert [(finding.check, finding.tensor) for finding in report.findings] == [("IX-MAP", "ghost")]


def test_index_leaves_a_tensor_out(release: Path) -> None:
    remap(release, **{"model.embed_tokens.weight": None})
    report = inspect_folder(release)
    assert [(finding.check, finding.path) for finding in report.findings] == [("IX-MAP", FIRST)]


def test_index_puts_a_tensor_into_another_shard(release: Path) -> None:
    remap(release, **{"model.embed_tokens.weight": SECOND})
    assert checks(inspect_folder(release)) == ["IX-MAP"]


def test_tensor_in_two_shards(release: Path) -> None:
    tensors = {
        "model.embed_tokens.weight": bf16(100, 32, seed=9),
        "model.layers.1.mlp.up_proj.weight": bf16(64, 32, seed=1),
        "model.layers.1.input_layernorm.weight": ("BF16", [32], b"\x80\x3f" * 32),
    }
    (release / SECOND).write_bytes(safetensors_bytes(tensors))
    assert checks(inspect_folder(release)) == ["IX-DUP", "IX-SIZE"]


def test_stray_weight_file(release: Path) -> None:
    (release / "model.safetensors").write_bytes(safetensors_bytes({"w": bf16(8, 8)}))
    assert checks(inspect_folder(release)) == ["IX-STRAY"]


def test_weight_files_of_another_folder_are_no_strays(release: Path) -> None:
    (release / "vae").mkdir()
    (release / "vae" / "model.safetensors").write_bytes(safetensors_bytes({"w": bf16(8, 8)}))
    assert checks(inspect_folder(release)) == []


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [({"total_size": 5}, ["IX-SIZE"]), ({}, []), (None, []), ({"total_size": "5"}, []), ({"total_size": True}, [])],
)
def test_total_size(release: Path, metadata: Any, expected: list[str]) -> None:
    edit(release / INDEX, metadata=metadata)
    assert checks(inspect_folder(release)) == expected


def test_total_size_may_be_a_float(release: Path) -> None:
    stated = json.loads((release / INDEX).read_text())["metadata"]["total_size"]
    edit(release / INDEX, metadata={"total_size": float(stated)})
    assert checks(inspect_folder(release)) == []


@pytest.mark.parametrize("name", ["../x.safetensors", "/x", "a/b", "a\\b", "..", ""])
def test_index_that_points_elsewhere(release: Path, name: str) -> None:
    remap(release, **{"model.embed_tokens.weight": name})
    assert checks(inspect_folder(release)) == ["IX-PATH"]


@pytest.mark.parametrize("content", ["[]", "{}", '{"weight_map": []}', '{"weight_map": {"a": 1}}'])
def test_index_that_is_none(release: Path, content: str) -> None:
    (release / INDEX).write_text(content)
    assert checks(inspect_folder(release)) == ["IX-ABSENT", "IX-ABSENT", "IX-FORM"]


def test_index_for_files_that_hold_no_readable_tensors(release: Path) -> None:
    (release / FIRST).write_bytes(b"\x80\x02]q\x00.")
    assert checks(inspect_folder(release)) == ["FM-MISNAMED", "PK-HIDDEN", "PK-FORMAT"]


def test_shard_with_a_broken_header_is_not_compared(release: Path) -> None:
    (release / FIRST).write_bytes((release / FIRST).read_bytes() + b"x")
    assert checks(inspect_folder(release)) == ["ST-TRAILING", "IX-SIZE"]


def test_two_totals_in_the_names(release: Path) -> None:
    (release / "model-00003-of-00003.safetensors").write_bytes(safetensors_bytes({"w": bf16(8, 8)}))
    assert checks(inspect_folder(release)) == ["IX-COUNT", "IX-COUNT", "IX-ABSENT"]


def test_shards_may_be_counted_from_zero(tmp_path: Path) -> None:
    names = [f"shard-{number}-of-2.safetensors" for number in range(2)]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(safetensors_bytes({f"w{number}": bf16(8, 8, seed=number)}))
    weight_map = {f"w{number}": name for number, name in enumerate(names)}
    (tmp_path / "m.safetensors.index.fp16.json").write_text(json.dumps({"weight_map": weight_map}))
    assert checks(inspect_folder(tmp_path)) == []


def test_auto_map_of_the_checkpoint(release: Path) -> None:
    edit(release / "config.json", auto_map={"AutoModel": "modeling_x.X", "AutoConfig": ["configuration_x.C", None]})
    (release / "modeling_x.py").write_text("class X: ...\n")
    (release / "configuration_x.py").write_text("class C: ...\n")
    assert checks(inspect_folder(release)) == ["CC-AUTOMAP", "CC-CODE", "CC-CODE"]


def test_auto_map_of_code_that_is_not_there(release: Path) -> None:
    edit(release / "config.json", vision={"deep": [{"auto_map": {"AutoModel": "modeling_x.X"}}]})
    assert checks(inspect_folder(release)) == ["CC-MISSING", "CC-AUTOMAP"]


def test_auto_map_of_another_repository(release: Path) -> None:
    edit(release / "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil/repo--tokenization.T", None]})
    assert checks(inspect_folder(release)) == ["CC-REMOTE"]


@pytest.mark.parametrize(
    ("expected", "name", "content"),
    [
        (["CC-TRUST"], "config.json", {"text_config": {"trust_remote_code": True}}),
        ([], "config.json", {"trust_remote_code": False, "attn_implementation": "sdpa"}),
        (["CC-KERNEL"], "config.json", {"attn_implementation": "kernels-community/flash-attn"}),
        (["CC-KERNEL"], "config.json", {"vision": {"_attn_implementation": {"": "evil/kernel"}}}),
        (["CC-KERNEL"], "config.json", {"_attn_implementation_internal": "x"}),
        (["CC-MODULE"], "model_index.json", {"unet": ["evil", "Unet"], "vae": ["diffusers", "Vae"], "x": [None, None]}),
        (["CC-MODULE"], "modules.json", [{"type": "evil.models.T"}, {"type": "sentence_transformers.models.T"}, 1]),
        (["CC-MODULE"], "adapter_config.json", {"auto_mapping": {"parent_library": "evil.models"}}),
        ([], "adapter_config.json", {"auto_mapping": None}),
        ([], "other.json", [{"type": "evil.models.T"}]),
    ],
)
def test_other_ways_to_have_code_loaded(tmp_path: Path, expected: list[str], name: str, content: Any) -> None:
    (tmp_path / name).write_text(json.dumps(content))
    assert checks(inspect_folder(tmp_path)) == expected


def test_links_are_not_followed(release: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (release / "out.txt").symlink_to(tmp_path / "secret")
    (release / "in.txt").symlink_to("README.md")
    (release / "dir").symlink_to(tmp_path)
    report = inspect_folder(release)
    assert [(finding.check, finding.path) for finding in report.findings] == [
        ("FS-LINK", "dir"),
        ("FS-LINK", "in.txt"),
        ("FS-LINK", "out.txt"),
    ]
    assert "inside" in report.findings[1].message
    assert "outside" in report.findings[2].message
    assert "out.txt" not in {entry.path for entry in report.manifest}


def test_pipes_and_sockets_are_not_opened(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(release / "pipe")
    monkeypatch.chdir(release)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("sock")
    assert checks(inspect_folder(release)) == ["FS-SPECIAL", "FS-SPECIAL"]


def test_hard_links_are_told_by_where_the_other_name_is(release: Path, tmp_path: Path) -> None:
    os.link(release / "README.md", release / "COPY.md")
    assert checks(inspect_folder(release)) == ["FS-TWIN"]
    os.link(release / "README.md", tmp_path / "other")
    report = inspect_folder(release)
    assert [finding.path for finding in report.findings if finding.check == "FS-HARDLINK"] == ["COPY.md", "README.md"]
    assert report.verdict == "block"


def test_a_git_folder_is_not_entered(release: Path) -> None:
    (release / ".git").mkdir()
    (release / ".git" / "config").write_text("[remote]")
    report = inspect_folder(release)
    assert checks(report) == ["FS-GIT"]
    assert not any(entry.path.startswith(".git/") for entry in report.manifest)


def test_a_name_that_is_no_text(release: Path) -> None:
    (Path(os.fsdecode(os.fsencode(release) + b"/\xff.txt"))).write_text("x")
    assert checks(inspect_folder(release)) == ["FS-NAME"]


def test_colliding_names(release: Path) -> None:
    (release / "readme.md").write_text("x")
    assert checks(inspect_folder(release)) == ["FS-COLLIDE"]


def test_the_number_of_files_is_bounded(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "FILES_LIMIT", 3)
    report = inspect_folder(release)
    assert checks(report) == ["FS-COUNT"]


def test_progress_tells_bytes_and_files(release: Path) -> None:
    seen: list[tuple[str, int, int, int]] = []
    report = inspect_folder(release, progress=lambda *step: seen.append(step))
    assert max(done for _, done, _, _ in seen) == report.bytes
    assert {total for _, _, total, _ in seen} == {report.bytes}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        inspect_folder(tmp_path / "nowhere")
