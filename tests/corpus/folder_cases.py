"""Names, links, special files and numbers of files that harm whoever checks a folder out."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.corpus.cases import Case, case

_NAMES = [
    ("bidi", "a name that runs backward", "FS-NAME", "model\u202esrotnesefas.txt"),
    ("zero-width", "a name with an invisible character", "FS-NAME", "config\u200b.txt"),
    ("control", "a line feed in a name", "FS-NAME", "a\nb.txt"),
    ("escape", "a terminal's escape sequence in a name", "FS-NAME", "a\x1b[2J.txt"),
    ("delete", "the character DEL in a name", "FS-NAME", "a\x7f.txt"),
    ("soft-hyphen", "a soft hyphen in a name", "FS-NAME", "con\u00adfig.txt"),
    ("hangul-filler", "a letter that shows nothing", "FS-NAME", "a\u3164.txt"),
    ("variation", "a variation selector in a name", "FS-NAME", "a\ufe0f.txt"),
    ("tag", "invisible tags in a name", "FS-NAME", "a\U000e0041.txt"),
    ("private", "a character of private use", "FS-NAME", "a\ue000.txt"),
    ("unassigned", "a character that is none yet", "FS-NAME", "a\U000e0fff.txt"),
    ("backslash", "a backslash in a name", "FS-NAME", "..\\..\\x.txt"),
    ("drive", "a drive in a name", "FS-NAME FS-PORTABLE", "C:x.txt"),
    ("reserved", "a device of Windows", "FS-PORTABLE", "CON"),
    ("reserved-suffix", "a device of Windows with an extension", "FS-PORTABLE", "nul.txt"),
    ("reserved-port", "a port of Windows", "FS-PORTABLE", "COM1.json"),
    ("reserved-space", "a device of Windows and a space", "FS-PORTABLE", "aux .txt"),
    ("stream", "an alternate stream of Windows", "FS-PORTABLE", "a.txt:stream"),
    ("question", "a question mark in a name", "FS-PORTABLE", "a?.txt"),
    ("trailing-dot", "a dot at the end", "FS-PORTABLE", "config.json."),
    ("trailing-space", "a space at the end", "FS-PORTABLE", "config.json "),
    ("leading-space", "a space at the beginning", "FS-PORTABLE FS-NAME", " config.txt"),
    ("folder-dot", "a folder that ends in a dot", "FS-PORTABLE", "x./a.txt"),
    ("long", "a name of 255 bytes and more", "FS-LONG", None),
    ("long-path", "a path of more than 1024 bytes", "FS-LONG", "/".join(["d" * 200] * 6) + "/a.txt"),
    ("git", "a file in Git's folder", "FS-GIT", ".git/config"),
    ("git-case", "Git's folder in upper case", "FS-GIT", ".GIT/hooks/post-checkout"),
    ("git-short", "Git's folder by its short name", "FS-GIT", "git~1/config"),
    ("git-nested", "Git's folder further down", "FS-GIT", "sub/.git/config"),
    ("git-ntfs", "Git's folder with a stream", "FS-GIT FS-PORTABLE", ".git::$INDEX_ALLOCATION/config"),
    ("git-invisible", "Git's folder with an invisible letter", "FS-NAME", ".g\u200cit/config"),
    ("gitmodules", "other repositories by name", "FS-GIT", ".gitmodules"),
    ("mixed-script", "a name with look-alike letters", "FS-CONFUSABLE", "сonfig.txt"),
    ("full-width", "a name with full-width letters", "FS-CONFUSABLE", "ｃonfig.txt"),
    ("dash", "a name that programs take for an option", "FS-PORTABLE FS-NAME", "-rf"),
    ("tilde", "a name that shells take for a home", "FS-PORTABLE FS-NAME", "~root"),
]  # fmt: skip


def pairs(*paths: str) -> Callable[[Path], None]:
    """Files that some disks take for one."""

    def make(root: Path) -> None:
        for path in paths:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text("x\n")

    return make


def link(name: str, target: str) -> Callable[[Path], None]:
    return lambda root: (root / name).symlink_to(target)


def not_utf_8(root: Path) -> None:
    Path(os.fsdecode(os.fsencode(root) + b"/a\xff.txt")).write_text("x")


def folder_not_utf_8(root: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(root) + b"/a\xff"))
    folder.mkdir()
    (folder / "x.txt").write_text("x")


def fifo(root: Path) -> None:
    os.mkfifo(root / "model-00002.safetensors")


def bound_socket(root: Path) -> None:
    """A socket's name; addresses of sockets are short, so it is made from inside the folder."""
    here = Path.cwd()
    os.chdir(root)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("s.txt")
    finally:
        os.chdir(here)


def hard_link(root: Path) -> None:
    os.link(root / "model.safetensors", root.parent / f"{root.name}-elsewhere.safetensors")


def twin(root: Path) -> None:
    os.link(root / "README.md", root / "COPY.md")


