"""Pickles of every protocol, followed and never run."""

from __future__ import annotations

import collections
import io
import os
import pickle
import pickletools
import struct
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.unit.weights.makers import checks
from weights import FileReport, pickle_file, pickle_values, pickle_walk
from weights.pickle_file import check_pickles
from weights.pickle_walk import looks_like_pickle, walk_pickle

Inspect = Callable[..., FileReport]


class Calls:
    """Pickles to a call of any function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> Any:
        return self.reduced


STATE = {
    "array": np.arange(6.0).reshape(2, 3),
    "ordered": collections.OrderedDict(a=1, b=[1, 2.5, None, True]),
    "set": {1, 2},
    "frozen": frozenset([3]),
    "bytes": b"\x00\x01" * 10,
    "mutable": bytearray(b"ab"),
    "tuples": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), tuple(range(20))),
    "large": 1 << 200,
    "text": "é" * 300,
    "scalar": np.float32(3),
    "complex": 1j,
    "again": ["x"] * 3,
}


@pytest.mark.parametrize("protocol", range(6))
def test_ordinary_state_is_followed_to_its_end(protocol: int) -> None:
    content = pickle.dumps(STATE, protocol)
    walk = walk_pickle(content, "x.pkl")
    assert (walk.findings, walk.end, walk.is_complete) == ([], len(content), True)
    assert walk_pickle(pickletools.optimize(content), "x.pkl").findings == []


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "target", [os.system, eval, exec, getattr, __import__, pickle.loads, np.load, io.open, print, sys.exit]
)
def test_every_other_function_is_blocked(protocol: int, target: Any) -> None:
    walk = walk_pickle(pickle.dumps({"a": [Calls(target, "id")]}, protocol), "x.pkl")
    assert {finding.check for finding in walk.findings} == {"PK-EXEC"}
    assert walk.is_complete


EVIL = b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R."
ASSEMBLED: list[tuple[str, bytes]] = [
    ("PK-NESTED", b"\x80\x02U" + bytes([len(EVIL)]) + EVIL + b"."),
    ("PK-NESTED", b"(S'cos\\nsystem\\n(S\"id\"\\ntR.'\nl."),
    ("PK-COST", b"\x80\x02}r\xff\xff\xff\xff."),
    ("PK-BROKEN", b"\x80\x05\x97."),
    ("PK-BROKEN", b"\x80\x05K\x01\x98."),
    ("PK-EXEC", b"cos\nsystem\n."),
    ("PK-EXEC", b"(S'id'\nios\nsystem\n."),
    ("PK-EXEC", b"(cos\nsystem\nS'id'\no."),
    ("PK-EXEC", b"(o."),
    ("PK-EXEC", b"\x80\x02cbuiltins\neval\n)\x81."),
    ("PK-EXEC", b"\x80\x04cbuiltins\neval\n)}\x92."),
    ("PK-EXEC", b"\x80\x04\x8c\x02os\x8c\x06system\x93."),
    ("PK-EXEC", b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93."),
    ("PK-EXEC", b"\x80\x04\x8c\x05torch\x8c\x0eTensor.__len__\x93."),
    ("PK-EXEC", b"\x80\x04N\x8c\x06system\x93."),
    ("PK-EXEC", b"\x80\x04\x8c\x02osN\x93."),
    ("PK-EXEC", b"\x80\x02])R."),
    ("PK-EXEC", b"\x80\x02\x82\x01."),
    ("PK-EXEC", b"\x80\x02\x83\x01\x00."),
    ("PK-EXEC", b"\x80\x02\x84\x01\x00\x00\x00."),
    ("PK-EXEC", b"ccollections\nOrderedDict\n}b."),
    ("PK-EXEC", b"]}b."),
    ("PK-EXEC", b"Pid\n."),
    ("PK-EXEC", b"\x80\x02K\x01Q."),
    ("PK-EXEC", b"\x80\x02(X\x07\x00\x00\x00storageX\x01\x00\x00\x00aK\x01tQ."),
    ("PK-EXEC", b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x05\x00\x00\x00rot13tR."),
    ("PK-EXEC", b"c_codecs\nencode\n]R."),
    ("PK-BROKEN", b""),
    ("PK-BROKEN", b"\x80\x02"),
    ("PK-BROKEN", b"\x80\x02\xff."),
    ("PK-BROKEN", b"."),
    ("PK-BROKEN", b"0N."),
    ("PK-BROKEN", b"(."),
    ("PK-BROKEN", b"1N."),
    ("PK-BROKEN", b"Nt."),
    ("PK-BROKEN", b"h\x05."),
    ("PK-BROKEN", b"q\x00N."),
    ("PK-BROKEN", b"2."),
    ("PK-BROKEN", b"Na."),
    ("PK-BROKEN", b"NNs."),
    ("PK-BROKEN", b"(Ne."),
    ("PK-BROKEN", b"R."),
    ("PK-BROKEN", b"(NR."),
    ("PK-BROKEN", b"Nb."),
    ("PK-BROKEN", b"\x80\x04\x8e" + b"\xff" * 8 + b"."),
    ("PK-BROKEN", b"\x8b\xff\xff\xff\x7f."),
    ("PK-BROKEN", b"I" + b"9" * 5000 + b"\n."),
    ("PK-BROKEN", b"S'unquoted\n."),
    ("PK-FRAME", b"\x80\x04\x95\x02" + bytes(7) + b"\x8c\x01a."),
    ("PK-FRAME", b"\x80\x04\x95\x0b" + bytes(7) + b"\x95\x02" + bytes(7) + b"N."),
    ("PK-FRAME", b"\x80\x04\x95\xff" + bytes(7) + b"N."),
    ("PK-NESTED", b"\x80\x03C\x04\x80\x02].."),
    ("PK-NESTED", b"\x80\x03C\x0f" + b"cos\nsystem\n)R." + b"."),
]


@pytest.mark.parametrize(("expected", "content"), ASSEMBLED)
def test_what_no_saver_writes_is_blocked(expected: str, content: bytes) -> None:
    assert expected in {finding.check for finding in walk_pickle(content, "x.pkl").findings}


def test_pop_and_marks_are_followed() -> None:
    assert walk_pickle(b"(NN1NN0(NN0Ntl(K\x01d(N\x91(lp0\ng0\n2aN.", "x").findings[0].check == "PK-BROKEN"
    assert walk_pickle(b"(NN1NN02\x85\x86\x87." + b"", "x").findings[0].check == "PK-BROKEN"
    assert walk_pickle(b"(NN1N2(NN(Nl0t\x85.", "x").findings == []


def test_names_of_calls_follow_the_memo() -> None:
    content = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x85R."
    walk = walk_pickle(content, "x")
    assert walk.names == ["os.system"]
    assert walk.findings[0].evidence == "os.system"
    assert walk.findings[0].offset == content.index(b"\x93")


def test_nesting_is_bounded() -> None:
    content = b"\x80\x04N."
    for _ in range(6):
        content = b"\x80\x04B" + struct.pack("<I", len(content)) + content + b"."
    found = [finding.check for finding in walk_pickle(content, "x").findings]
    assert found == ["PK-NESTED"] * 4


def test_bytes_that_only_begin_like_a_pickle_are_data() -> None:
    assert walk_pickle(pickle.dumps(b"\x80\xff\x00\x01", 4), "x").findings == []


def test_findings_are_bounded() -> None:
    walk = walk_pickle(b"cos\nsystem\n0" * 500 + b"N.", "x")
    assert len(walk.findings) == pickle_walk.FINDING_LIMIT


def test_cost_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_values, "OPCODE_LIMIT", 10)
    assert checks(walk_pickle(b"N0" * 50 + b"N.", "x")) == ["PK-COST"]
    monkeypatch.setattr(pickle_values, "OPCODE_LIMIT", 1000)
    monkeypatch.setattr(pickle_walk, "STACK_LIMIT", 10)
    assert checks(walk_pickle(b"N" * 50 + b".", "x")) == ["PK-COST"]


@pytest.mark.parametrize(
    "text", [b"cat\ndog\n(the end)", b"(see below)", b"import os", b"I am text\n", b"Notes.", b"", b"\x81", b"[1, 2]"]
)
def test_text_does_not_look_like_a_pickle(text: bytes) -> None:
    assert not looks_like_pickle(text)


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_that_call_look_like_pickles(protocol: int) -> None:
    assert looks_like_pickle(pickle.dumps(Calls(os.system, "id"), protocol))


def legacy(storages: bytes = struct.pack("<q", 3) + bytes(12), announced: int = 3) -> bytes:
    """A file in PyTorch's older format: five pickles, then the storages."""
    identity = ("storage", collections.OrderedDict, "7", "cpu", announced, None)

    class Saver(pickle.Pickler):
        def persistent_id(self, obj: Any) -> Any:
            return identity if isinstance(obj, np.ndarray) else None

    stream = io.BytesIO()
    for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        pickle.dump(value, stream, 2)
    Saver(stream, 2).dump({"w": np.zeros(1)})
    pickle.dump(["7"], stream, 2)
    return stream.getvalue().replace(b"ccollections\nOrderedDict\n", b"ctorch\nFloatStorage\n") + storages


