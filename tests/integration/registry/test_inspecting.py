"""Reading in a confined process: what it is confined by, and what each way of ending means."""

from __future__ import annotations

import hashlib
import json
import textwrap

import pytest

from jobs import Retry
from registry.validation import confined, inspecting, planning
from registry.validation.inspecting import StoredFile, inspect_confined
from rules import Refused
from smoke import sandbox

HEAD = """
import json, os, signal, sys, time
request = json.load(open(sys.argv[1]))
tell = lambda **said: print(json.dumps(said), flush=True)
def report(number, file):
    sha256 = __import__("hashlib").sha256(open(file["place"], "rb").read()).hexdigest()
    said = {"path": file["path"], "size_bytes": file["size_bytes"], "sha256": sha256, "kind": "text", "git_sha1": None,
            "findings": [], "tensors": [], "content": None, "seconds": 0.0, "ruleset": "x"}
    json.dump(said, open(f"{number}.json", "w"))
    tell(kind="done", number=number)
tell(kind="sandbox", applied=[])
"""


@pytest.fixture
def files(tmp_path):
    """Three small files, as the store would hold them."""
    made = []
    for number in range(3):
        content = f"file {number}\n".encode()
        place = tmp_path / f"blob-{number}"
        place.write_bytes(content)
        made.append(StoredFile(place, f"{number}.txt", len(content), hashlib.sha256(content).hexdigest()))
    return made


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put another program in the reader's place; it sees the request, and how often it was begun."""

    def put(text, head=HEAD):
        place = tmp_path / "program.py"
        begun = f"\nbegun = open({str(tmp_path / 'begun')!r}, 'a+'); begun.write('x'); begun.flush(); begun.seek(0)\n"
        place.write_text(head + begun + "first = len(begun.read()) == 1\n" + textwrap.dedent(text))
        monkeypatch.setattr(confined, "__file__", str(place))

    return put


def read(files, **options):
    found = []
    inspect_confined(
        files,
        found=lambda number, report, is_complete: found.append((number, is_complete, report.findings)),
        progress=lambda number, done: None,
        **options,
    )
    return found


def messages(found):
    return [(number, [finding.message for finding in findings]) for number, _, findings in found]


def test_files_are_read_in_one_process_under_every_layer_that_the_kernel_has(files, monkeypatch):
    said = []
    take = inspecting._Reading.take
    monkeypatch.setattr(inspecting._Reading, "take", lambda self, raw: said.append(json.loads(raw)) or take(self, raw))
    found = read(files)
    assert [(number, is_complete) for number, is_complete, _ in found] == [(0, True), (1, True), (2, True)]
    [applied] = [one["applied"] for one in said if one["kind"] == "sandbox"]
    assert set(applied) >= {"no_new_privs", "limits", "landlock", "seccomp"}, sandbox.MECHANISMS


def test_layers_that_the_kernel_lacks_are_told_to_the_log_once(files, program, caplog):
    program("tell(kind='sandbox', missing=['landlock', 'seccomp'])\n" + GO_ON)
    for _ in range(2):
        read(files)
    assert [record.message for record in caplog.records if "landlock" in record.message] == [
        "Files are read with weaker confinement than there could be, without: landlock, seccomp"
    ]


GO_ON = "for number, file in enumerate(request['files']): report(number, file)"


@pytest.mark.parametrize(
    ("does", "message"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "Reading it ended its process by the signal SIGSEGV."),
        ("sys.exit(7)", "Reading it ended its process with the status 7."),
        ("os.kill(os.getpid(), signal.SIGXCPU)", "Reading it used up its processor time."),
        ("tell(kind='broken', number=1, error='RecursionError'); report(2, request['files'][2]); sys.exit()",
         "Reading it ended in an unexpected RecursionError."),
        ("tell(kind='done', number=1); report(2, request['files'][2]); sys.exit()",
         "Reading it left no report that could be read."),
        ("print('x' * 10**5, end='', flush=True); time.sleep(9)", "Reading it said more than a reader may say."),
    ],
)  # fmt: skip
def test_what_a_file_does_to_its_reader_is_a_finding_and_reading_goes_on_behind_it(files, program, does, message):
    program(f"if first:\n    report(0, request['files'][0])\n    {does}\n{GO_ON}\n")
    found = read(files)
    assert messages(found) == [(0, []), (1, [message]), (2, [])]
    assert [is_complete for _, is_complete, _ in found] == [True, False, True]
    assert found[1][2][0].check == "FM-LIMITS"


def test_a_process_killed_from_outside_is_started_once_more_before_the_file_is_blamed(files, program):
    program(f"if first: os.kill(os.getpid(), signal.SIGKILL)\n{GO_ON}\n")
    assert messages(read(files)) == [(0, []), (1, []), (2, [])]
    program("os.kill(os.getpid(), signal.SIGKILL)")
    [first, *_] = read(files[:1])
    assert first[2][0].message == "Reading it ended its process by the signal SIGKILL."


def test_time_on_the_clock_is_bounded(files, program, monkeypatch):
    monkeypatch.setattr(planning, "BASE_WALL_SECONDS", 0.6)
    program("time.sleep(60)")
    [(_, is_complete, [finding])] = read(files[:1])
    assert (is_complete, finding.message) == (False, "Reading it was stopped after 1 s.")


def test_a_reader_that_does_not_start_is_no_fault_of_the_file(files, program):
    program("raise OSError('no room')", head="")
    with pytest.raises(Retry, match="did not start: OSError: no room"):
        read(files)


def test_bytes_that_cannot_be_read_are_no_fault_of_the_file(files, program):
    program("tell(kind='unreadable', number=0, error='Input/output error')")
    with pytest.raises(Retry, match=r"0\.txt could not be read: Input/output error\."):
        read(files)


def test_bytes_of_another_hash_are_refused(files):
    files[1].place.write_bytes(b"other!\n")
    with pytest.raises(Refused, match=r"1\.txt"):
        read(files)


def test_odd_words_of_the_reader_are_dropped(files, program):
    program(f"print('[]'); print('not json'); tell(kind='done', number=7); tell(kind='progress', done='x')\n{GO_ON}")
    assert messages(read(files)) == [(0, []), (1, []), (2, [])]


def test_reading_stops_without_a_word_once_the_lease_is_gone(files, program):
    class Gone:
        """Set from the start."""

        def is_set(self):
            return True

    program("time.sleep(60)")
    assert read(files, cancel=Gone()) == []