def linked_folder(root: Path) -> None:
    (root / "sub").symlink_to("/etc", target_is_directory=True)


def loop(root: Path) -> None:
    (root / "a").mkdir()
    (root / "a" / "b").symlink_to("..", target_is_directory=True)


def deep(root: Path) -> None:
    place = root
    for _ in range(300):
        place = place / "d"
        place.mkdir()
    (place / "a.txt").write_text("x")


def emptied(root: Path) -> None:
    for place in root.iterdir():
        place.unlink()


def very_deep(root: Path) -> None:
    """Folders of long names, made one inside the other from within, until no path reaches the last."""
    here = Path.cwd()
    os.chdir(root)
    try:
        for _ in range(25):
            Path("d" * 200).mkdir()
            os.chdir("d" * 200)
    finally:
        os.chdir(here)


def many(count: int) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        for number in range(count):
            os.close(os.open(root / f"f{number}.txt", os.O_CREAT | os.O_WRONLY))

    return make


def many_folders(count: int) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        for number in range(count):
            (root / f"d{number}").mkdir()

    return make


def sparse(size_bytes: int) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        with (root / "model.safetensors").open("wb") as file:
            file.truncate(size_bytes)

    return make


def unreadable_folder(root: Path) -> None:
    (root / "x").mkdir(mode=0o000)


def cases() -> Iterator[Case]:
    """All of them."""
    for name, what, checks, path in _NAMES:
        if path is None:
            continue  # a file system will not make it; the path's rules have their own tests
        severity = "warn" if checks == "FS-CONFUSABLE" else "block"
        yield case(f"name-{name}", what, checks, pairs(path), severity)
    yield case("collide-case", "two names that differ in case", "FS-COLLIDE", pairs("Config.json.txt", "config.json.txt"))
    yield case("collide-folder", "two folders that differ in case", "FS-COLLIDE", pairs("Sub/a.txt", "sub/b.txt"))
    yield case("collide-composed", "two names that differ in Unicode form", "FS-COLLIDE", pairs("caf\u00e9.txt", "cafe\u0301.txt"))
    yield case("collide-sharp-s", "two names that differ in case, in German", "FS-COLLIDE", pairs("stra\u00dfe.txt", "STRASSE.txt"))
    yield case("collide-ligature", "two names that differ in a ligature", "FS-COLLIDE", pairs("\ufb01le.txt", "file.txt"))
    yield case("collide-kelvin", "two names that differ in the Kelvin sign", "FS-COLLIDE", pairs("\u212a.txt", "k.txt"))
    yield case("not-utf-8", "a name that is not UTF-8", "FS-NAME", not_utf_8)
    yield case("folder-not-utf-8", "a folder whose name is not UTF-8", "FS-NAME", folder_not_utf_8)
    yield case("link-outside", "a link out of the folder", "FS-LINK", link("x.txt", "/etc/passwd"))
    yield case("link-climbs", "a link that climbs", "FS-LINK", link("x.txt", "../../../etc/passwd"))
    yield case("link-inside", "a link inside the folder", "FS-LINK", link("x.safetensors", "model.safetensors"))
    yield case("link-dangling", "a link to nothing", "FS-LINK", link("x.txt", "missing"))
    yield case("link-self", "a link to itself", "FS-LINK", link("x.txt", "x.txt"))
    yield case("link-folder", "a folder that is a link", "FS-LINK", linked_folder)
    yield case("link-loop", "a folder inside itself", "FS-LINK", loop)
    yield case("link-device", "a link to a device", "FS-LINK", link("x.txt", "/dev/zero"))
    yield case("link-weights", "weights that are a link", "FS-LINK", lambda root: ((root / "model.safetensors").unlink(), (root / "model.safetensors").symlink_to("/dev/zero"))[0])
    yield case("fifo", "a pipe", "FS-SPECIAL", fifo)
    yield case("socket", "a socket", "FS-SPECIAL", bound_socket)
    yield case("empty", "a folder without files", "FS-EMPTY", emptied)
    yield case("deep-beyond", "folders deeper than a path can be long", "FS-LONG", very_deep)
    yield case("hard-link", "a file with a name outside of the folder", "FS-HARDLINK", hard_link)
    yield case("hard-link-inside", "a file with two names", "FS-TWIN", twin, "warn")
    yield case("deep-folders", "folders three hundred deep", "FS-LONG", deep)
    yield case("many-files", "a hundred thousand files and more", "FS-COUNT", many(100_100), is_heavy=True)
    yield case("many-folders", "a hundred thousand folders", "FS-COUNT", many_folders(100_100), is_heavy=True)
    yield case("sparse-600-gb", "a sparse file of 600 GB", "FS-HUGE", sparse(600 * 10**9))
    yield case("sparse-40-gb", "a sparse file of 40 GB", "FS-SPARSE", sparse(40 * 10**9))
