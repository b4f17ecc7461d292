"""Rules for a file's path inside a checkpoint.

Owns what a path may look like, for intake by upload, import and pull as much as for validation. Touches no disk: a path
is text here, posix and relative.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from weights.catalog.files import FS_COLLIDE, FS_CONFUSABLE, FS_GIT, FS_LONG, FS_NAME, FS_PORTABLE
from weights.findings import Finding

SEGMENT_LIMIT_BYTES = 255
PATH_LIMIT_BYTES = 1024

SEGMENTS_LIMIT = 64

# Controls, formats, half pairs, separators of lines, private and unassigned characters; and what draws nothing.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"})
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_WINDOWS_FORBIDDEN = re.compile(r'[<>:"|?*]')
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *([.:].*)?", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_MARKS = re.compile("M{5}")  # on one letter; no language writes so many
_DRIVE = re.compile(r"[A-Za-z]:")


def invisible_character(text: str) -> str | None:
    """The first character of `text` that is invisible, a control or reverses the writing direction."""
    if text.isascii() and text.isprintable():
        return None
    return next((c for c in text if unicodedata.category(c) in _INVISIBLE or c in _BLANK or _is_selector(c)), None)


def _is_selector(character: str) -> bool:
    """Whether it only chooses among forms of the character before it."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def is_encodable(text: str) -> bool:
    """Whether UTF-8 can hold `text`; half a surrogate pair it cannot."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def check_path(path: str) -> Finding | None:
    """What is wrong with `path` as the place of a file in a checkpoint, or None; the gravest reason comes first."""
    hidden = invisible_character(path)
    if hidden is not None:
        return FS_NAME.at(path, f"The path holds the invisible or control character U+{ord(hidden):04X}.")
    reason = _climbs(path)
    if reason is not None:
        return FS_NAME.at(path, reason)
    segments = path.split("/")
    if any(_is_git(segment) for segment in segments):
        return FS_GIT.at(path, "The path has a segment that is, or on some disks becomes, `.git`.")
    if len(path.encode()) > PATH_LIMIT_BYTES:
        return FS_LONG.at(path, f"The path is {len(path.encode())} bytes long; {PATH_LIMIT_BYTES} is the limit.")
    if len(segments) > SEGMENTS_LIMIT:
        return FS_LONG.at(path, f"The path is {len(segments)} folders deep; {SEGMENTS_LIMIT} is the limit.")
    for segment in segments:
        if len(segment.encode()) > SEGMENT_LIMIT_BYTES:
            return FS_LONG.at(
                path, f"A segment is {len(segment.encode())} bytes long; {SEGMENT_LIMIT_BYTES} is the limit."
            )
        if _WINDOWS_DEVICE.fullmatch(segment) or _WINDOWS_FORBIDDEN.search(segment) or segment[-1] in ". ":
            return FS_PORTABLE.at(path, f"The segment {segment!r} is reserved or forbidden on Windows.")
        if segment[0] in " -~":
            return FS_PORTABLE.at(path, f"The segment {segment!r} begins with a character that programs take for more.")
        if _is_confusable(segment):
            return FS_CONFUSABLE.at(path, f"The segment {segment!r} has letters that look like others.")
    return None


def check_paths(paths: Iterable[str]) -> list[Finding]:
    """What is wrong with each path by itself, then which of them are one and the same on some disks."""
    listed = sorted(paths)
    findings = [finding for path in dict.fromkeys(listed) if (finding := check_path(path)) is not None]
    return findings + check_collisions(listed)


def check_collisions(paths: Iterable[str]) -> list[Finding]:
    """Which paths come twice, or are one and the same on some disks, or are a file where another needs a folder."""
    listed = sorted(paths)
    findings = [
        FS_COLLIDE.at(path, f"{path!r} comes twice.") for path, following in pairwise(listed) if path == following
    ]
    seen: dict[str, tuple[str, bool]] = {}
    for path in dict.fromkeys(listed):
        collision = _collision(path, seen)
        if collision is not None:
            findings.append(collision)
    return findings


def fold(path: str) -> str:
    """The form in which two paths are equal if a case-insensitive or normalizing disk takes them for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _collision(path: str, seen: dict[str, tuple[str, bool]]) -> Finding | None:
    """Compare `path` and each folder above it with those `seen` (folded form to spelling and whether a file).

    Add them.
    """
    segments = path.split("/")
    for count in range(1, len(segments) + 1):
        spelling = "/".join(segments[:count])
        is_file = count == len(segments)
        other, other_is_file = seen.setdefault(fold(spelling), (spelling, is_file))
        if other != spelling:
            return FS_COLLIDE.at(path, f"{spelling!r} and {other!r} are the same path on some disks.")
        if is_file != other_is_file:
            return FS_COLLIDE.at(path, f"{spelling!r} is a file and also a folder.")
    return None


def _climbs(path: str) -> str | None:
    if not path:
        return "The path is empty."
    if path.startswith("/") or _DRIVE.match(path):
        return "The path is absolute."
    if "\\" in path:
        return "The path holds a backslash, which is a separator on some systems."
    for segment in path.split("/"):
        if segment in ("", ".", ".."):
            return f"The path has the segment {segment!r}."
        plain = segment if segment.isascii() else unicodedata.normalize("NFKC", segment)
        if plain in (".", "..") or "/" in plain or "\\" in plain:
            return f"The segment {segment!r} becomes {plain!r} where letters are made plain."
    return None


def _is_confusable(segment: str) -> bool:
    """Whether a word mixes scripts whose letters look alike, or has spaces, marks or wider forms that mislead."""
    if segment.isascii():
        return False
    if any(character != " " and unicodedata.category(character) == "Zs" for character in segment):
        return True
    if _MARKS.search("".join("M" if unicodedata.combining(character) else "-" for character in segment)):
        return True
    for word in _WORD.findall(segment):
        scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in word}
        if len(scripts & {"LATIN", "CYRILLIC", "GREEK", "CHEROKEE", "ARMENIAN"}) > 1:
            return True
        if scripts & {"FULLWIDTH", "MATHEMATICAL"}:
            return True
    return False


def _is_git(segment: str) -> bool:
    folded = fold(segment).rstrip(". ")
    return folded in (".git", "git~1", ".gitmodules") or folded.startswith(".git:")
