"""Confinement of the process that opens a checkpoint.

Owns: giving up, before any untrusted byte is read, everything that smoke inference does not need: the network, other
processes, the rest of the file system, new programs, other namespaces; and telling truthfully what was given up.
Refuses to own: what runs inside (`smoke.runner`), wall time, output and memory in use, which the parent watches
(`smoke.supervise`). Standard library only, so that nothing but the interpreter is loaded before the doors close.

Run as a file by the parent, in a process of its own: `python -I smoke/sandbox.py REQUEST.json`.
Nothing here can be undone.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if __package__ in (None, ""):  # started as a file under -I, which puts no folder on the path
    sys.path.append(str(Path(__file__).resolve().parent.parent))

from smoke import landlock, seccomp

MECHANISMS = ("no_new_privs", "limits", "namespaces", "capabilities", "landlock", "seccomp")
"""Every layer, in the order in which it is applied."""

REQUIRED = ("no_new_privs", "limits", "namespaces", "landlock", "seccomp")
"""What a run is refused without, unless the operator allows a weaker one by name."""

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_DUMPABLE = 1, 38, 4
CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000


class SandboxError(Exception):
    """A layer could not be applied; the message says which system call failed and how."""


@dataclass(frozen=True)
class Policy:
    """What one confined process may still do. Sizes in bytes, times in seconds."""

    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    """Device nodes of an accelerator, opened for reading and writing."""
    data_bytes: int = 8 << 30
    file_bytes: int = 64 << 20
    cpu_seconds: int = 3600
    open_files: int = 512
    required: tuple[str, ...] = REQUIRED
    parent: int = 0
    """Process id of the parent, so that a parent gone before the death signal was armed is noticed; 0 skips it."""

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Policy:
        """The policy that the parent wrote."""
        fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
        return cls(**fields)


@dataclass
class Applied:
    """What was really applied, layer by layer, and why the rest was not."""

    applied: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    detail: dict[str, str] = field(default_factory=dict)

    def lacking(self, required: Sequence[str]) -> list[str]:
        """Required layers that are not in force."""
        return [name for name in required if name not in self.applied]

    def to_json(self) -> dict[str, object]:
        """As plain data, for the report."""
        return {"applied": self.applied, "missing": self.missing, "detail": self.detail}


def apply(policy: Policy) -> Applied:
    """Gives up everything outside `policy`, for this process and for good; never raises for a layer that is missing."""
    state = Applied()
    layers: dict[str, Callable[[], str]] = {
        "no_new_privs": _no_new_privs,
        "limits": lambda: _limits(policy),
        "namespaces": _namespaces,
        "capabilities": _drop_capabilities,
        "landlock": lambda: landlock.restrict(policy.readable, policy.writable, policy.devices),
        "seccomp": seccomp.install,
    }
    for name in MECHANISMS:
        try:
            state.detail[name] = layers[name]()
        except (SandboxError, OSError, AttributeError, ValueError) as error:
            state.missing[name] = str(error)
        else:
            state.applied.append(name)
        if name == "namespaces":
            _die_with_parent(policy.parent)  # a new user namespace clears the death signal, so it is armed after it
    return state


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise SandboxError(f"{what}: {os.strerror(number)}")


def _linux_only() -> None:
    if not sys.platform.startswith("linux"):
        raise SandboxError(f"not available on {sys.platform}")


def _no_new_privs() -> str:
    _linux_only()
    _check(_libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(no_new_privs)")
    return "set"


def _die_with_parent(parent: int) -> None:
    if not sys.platform.startswith("linux"):
        return
    _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if parent and os.getppid() != parent:
        os._exit(137)


def _limits(policy: Policy) -> str:
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: policy.open_files,
        resource.RLIMIT_FSIZE: policy.file_bytes,
        resource.RLIMIT_DATA: policy.data_bytes,
    }
    for kind, value in wanted.items():
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    with contextlib.suppress(OSError):  # when memory runs out on the machine, it is this process that goes
        Path("/proc/self/oom_score_adj").write_text("1000")
    # a second between the two, so that the end is told apart from a kill by someone else
    resource.setrlimit(resource.RLIMIT_CPU, (policy.cpu_seconds, policy.cpu_seconds + 1))
    return f"data {policy.data_bytes}, file {policy.file_bytes}, cpu {policy.cpu_seconds} s"


def _namespaces() -> str:
    _linux_only()
    user, group = os.getuid(), os.getgid()
    _check(_libc().unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC), "unshare(user, net, ipc)")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return "user, net, ipc"


class _CapHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapData(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


def _drop_capabilities() -> str:
    """Drops what the new user namespace granted: capability over its own network and over files of the mapped user."""
    _linux_only()
    header = _CapHeader(0x20080522, 0)
    _check(_libc().capset(ctypes.byref(header), (_CapData * 2)()), "capset")
    return "none held"


def main(argv: Sequence[str]) -> int:
    """Confines this process as the request says, reports what was applied, then runs smoke inference in it."""
    request = json.loads(Path(argv[0]).read_text())
    report = os.dup(1)  # the parent reads JSON lines from here; whatever libraries print goes to standard error
    os.dup2(2, 1)
    channel = os.fdopen(report, "w", buffering=1)  # lines are flushed, so an exit without ceremony loses none
    policy = Policy.from_json(request["policy"])
    state = apply(policy)
    channel.write(json.dumps({"kind": "sandbox", "sandbox": state.to_json()}) + "\n")
    lacking = state.lacking(policy.required)
    if lacking:
        reason = "; ".join(f"{name}: {state.missing.get(name, 'not applied')}" for name in lacking)
        channel.write(json.dumps({"kind": "refused", "code": "sandbox", "reason": reason}) + "\n")
        return 3
    from smoke import runner

    return runner.main(request, channel)


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)  # taking thousands of modules apart costs a second, and nothing in them is needed any more