def test_legacy_format_is_accounted_for_to_the_last_byte(inspect: Inspect) -> None:
    assert checks(inspect(legacy(), "pytorch_model.bin")) == ["PK-FORMAT"]
    assert checks(inspect(legacy() + b"\xff", "pytorch_model.bin")) == ["PK-FORMAT", "PK-STREAM"]
    assert checks(inspect(legacy(announced=4), "pytorch_model.bin")) == ["PK-FORMAT", "PK-STREAM"]


def test_every_pickle_of_a_file_is_walked(inspect: Inspect) -> None:
    content = pickle.dumps([1], 2) + pickle.dumps(Calls(os.system, "id"), 2)
    assert checks(inspect(content, "x.pkl")) == ["PK-FORMAT", "PK-EXEC"]


def test_a_broken_tail_does_not_excuse_what_ran_before(inspect: Inspect) -> None:
    content = pickle.dumps(Calls(os.system, "id"), 2)[:-1] + b"\xff\xff"
    assert checks(inspect(content, "x.pkl")) == ["PK-FORMAT", "PK-EXEC", "PK-BROKEN"]
    assert checks(inspect(pickle.dumps(1, 2) + content, "x.pkl")) == ["PK-FORMAT", "PK-EXEC", "PK-BROKEN"]


def test_pickles_beyond_the_limits_are_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [finding.check for finding in check_pickles(pickle.dumps(1) * 70, 70 * len(pickle.dumps(1)), "x")] == [
        "PK-COST"
    ]
    monkeypatch.setattr(pickle_file, "PICKLE_LIMIT_BYTES", 4)
    assert [finding.check for finding in check_pickles(b"N.N.", 100, "x")] == ["PK-COST"]


@pytest.mark.parametrize(
    "path", ["README.md", "tokenizer.model", "a/.hidden", "vocab.txt", "model.safetensors", "noname"]
)
@pytest.mark.parametrize("protocol", [0, 4])
def test_a_pickle_under_any_name_is_found(inspect: Inspect, path: str, protocol: int) -> None:
    found = checks(inspect(pickle.dumps(Calls(os.system, "id"), protocol), path))
    assert {"PK-FORMAT", "PK-HIDDEN", "PK-EXEC"} <= set(found)
