"""The body of a commit is read the same however it is cut into blocks, and never trusted."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ndjson import LINE_LIMIT_BYTES, BadLines, read_lines


def body(*lines: dict) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def blocks(whole: bytes, size: int):
    return (whole[at : at + size] for at in range(0, len(whole), size))


def keep(arriving) -> bytes:
    return b"".join(arriving)


HEADER = {"key": "header", "value": {"summary": 'say "content": "x"', "description": ""}}


@given(contents=st.lists(st.binary(max_size=200), max_size=5), size=st.integers(1, 80))
def test_contents_come_back_whatever_the_blocks(contents: list[bytes], size: int) -> None:
    files = [
        {
            "key": "file",
            "value": {"content": base64.b64encode(content).decode(), "path": f'"{number}\\', "encoding": "base64"},
        }
        for number, content in enumerate(contents)
    ]
    lines = list(read_lines(blocks(body(HEADER, *files), size), keep))
    assert lines[0].value == HEADER["value"] and lines[0].kept is None
    assert [line.kept for line in lines[1:]] == contents
    assert [line.value["path"] for line in lines[1:]] == [file["value"]["path"] for file in files]


@given(size=st.integers(1, 40))
def test_the_order_of_keys_and_escaped_slashes_do_not_matter(size: int) -> None:
    text = b'{"value": {"path": "a", "encoding": "base64", "content" : "Pz8\\/Pz8\\/"}, "key": "file"}'
    (line,) = read_lines(blocks(text, size), keep)
    assert line.key == "file" and line.kept == b"??????"


def test_the_last_line_needs_no_end_and_empty_ones_are_passed_over() -> None:
    lines = list(read_lines([b'\n\n{"key":"a","value":{}}\n  \n{"key":"b","value":{}}'], keep))
    assert [line.key for line in lines] == ["a", "b"]


@pytest.mark.parametrize(
    "text",
    [
        b"not json\n",
        b'["key", "value"]\n',
        b'{"key": 1, "value": {}}\n',
        b'{"key": "a", "value": []}\n',
        b'{"key": "file", "value": {"content": "A',
        b'{"key": "file", "value": {"content": "A"}}\n',
        b'{"key": "file", "value": {"content": "\xff\xfe=="}}\n',
        b'{"key": "file", "value": {"content": "AAAA", "content": "AAAA"}}extra\n',
        b"[" * 100_000,
        b"\xff\n",
    ],
)
def test_what_is_no_commit_is_refused(text: bytes) -> None:
    with pytest.raises(BadLines):
        list(read_lines(blocks(text, 1000), keep))


def test_a_long_line_without_content_is_refused_before_it_fills_memory() -> None:
    def endless():
        while True:
            taken.append(1)
            yield b"a" * 65536

    taken: list[int] = []
    with pytest.raises(BadLines, match="too long"):
        list(read_lines(endless(), keep))
    assert len(taken) <= LINE_LIMIT_BYTES // 65536 + 2


def test_content_is_handed_on_while_it_arrives() -> None:
    """A gigabyte of content may not wait in memory for its end."""
    state = {"largest": 0, "total": 0}

    def long():
        yield b'{"key":"file","value":{"content":"'
        for _ in range(400):
            yield b"QUFB" * 16384
        yield b'","path":"a"}}\n'

    def measure(arriving) -> int:
        for block in arriving:
            state["largest"] = max(state["largest"], len(block))
            state["total"] += len(block)
        return state["total"]

    (line,) = read_lines(long(), measure)
    assert line.kept == 400 * 3 * 16384
    assert state["largest"] <= 65536
