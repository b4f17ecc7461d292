"""Leaves root behind for PostgreSQL, which refuses to run as root; for everyone else it does nothing.

Three ways, tried in this order until one can reach the folder: the account `nobody`; a user namespace in which our
own files belong to `nobody` (a folder below a private home); the account `nobody` with the one capability to pass
closed folders (containers that forbid namespaces). Creates no account and widens no permission.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import struct
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

ACCOUNT = "nobody"
CLONE_NEWUSER = 0x10000000
PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 8, 47, 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522

Step = Callable[[], None]


class NoAccount(Exception):
    """Root cannot become anybody who reaches the folder; the message says what helps."""


def way_down(folder: Path, program: Path) -> Step | None:
    """Return what a child must do before it runs `program` on `folder`, or None where we are not root.

    Where the way is another account, the folder and all in it are handed to that account.
    """
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(ACCOUNT)
    plain = partial(_become, entry.pw_uid, entry.pw_gid)
    if _reaches(plain, folder, program):
        _hand_over(folder, entry.pw_uid, entry.pw_gid)
        return plain
    namespace = partial(_enter_namespace, entry.pw_uid, entry.pw_gid)
    if sys.platform == "linux" and _reaches(namespace, folder, program):
        _hand_over(folder, os.getuid(), os.getgid())
        return namespace
    capable = partial(_become_capable, entry.pw_uid, entry.pw_gid)
    if sys.platform == "linux" and _reaches(capable, folder, program):
        _hand_over(folder, entry.pw_uid, entry.pw_gid)
        return capable
    raise NoAccount(
        f"PostgreSQL refuses to run as root, and the account {ACCOUNT!r} cannot reach {folder} and {program}. "
        "Run this as an ordinary user, or let others enter the folders above (chmod o+x)."
    )


def _reaches(step: Step, folder: Path, program: Path) -> bool:
    def descend() -> None:
        step()
        (folder.parent / ".").stat()

    try:
        return (
            subprocess.run([program, "--version"], preexec_fn=descend, capture_output=True, check=False).returncode == 0
        )
    except (OSError, subprocess.SubprocessError):
        return False


def _hand_over(folder: Path, uid: int, gid: int) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.lstat().st_uid != uid:
            os.chown(path, uid, gid, follow_symlinks=False)


def _become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _enter_namespace(uid: int, gid: int) -> None:
    outer_uid, outer_gid = os.getuid(), os.getgid()
    _demand(ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/gid_map").write_text(f"{gid} {outer_gid} 1")
    Path("/proc/self/uid_map").write_text(f"{uid} {outer_uid} 1")


def _become_capable(uid: int, gid: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    _demand(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
    _become(uid, gid)
    only = 1 << CAP_DAC_OVERRIDE
    header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
    _demand(libc.capset(header, struct.pack("6I", only, only, only, 0, 0, 0)))
    _demand(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0))


def _demand(answer: int) -> None:
    if answer != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
