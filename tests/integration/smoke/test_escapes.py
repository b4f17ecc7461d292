"""Ways out of the sandbox that Landlock, namespaces and limits alone leave open: each tried from inside."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from smoke.supervise import Limits, end_all_in, foreign_namespace, supervise

pytestmark = pytest.mark.usefixtures("layers")


def lines(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines()]


def test_no_file_of_the_same_user_is_changed_by_its_attributes(confined, tmp_path):
    """Landlock guards contents; modes, times and owners of any path would still be the process's to change."""
    victim = tmp_path / "victim"
    victim.write_text("the lab's")
    victim.chmod(0o600)
    os.utime(victim, (1, 1))
    out = confined(f"""
        path = {str(victim)!r}
        attempt(lambda: os.chmod(path, 0o777))
        attempt(lambda: os.utime(path, (9, 9)))
        attempt(lambda: os.chown(path, os.getuid(), os.getgid()))
        attempt(lambda: os.setxattr(path, "user.mark", b"x"))
        attempt(lambda: os.truncate(path, 0))
        attempt(lambda: os.link(path, "mine"))
        attempt(lambda: os.unlink(path))
        attempt(lambda: os.rename(path, path + "2"))
    """)
    assert lines(out) == ["blocked"] * 8
    assert (stat.S_IMODE(victim.stat().st_mode), victim.stat().st_mtime) == (0o600, 1)
    assert victim.read_text() == "the lab's"


def test_a_scratch_folder_filled_with_small_files_is_ended(confined):
    out = confined(
        "for n in range(10**6): open(f'f{n % 4000}-{n}', 'wb').write(b'x' * 100_000)", scratch_bytes=20 << 20
    )
    assert out == "scratch"
    assert sum(file.stat().st_size for file in confined.scratch.iterdir()) < 2 << 30


def test_a_scratch_folder_of_empty_files_is_ended(confined):
    assert confined("for n in range(10**7): open(f'f{n}', 'w').close()", scratch_bytes=1 << 40) == "scratch"


def test_no_storage_that_nobody_could_count(confined):
    """Memory files, files without a name and files whose name was taken away use disk or memory out of sight."""
    out = confined("""
        attempt(lambda: os.memfd_create("x"))
        attempt(lambda: os.open(".", os.O_TMPFILE | os.O_RDWR))
        open("here", "w").close()
        attempt(lambda: os.unlink("here"))
        attempt(lambda: os.replace("here", "there"))
    """)
    assert lines(out) == ["blocked"] * 4


def test_no_folder_in_which_files_could_hide(confined):
    """Nested deeper than any path is long, files would be out of reach of whoever counts or removes them."""
    assert confined("attempt(lambda: os.mkdir('inside'))").startswith("blocked")
    assert list(confined.scratch.iterdir()) == []


def test_shared_memory_is_counted_as_well(confined):
    code = "import mmap, time\nm = mmap.mmap(-1, 300 << 20)\nm.write(b'x' * (300 << 20))\ntime.sleep(20)"
    assert confined(code, memory_bytes=100 << 20) == "memory"


def test_a_flood_on_standard_error_is_ended(confined):
    out = confined("while True: sys.stderr.write('x' * 1000)", output_bytes=1 << 20)
    assert out.startswith("output")
    assert len(out) < 10_000


def test_no_daemon_is_left(confined):
    out = confined("""
        attempt(lambda: os.fork())
        attempt(lambda: os.posix_spawn("/bin/sleep", ["sleep", "60"], {}, setsid=True))
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        attempt(lambda: libc.daemon(1, 1) and 1 / 0)
        attempt(lambda: libc.syscall(56, 0x00008000 | 17, 0, 0, 0, 0) < 0 and 1 / 0)  # clone(CLONE_PARENT)
    """)
    assert lines(out) == ["blocked"] * 4


def test_dying_with_the_parent_cannot_be_taken_back(confined):
    out = confined("""
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        print(libc.prctl(1, 0, 0, 0, 0), errno.errorcode[ctypes.get_errno()])
        signal = ctypes.c_int()
        libc.prctl(2, ctypes.byref(signal), 0, 0, 0)
        print(signal.value)
    """)
    assert out.splitlines()[:2] == ["-1 EPERM", "9"]


def test_it_is_the_first_to_go_when_memory_runs_out(confined):
    assert confined("print(open('/proc/self/oom_score_adj').read().strip())").startswith("1000")


def test_without_the_filter_of_calls_whoever_left_the_session_is_still_ended(confined, tmp_path):
    """The namespace is what remains to know them by."""
    weaker = {"required": ["no_new_privs", "limits", "namespaces"]}
    code = """
    import signal, time
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            with open("pid", "w") as file: file.write(str(os.getpid()))
            for fd in (0, 1, 2): os.close(fd)
            time.sleep(60)
        os._exit(0)
    os.wait()
    print("left")
    time.sleep(1)
    """
    denier = [sys.executable, str(Path(__file__).with_name("denying.py")), "prctl:22=22", "--"]
    confined.prefix = tuple(denier)
    assert confined(code, policy=weaker).startswith("left")
    pid = int((confined.scratch / "pid").read_text())
    for _ in range(30):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rpartition(") ")[2][:1] in "ZX":
            return
        time.sleep(0.1)
    pytest.fail("a process outlived its run")


def test_our_own_namespace_is_never_ended(tmp_path):
    assert foreign_namespace(os.getpid()) == ""
    end_all_in("")
    ending = supervise(
        [sys.executable, "-I", "-c", "import time; time.sleep(0.5)"],
        environment={},
        folder=tmp_path,
        limits=Limits(wall_seconds=20),
        on_line=lambda _: None,
    )
    assert (ending.returncode, ending.stopped) == (0, "")
    assert subprocess.run(["true"], check=True).returncode == 0
