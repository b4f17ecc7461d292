"""Makes a machine poorer: `python denying.py RULE... -- COMMAND...` runs the command where some system calls fail.

A rule is `NAME=ERRNO`, or `NAME:ARGUMENT=ERRNO` for the calls with that first argument. The filter is the kernel's own,
so what the command finds is what it would find on a machine that really lacks the layer.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

CALLS = {"unshare": (272, 97), "landlock_create_ruleset": (444, 444), "prctl": (157, 167)}
LOAD, JEQ, RETURN, ALLOW, ERRNO = 0x20, 0x15, 0x06, 0x7FFF0000, 0x00050000


def program(rules: list[str]) -> bytes:
    """The filter for these rules."""
    column = {"x86_64": 0, "aarch64": 1}[platform.machine()]
    out = [struct.pack("HBBI", LOAD, 0, 0, 0)]
    for rule in rules:
        call, _, number = rule.partition("=")
        name, _, argument = call.partition(":")
        verdict = struct.pack("HBBI", RETURN, 0, 0, ERRNO | int(number))
        if argument:
            out += [
                struct.pack("HBBI", JEQ, 0, 4, CALLS[name][column]),
                struct.pack("HBBI", LOAD, 0, 0, 16),
                struct.pack("HBBI", JEQ, 0, 1, int(argument)),
                verdict,
                struct.pack("HBBI", LOAD, 0, 0, 0),
            ]
        else:
            out += [struct.pack("HBBI", JEQ, 0, 1, CALLS[name][column]), verdict]
    return b"".join([*out, struct.pack("HBBI", RETURN, 0, 0, ALLOW)])


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def main(arguments: list[str]) -> None:
    """Puts the filter in force and becomes the command."""
    at = arguments.index("--")
    code = program(arguments[:at])
    buffer = ctypes.create_string_buffer(code, len(code))
    prog = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.byref(prog), 0, 0) == 0, os.strerror(ctypes.get_errno())
    os.execv(arguments[at + 1], arguments[at + 1 :])


if __name__ == "__main__":
    main(sys.argv[1:])
