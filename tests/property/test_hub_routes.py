"""How the protocol's addresses, ranges and revisions are read, whatever is sent."""

from __future__ import annotations

from urllib.parse import quote, unquote

from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ascii_text
from hub.ranges import OutsideFile, part_of
from hub.routes import ROUTER
from hub.routing import raw_path, segments_of

ENCODED = st.sampled_from(
    [
        *("%2e", "%2E%2e", "%2f", "%252f", "%25", "%00", "%0d%0a", "%ff", "%c0%af", "%e6%a8%a1", "%5c"),
        *("..", ".", "", "//", "\\", "main", "HEAD", "refs%2Fpr%2F1", "main@", "größe", "RESOLVE", "resolve"),
        *("a b", "?x=1", "#y", ";v=1"),
    ]
)
PATHS = st.lists(ENCODED | st.text(max_size=5), max_size=8).map(lambda pieces: "/" + "/".join(pieces))


@given(path=PATHS)
def test_segments_are_decoded_once_and_hold_no_control_characters(path: str) -> None:
    segments = segments_of(path)
    if segments is None:
        return
    raw = path.removeprefix("/").split("/")
    assert segments == [unquote(piece, errors="strict") for piece in raw]
    assert not any(character < " " or character == "\x7f" for segment in segments for character in segment)


@given(path=PATHS, method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "get", "PATCH", ""]))
def test_a_route_is_found_by_exact_words_and_parts_are_whole_segments(path: str, method: str) -> None:
    segments = segments_of(path)
    match = ROUTER.find(method, segments) if segments else None
    if match is None or match.view is None:
        return
    assert method in {"GET", "HEAD", "POST", "PUT", "DELETE"}
    for name, part in match.parts.items():
        assert part in segments or name == "path" or f"{part}.git" in segments


@given(
    sent=st.one_of(PATHS, PATHS.map(lambda path: f"http://elsewhere{path}"), st.text(max_size=20)),
    prefix=st.sampled_from(["", "/hub"]),
)
def test_the_path_that_was_sent_begins_with_a_slash_and_has_no_query(sent: str, prefix: str) -> None:
    path = raw_path({"RAW_URI": sent, "SCRIPT_NAME": prefix, "PATH_INFO": "/"})
    assert "?" not in path and "#" not in path
    assert not path or path.startswith("/") or prefix


RANGES = st.one_of(
    st.text(max_size=20),
    st.from_regex(r"\A(bytes|BYTES|items)=[ \t]*-?\d{0,25}-\d{0,25}(,\d{0,5}-\d{0,5})*\Z"),
    st.sampled_from(["bytes=-0", "bytes=--1", "bytes=0-0,2-3", "bytes=" + "9" * 30 + "-", "bytes=٣-٤", "bytes=1_0-2"]),
)


@given(header=RANGES, size=st.integers(0, 1 << 50))
def test_a_range_lies_inside_the_file_or_is_refused(header: str, size: int) -> None:
    try:
        part, is_range = part_of(header, size)
    except OutsideFile:
        return
    assert part.first >= 0 and part.last < size and part.first <= part.last + 1
    assert is_range or part.is_whole
    assert not is_range or header.strip().lower().startswith("bytes=")


@given(text=st.text(max_size=700))
def test_no_text_breaks_out_of_a_header(text: str) -> None:
    plain = ascii_text(text)
    assert plain.isascii() and plain.isprintable() and len(plain) <= 600
    assert quote(text, safe="", errors="replace").isascii()
