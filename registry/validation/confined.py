"""The program that reads a checkpoint's files and can do nothing else: no network, no other file, bounded memory.

Run as a file by `registry.validation.inspecting`, in a process of its own: `python -I confined.py REQUEST.json`. Owns
what happens inside that process: it gives up everything first, then reads one file after the other, tells where it is
in lines of JSON, and leaves each report as a file. It judges nothing about its own end; its parent does.
Knows neither Django nor the database, and inherits no secret.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

if __package__ in (None, ""):  # started as a file under -I, which puts no folder on the path
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from smoke import sandbox

TELL_EVERY_SECONDS = 0.25


def main(arguments: Sequence[str]) -> int:
    """Confine this process as the request says, then read the files that it names."""
    request = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    report = os.dup(1)  # the parent reads from here; whatever a library prints goes to standard error
    os.dup2(2, 1)
    with os.fdopen(report, "w", buffering=1, encoding="ascii") as channel:
        applied = sandbox.apply(sandbox.Policy.from_json(request["policy"]))
        tell(channel, "sandbox", applied=applied.applied, missing=sorted(applied.missing))
        for number, file in enumerate(request["files"]):
            tell(channel, "begun", number=number)
            read(channel, number, file)
    return 0


def read(channel: IO[str], number: int, file: dict[str, Any]) -> None:
    """Read one file and leave its report in the working folder; says so if that cannot be done."""
    from weights import inspect_file

    told_at = time.monotonic()

    def progress(done: int) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= TELL_EVERY_SECONDS:
            told_at = time.monotonic()
            tell(channel, "progress", done=done)

    try:
        report = inspect_file(file["place"], file["path"], file["size_bytes"], progress)
        place = Path(f"{number}.json")
        place.write_text(json.dumps(report.to_json()), encoding="ascii")
    except OSError as error:
        tell(channel, "unreadable", number=number, error=str(error.strerror or error)[:200])
    except Exception as error:  # whatever a parser did not foresee: the file is not passed
        tell(channel, "broken", number=number, error=type(error).__name__)
    else:
        tell(channel, "done", number=number)


def tell(channel: IO[str], kind: str, **members: object) -> None:
    """One line to the parent."""
    channel.write(json.dumps({"kind": kind, **members}) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
