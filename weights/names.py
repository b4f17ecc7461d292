"""Rules for a file's path inside a checkpoint.

Owns what a path may look like, for intake by upload, import and pull as much as for validation. Touches no disk: a path
is text here, posix and relative.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from weights.catalog.files import FS_COLLIDE, FS_GIT, FS_LONG, FS_NAME, FS_PORTABLE
from weights.findings import Finding

SEGMENT_LIMIT_BYTES = 255
PATH_LIMIT_BYTES = 1024

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_WINDOWS_FORBIDDEN = re.compile(r'[<>:"|?*]')
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:")


def invisible_character(text: str) -> str | None:
    """The first character of `text` that is invisible, a control or reverses the writing direction."""
    if text.isascii() and text.isprintable():
        return None
    return next((c for c in text if unicodedata.category(c) in _INVISIBLE), None)


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
    for segment in segments:
        if len(segment.encode()) > SEGMENT_LIMIT_BYTES:
            return FS_LONG.at(
                path, f"A segment is {len(segment.encode())} bytes long; {SEGMENT_LIMIT_BYTES} is the limit."
            )
        if _WINDOWS_DEVICE.fullmatch(segment) or _WINDOWS_FORBIDDEN.search(segment) or segment[-1] in ". ":
            return FS_PORTABLE.at(path, f"The segment {segment!r} is reserved or forbidden on Windows.")
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
    return None


def _is_git(segment: str) -> bool:
    folded = fold(segment).rstrip(". ")
    return folded in (".git", "git~1") or folded.startswith(".git:")
