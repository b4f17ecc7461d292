"""Landlock: which folders the confined process can still reach.

Owns: translating lists of paths into a rule set of the running kernel, and what each kernel version can hold back.
Refuses to own: which paths those are (`smoke.preparing` says so) and every other layer (`smoke.sandbox`).

Source: Linux kernel documentation, userspace-api/landlock, ABI versions 1 to 7. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

CREATE, ADD, RESTRICT = 444, 445, 446  # the same numbers on x86-64 and arm64
VERSION = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_FILE, MAKE_REG = 1 << 5, 1 << 8
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
FIRST_ABI = (1 << 13) - 1

FILES_ONLY = WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
READ = READ_FILE | READ_DIR  # never EXECUTE: shared libraries are mapped, and no program is to be started
WRITE = READ | WRITE_FILE | REMOVE_FILE | MAKE_REG | TRUNCATE
"""Files, but no folders: nested a few thousand deep these can neither be counted nor taken away by their paths."""


class _Ruleset(ctypes.Structure):
    _fields_ = [("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("access", ctypes.c_uint64), ("fd", ctypes.c_int32)]


def abi() -> int:
    """Version of Landlock in the running kernel; 0 without it."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, int(_syscall(CREATE, None, 0, VERSION)))


def handled(version: int) -> tuple[int, int, int]:
    """Rights that a kernel of this version can take away: on files, on the network, and scopes."""
    files = FIRST_ABI
    files |= REFER if version >= 2 else 0
    files |= TRUNCATE if version >= 3 else 0
    files |= IOCTL_DEV if version >= 5 else 0
    return files, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0


def restrict(readable: Iterable[str], writable: Iterable[str], devices: Iterable[str]) -> str:
    """Leaves this process those paths and nothing else; a path that does not exist is skipped."""
    version = abi()
    if version < 1:
        raise OSError("the kernel has no Landlock")
    files, net, scoped = handled(version)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _syscall(CREATE, ctypes.byref(_Ruleset(files, net, scoped)), size, 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    try:
        for paths, access in ((readable, READ), (writable, WRITE), (devices, FILES_ONLY)):
            for path in paths:
                _allow(ruleset, path, access & files)
        if _syscall(RESTRICT, ruleset, 0) < 0:
            raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    finally:
        os.close(ruleset)
    return f"ABI {version}"


def _allow(ruleset: int, path: str, access: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        granted = access if Path(path).is_dir() else access & FILES_ONLY
        if _syscall(ADD, ruleset, 1, ctypes.byref(_Beneath(granted, fd)), 0) < 0:
            raise OSError(ctypes.get_errno(), f"landlock_add_rule {path}")
    finally:
        os.close(fd)


def _syscall(number: int, *args: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    typed = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    return int(libc.syscall(ctypes.c_long(number), *typed))
