"""OpenVINO models: the data beside a graph is explained by it, as far as it reaches."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from weights import inspect_file, inspect_folder

DATA = np.random.default_rng(5).normal(size=1024).astype("<f4").tobytes()


def graph(offset: int = 0, size: int = 4096, root: str = '<net name="Model0" version="11">') -> str:
    return (
        f'<?xml version="1.0"?>\n{root}\n<layers><layer id="0" name="w" type="Const" version="opset1">'
        f'<data element_type="f32" shape="32, 32" offset="{offset}" size="{size}" /></layer>'
        '<layer id="1" name="y" type="Result" version="opset1"/></layers></net>\n'
    )


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [
        (graph(), DATA, [("OX-DATA", "openvino/openvino_model.bin")]),
        (graph(size=4097), DATA, [("OX-MISSING", "openvino/openvino_model.xml")]),
        (graph(), None, [("OX-MISSING", "openvino/openvino_model.xml")]),
        (graph(root="<other>"), DATA, [("FM-UNKNOWN", "openvino/openvino_model.bin")]),
        (graph(size=0), DATA, [("FM-UNKNOWN", "openvino/openvino_model.bin")]),
        (graph(), b"\x80\x02cos\nsystem\n(X\x02\x00\x00\x00idtR." + DATA, [("PK-EXEC", "openvino/openvino_model.bin")]),
    ],
    ids=["whole", "short", "missing", "no-graph", "no-data", "pickle"],
)
def test_data_of_a_graph(text: str, data: bytes | None, expected: list[tuple[str, str]], tmp_path: Path) -> None:
    folder = tmp_path / "openvino"
    folder.mkdir()
    (folder / "openvino_model.xml").write_text(text)
    if data is not None:
        (folder / "openvino_model.bin").write_bytes(data)
    found = {(finding.check, finding.path) for finding in inspect_folder(tmp_path).findings}
    assert set(expected) <= found
    assert ("OX-DATA", "openvino/openvino_model.bin") in expected or "OX-DATA" not in {check for check, _ in found}


def test_an_archive_at_the_end_of_the_data_is_seen(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("x.pkl", b"cos\nsystem\n(X\x02\x00\x00\x00idtR.")
    (tmp_path / "m.xml").write_text(graph())
    (tmp_path / "m.bin").write_bytes(DATA + stream.getvalue())
    assert inspect_folder(tmp_path).verdict == "block"


def test_white_space_alone_takes_no_time() -> None:
    content = b" " * 300_000
    started = time.process_time()
    inspect_file(lambda: io.BytesIO(content), "m.xml", len(content))
    assert time.process_time() - started < 5  # in the square of its length it took a minute
