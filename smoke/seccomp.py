"""Seccomp: which system calls the confined process can still make.

Owns: the deny list and its translation into a filter for the two processor families that we know (x86-64, arm64).
Refuses to own: file access (`smoke.landlock`) and every other layer (`smoke.sandbox`). Standard library only.

A deny list, not an allow list: the numeric libraries and drivers below us change what they call with each version, and
a run that dies on a harmless new call would teach operators to switch the filter off. What is denied is what reaches
out of the process: sockets, programs, other processes, namespaces, kernel interfaces with a history of faults.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
LOAD, JEQ, JGE, JSET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NR, ARCH, ARG0, ARG1, ARG2 = 0, 4, 16, 24, 32
CLONE_THREAD = 0x00010000
TIOCSTI, TIOCLINUX = 0x5412, 0x541C

ARCHES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}

DENIED: dict[str, tuple[int | None, int | None]] = {
    # name: (x86-64, arm64)
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "setpriority": (141, 140),
    "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274),
    "ioprio_set": (251, 30),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "syslog": (103, 116),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "ioperm": (173, None),
    "iopl": (172, None),
    "modify_ldt": (154, None),
    "personality": (135, 92),
    # Landlock lets these through on any path: the process runs as its user, whose files they would change
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
    # storage that nobody outside could see and count: memory files, and files that have no name any more
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "link": (86, None),
    "linkat": (265, 37),
    "mknodat": (259, 33),
    "mknod": (133, None),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
}

CLONE, CLONE3 = (56, 220), (435, 435)
OPENAT2 = (437, 437)
IOCTL = (16, 29)
PRCTL = (157, 167)
PR_SET_PDEATHSIG = 1
OPENINGS = {"open": ((2, None), ARG1), "openat": ((257, 56), ARG2)}
"""Calls that open a file, and where their flags are."""
O_TMPFILE = 0x400000  # the bit of its own, without that of O_DIRECTORY, which differs between machines
OWN_PROCESS_ONLY = {
    "kill": ((62, 129), False),
    "tgkill": ((234, 131), False),
    # the first argument 0 means the caller here
    "prlimit64": ((302, 261), True),
    "sched_setaffinity": ((203, 122), True),
}


def program(machine: str, pid: int) -> bytes:
    """The filter for one process on one machine type, as the kernel's array of instructions."""
    if machine not in ARCHES:
        raise OSError(f"no system call table for {machine}")
    audit, column = ARCHES[machine]
    out: list[bytes] = []

    def add(code: int, value: int, true: int = 0, false: int = 0) -> None:
        out.append(struct.pack("HBBI", code, true, false, value))

    def verdict(number: int) -> int:
        return ERRNO | (number & 0xFFFF)

    add(LOAD, ARCH)
    add(JEQ, audit, 1, 0)
    add(RETURN, KILL)
    add(LOAD, NR)
    if machine == "x86_64":  # the x32 table would be a way around every number below
        add(JGE, 0x40000000, 0, 1)
        add(RETURN, KILL)
    for numbers in DENIED.values():
        number = numbers[column]
        if number is not None:
            add(JEQ, number, 0, 1)
            add(RETURN, verdict(errno.EPERM))
    # these keep their flags in memory that a filter cannot read; without them the C library falls back to older ones
    for number in (CLONE3[column], OPENAT2[column]):
        add(JEQ, number, 0, 1)
        add(RETURN, verdict(errno.ENOSYS))
    # clone makes threads, never processes
    add(JEQ, CLONE[column], 0, 4)
    add(LOAD, ARG0)
    add(JSET, CLONE_THREAD, 1, 0)
    add(RETURN, verdict(errno.EPERM))
    add(LOAD, NR)
    # files without a name
    for numbers, flags in OPENINGS.values():
        number = numbers[column]
        if number is not None:
            add(JEQ, number, 0, 4)
            add(LOAD, flags)
            add(JSET, O_TMPFILE, 0, 1)
            add(RETURN, verdict(errno.EOPNOTSUPP))
            add(LOAD, NR)
    # to die with the parent is not for the process to take back
    add(JEQ, PRCTL[column], 0, 4)
    add(LOAD, ARG0)
    add(JEQ, PR_SET_PDEATHSIG, 0, 1)
    add(RETURN, verdict(errno.EPERM))
    add(LOAD, NR)
    # typing into a terminal that someone left open
    add(JEQ, IOCTL[column], 0, 5)
    add(LOAD, ARG1)
    add(JEQ, TIOCSTI, 1, 0)
    add(JEQ, TIOCLINUX, 0, 1)
    add(RETURN, verdict(errno.EPERM))
    add(LOAD, NR)
    for numbers_, zero_is_self in OWN_PROCESS_ONLY.values():
        add(JEQ, numbers_[column], 0, 5 if zero_is_self else 4)
        add(LOAD, ARG0)
        if zero_is_self:
            add(JEQ, 0, 2, 0)
        add(JEQ, pid, 1, 0)
        add(RETURN, verdict(errno.EPERM))
        add(LOAD, NR)
    add(RETURN, ALLOW)
    return b"".join(out)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def install() -> str:
    """Puts the filter in force for this process and all its threads; needs no_new_privs."""
    if not sys.platform.startswith("linux"):
        raise OSError(f"not available on {sys.platform}")
    code = program(platform.machine(), os.getpid())
    buffer = ctypes.create_string_buffer(code, len(code))
    prog = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(22, 2, ctypes.byref(prog), 0, 0) < 0:  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        raise OSError(ctypes.get_errno(), "prctl(seccomp)")
    return f"{sum(n[ARCHES[platform.machine()][1]] is not None for n in DENIED.values())} calls denied"
