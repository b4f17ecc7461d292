"""Arguments of pickle opcodes: read as `pickletools` reads them, or refused."""

from __future__ import annotations

import io
import pickletools
import struct
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weights.pickle_arguments import OPCODES, ArgumentError

KINDS = {opcode.arg.name: opcode for opcode in pickletools.opcodes if opcode.arg is not None}
LENGTHS = {"1": "<B", "4": "<I", "8": "<Q"}


@st.composite
def arguments(draw: st.DrawFn, name: str) -> bytes:
    """Bytes that are an argument of this form more often than chance has it."""
    body = draw(
        st.one_of(st.binary(max_size=20), st.text(max_size=12).map(lambda text: text.encode("utf-8", "replace")))
    )
    if name.endswith(("1", "4", "8")) and name not in ("uint1", "uint4", "uint8", "int4", "float8"):
        body = struct.pack(LENGTHS[name[-1]], len(body)) + body
    elif "nl" in name:
        number = draw(
            st.one_of(
                st.integers().map(str), st.floats().map(str), st.sampled_from(["00", "01", "'a'", "'\\x41'", "5L"])
            )
        )
        body = draw(st.sampled_from([body, number.encode()])) + b"\n" + (b"name\n" if name.endswith("pair") else b"")
    return body + draw(st.binary(max_size=4))


@pytest.mark.parametrize("name", sorted(KINDS))
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_arguments_are_read_alike_or_refused(name: str, data: st.DataObject) -> None:
    content = data.draw(arguments(name))
    if "noescape" in name:
        content = content.replace(b"\\", b"/")  # this decoder undoes escapes in names; no unpickler does
    reader = OPCODES[ord(KINDS[name].code)][1]
    assert reader is not None
    try:
        value, after = reader(content, 0)
    except (ArgumentError, ValueError):
        return
    stream = io.BytesIO(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = KINDS[name].arg.reader(stream)
    except ValueError:
        return  # the C reader takes names in UTF-8, which this decoder does not
    assert after == stream.tell()
    assert value == expected or (value != value and expected != expected)
    assert type(value) is type(expected) or {type(value), type(expected)} <= {bytes, bytearray}
