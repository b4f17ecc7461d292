"""Which queues the embedded workers serve."""

import pytest

from config.launcher import programs


def words(name, environment=None):
    found = {program.name: program for program in programs.worker_programs(environment or {})}
    command = found[name].command
    return command[command.index("--queues") + 1]


@pytest.mark.parametrize(
    ("nodes", "system", "kinds"),
    [
        ({}, "Linux", []),
        ({"dev/nvidia0": "", "dev/nvidia1": ""}, "Linux", ["cuda"]),
        ({"dev/nvidiactl": ""}, "Linux", []),
        ({"dev/kfd": "", "sys/class/drm/renderD128/device/vendor": "0x1002\n"}, "Linux", ["rocm"]),
        ({"sys/class/drm/renderD128/device/vendor": "0x8086\n"}, "Linux", ["xpu"]),
        ({}, "Darwin", ["mps"]),
    ],
)
def test_accelerators_are_known_by_what_their_drivers_leave(nodes, system, kinds, tmp_path):
    for place, text in nodes.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)
    assert programs.accelerators(tmp_path, system) == kinds


def test_the_smoke_worker_takes_the_work_of_what_is_here(monkeypatch):
    monkeypatch.setattr(programs, "accelerators", lambda: ["cuda"])
    assert words("worker-smoke") == "smoke.cpu,smoke.cuda"
    assert words("worker-validate") == "validate"
