"""The system call filter, run on a small interpreter of its own instruction set."""

import struct

import pytest

from smoke import seccomp

ALLOWED, DENIED, ABSENT, KILLED = seccomp.ALLOW, seccomp.ERRNO | 1, seccomp.ERRNO | 38, seccomp.KILL
PID = 4242


def decide(machine: str, number: int, *args: int, arch: int | None = None) -> int:
    """What the kernel would answer: interprets the filter over the fields of one call."""
    code = seccomp.program(machine, PID)
    data = struct.pack("IIQ6Q", number, arch or seccomp.ARCHES[machine][0], 0, *(list(args) + [0] * 6)[:6])
    accumulator, at = 0, 0
    while True:
        operation, true, false, value = struct.unpack_from("HBBI", code, at * 8)
        at += 1
        if operation == seccomp.LOAD:
            accumulator = struct.unpack_from("I", data, value)[0]
        elif operation == seccomp.RETURN:
            return value
        else:
            holds = {
                seccomp.JEQ: accumulator == value,
                seccomp.JGE: accumulator >= value,
                seccomp.JSET: bool(accumulator & value),
            }[operation]
            at += true if holds else false


@pytest.mark.parametrize("machine", seccomp.ARCHES)
@pytest.mark.parametrize("name", seccomp.DENIED)
def test_every_listed_call_is_denied(machine, name):
    number = seccomp.DENIED[name][seccomp.ARCHES[machine][1]]
    if number is not None:
        assert decide(machine, number) == DENIED


@pytest.mark.parametrize("machine", seccomp.ARCHES)
def test_threads_are_made_and_processes_are_not(machine):
    column = seccomp.ARCHES[machine][1]
    assert decide(machine, seccomp.CLONE[column], seccomp.CLONE_THREAD | 0x100) == ALLOWED
    assert decide(machine, seccomp.CLONE[column], 17) == DENIED
    assert decide(machine, seccomp.CLONE3[column], seccomp.CLONE_THREAD) == ABSENT


@pytest.mark.parametrize("machine", seccomp.ARCHES)
@pytest.mark.parametrize("name", seccomp.OWN_PROCESS_ONLY)
def test_calls_on_processes_reach_only_the_caller(machine, name):
    numbers, zero_is_self = seccomp.OWN_PROCESS_ONLY[name]
    number = numbers[seccomp.ARCHES[machine][1]]
    assert decide(machine, number, PID) == ALLOWED
    assert decide(machine, number, PID + 1) == DENIED
    assert decide(machine, number, 0) == (ALLOWED if zero_is_self else DENIED)
    assert decide(machine, number, (1 << 64) - 1) == DENIED


@pytest.mark.parametrize("machine", seccomp.ARCHES)
def test_typing_into_a_terminal_is_denied_and_other_controls_are_not(machine):
    number = seccomp.IOCTL[seccomp.ARCHES[machine][1]]
    assert decide(machine, number, 0, seccomp.TIOCSTI) == DENIED
    assert decide(machine, number, 0, seccomp.TIOCLINUX) == DENIED
    assert decide(machine, number, 0, 0x5401) == ALLOWED


@pytest.mark.parametrize("machine", seccomp.ARCHES)
def test_files_without_a_name_are_denied_and_others_open(machine):
    column = seccomp.ARCHES[machine][1]
    for (numbers, _), at in zip(seccomp.OPENINGS.values(), (1, 2), strict=True):
        number = numbers[column]
        if number is None:
            continue
        before = [0] * at
        assert decide(machine, number, *before, 0o100 | 0o2) == ALLOWED
        assert decide(machine, number, *before, seccomp.O_TMPFILE | 0o40000 | 0o200000) == seccomp.ERRNO | 95
    assert decide(machine, seccomp.OPENAT2[column]) == ABSENT


@pytest.mark.parametrize("machine", seccomp.ARCHES)
def test_dying_with_the_parent_is_not_taken_back_and_other_settings_are_the_process_own(machine):
    number = seccomp.PRCTL[seccomp.ARCHES[machine][1]]
    assert decide(machine, number, seccomp.PR_SET_PDEATHSIG, 0) == DENIED
    assert decide(machine, number, 15) == ALLOWED  # naming a thread


def test_reading_writing_and_mapping_stay_possible():
    assert [decide("x86_64", n) for n in (0, 1, 9, 10, 12, 202, 257)] == [ALLOWED] * 7


def test_another_table_of_numbers_is_no_way_around():
    assert decide("x86_64", 0x40000000 | 41) == KILLED
    assert decide("x86_64", 41, arch=0x40000003) == KILLED


def test_an_unknown_machine_is_refused():
    with pytest.raises(OSError, match="riscv64"):
        seccomp.program("riscv64", PID)


@pytest.mark.parametrize("column", [0, 1])
def test_no_number_is_listed_twice(column):
    numbers = [n[column] for n in seccomp.DENIED.values() if n[column] is not None]
    assert len(numbers) == len(set(numbers))
