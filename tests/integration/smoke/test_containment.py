"""What the confined process cannot do: each test tries it from inside, with the sandbox applied for real."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from smoke import landlock
from smoke.supervise import Limits, supervise
from tests.integration.smoke.confining import PREAMBLE, ROOT

pytestmark = pytest.mark.usefixtures("layers")


@pytest.mark.parametrize(
    "act",
    [
        "socket.create_connection(('127.0.0.1', 1), 2)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_UNIX)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "socket.getaddrinfo('example.com', 80)",
    ],
)
def test_no_socket_of_any_family(confined, act):
    assert confined(f"import socket\nattempt(lambda: {act})").startswith("blocked")


@pytest.mark.parametrize(
    "path", ["/etc/shadow", "/etc/passwd", "/proc/1/environ", "/root", "/home", str(ROOT / "pyproject.toml")]
)
def test_no_file_outside_the_list(confined, path):
    act = f"os.listdir({path!r}) if os.path.isdir({path!r}) else open({path!r}).read()"
    out = confined(f"attempt(lambda: {act})")
    assert out.startswith("blocked"), out


def test_a_secret_beside_the_scratch_folder_stays_secret(confined, tmp_path):
    (tmp_path / "secret").write_text("the parent's")
    out = confined(f"attempt(lambda: open({str(tmp_path / 'secret')!r}).read())")
    assert out.startswith("blocked PermissionError")
    assert "the parent's" not in out


def test_the_parents_environment_is_out_of_reach(confined, monkeypatch):
    monkeypatch.setenv("A_SECRET", "hunter2")
    out = confined(f"""
        print(dict(os.environ))
        attempt(lambda: open('/proc/{os.getpid()}/environ').read())
    """)
    assert "hunter2" not in out
    assert "blocked" in out


def test_writing_works_in_scratch_and_nowhere_else(confined, tmp_path):
    out = confined(f"""
        attempt(lambda: open('here', 'w').write('x'))
        attempt(lambda: open({str(tmp_path / "there")!r}, 'w').write('x'))
        attempt(lambda: os.rename('here', {str(tmp_path / "there")!r}))
        attempt(lambda: os.symlink('/etc/passwd', 'link'))
    """)
    assert [line.split()[0] for line in out.splitlines()] == ["DONE", "blocked", "blocked", "blocked"]
    assert not (tmp_path / "there").exists()


def test_files_are_bounded(confined, tmp_path):
    out = confined("attempt(lambda: open('big', 'wb').write(b'x' * (2 << 20)))")
    assert "blocked OSError" in out
    assert (tmp_path / "scratch" / "big").stat().st_size <= 1 << 20


@pytest.mark.parametrize(
    "act",
    [
        "os.fork()",
        "os.execv('/bin/sh', ['sh', '-c', 'true'])",
        "__import__('subprocess').run(['/bin/true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "__import__('multiprocessing').get_context('fork').Process(target=print).start()",
    ],
)
def test_no_other_process(confined, act):
    assert confined(f"attempt(lambda: {act})").startswith("blocked")


def test_a_fork_bomb_is_one_process(confined):
    out = confined("""
        count = 0
        for _ in range(2000):
            try:
                if os.fork() == 0:
                    os._exit(0)
                count += 1
            except OSError:
                pass
        print('forked', count)
    """)
    assert out.startswith("forked 0")


def test_threads_still_work(confined):
    out = confined("""
        import threading
        seen = []
        threads = [threading.Thread(target=seen.append, args=(i,)) for i in range(8)]
        [t.start() for t in threads]; [t.join() for t in threads]
        print(sorted(seen))
    """)
    assert out.startswith("[0, 1, 2, 3, 4, 5, 6, 7]"), out


def test_no_signal_reaches_the_parent(confined):
    out = confined(f"attempt(lambda: os.kill({os.getpid()}, 0))\nattempt(lambda: os.kill(-1, 0))")
    assert [line.split()[0] for line in out.splitlines()] == ["blocked", "blocked"]


def test_the_parents_limits_cannot_be_changed(confined):
    out = confined(f"""
        import resource
        attempt(lambda: resource.prlimit({os.getpid()}, resource.RLIMIT_NOFILE, (9, 9)))
        attempt(lambda: resource.prlimit(0, resource.RLIMIT_NOFILE)[0])
    """)
    assert out.splitlines() == [out.splitlines()[0], "DONE 512"]
    assert out.startswith("blocked")


@pytest.mark.parametrize(
    "act",
    [
        "libc.unshare(0x10000000)",
        "libc.mount(b'none', b'/proc', b'proc', 0, None)",
        "libc.ptrace(16, 1, 0, 0)",
        "libc.chroot(b'/')",
        "libc.syscall(425, 8, 0)",
        "libc.syscall(321, 0, 0, 0)",
    ],
)
def test_kernel_interfaces_are_closed(confined, act):
    out = confined(f"""
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        print({act}, errno.errorcode[ctypes.get_errno()])
    """)
    assert out.startswith("-1 EPERM"), out


def test_a_huge_allocation_is_refused(confined):
    assert confined("attempt(lambda: len(bytearray(3 << 30)))").startswith("blocked MemoryError")


def test_memory_in_use_is_watched_from_outside(confined):
    out = confined("x = bytearray(b'x') * (300 << 20)\nimport time\ntime.sleep(20)", memory_bytes=100 << 20)
    assert out == "memory"


def test_an_endless_sleep_is_ended(confined):
    started = time.monotonic()
    assert confined("import time\ntime.sleep(600)", wall_seconds=1.5) == "time"
    assert time.monotonic() - started < 6


def test_a_flood_of_output_is_ended(confined):
    out = confined("while True: print('x' * 1000)", output_bytes=1 << 20)
    assert out.endswith("output")
    assert len(out) <= 1 << 20


def test_one_endless_line_is_ended(confined):
    assert confined("while True: print('x' * 1000, end='')", line_bytes=1 << 20) == "output"


def test_the_child_dies_with_its_parent(tmp_path):
    """A killed worker must not leave inference running."""
    inner = PREAMBLE.format(root=str(ROOT), policy=json.dumps({"readable": ["/"]})) + "import time; time.sleep(60)"
    outer = f"""
import subprocess, sys
p = subprocess.Popen([sys.executable, '-I', '-c', {inner!r}])
print(p.pid, flush=True)
p.wait()
"""
    parent = subprocess.Popen([sys.executable, "-c", outer], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(1.0)
    assert Path(f"/proc/{child}").exists()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(50):
        status = Path(f"/proc/{child}/stat")
        if not status.exists() or status.read_text().rsplit(") ", 1)[1][0] in "ZX":
            return
        time.sleep(0.1)
    pytest.fail("the confined process outlived its parent")


def test_nothing_is_left_of_a_group(tmp_path):
    """Without the sandbox's ban on processes, whatever was started is still ended with the leader."""
    marker = tmp_path / "pid"
    code = f"import subprocess; p = subprocess.Popen(['sleep', '60']); open({str(marker)!r}, 'w').write(str(p.pid))"
    supervise(
        [sys.executable, "-c", code],
        environment={"PATH": "/usr/bin:/bin"},
        folder=tmp_path,
        limits=Limits(wall_seconds=3),
        on_line=lambda _: None,
        cancel=threading.Event(),
    )
    pid = int(marker.read_text())
    for _ in range(30):
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rsplit(") ", 1)[1][0] in "ZX":
            return
        time.sleep(0.1)
    pytest.fail("a process of the group was left")


def test_landlock_tells_its_version():
    assert landlock.abi() >= 1
