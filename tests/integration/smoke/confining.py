"""Programs that confine themselves for real and then try something: what tests of containment run."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smoke.preparing import environment
from smoke.supervise import Ending, Limits, supervise

ROOT = Path(__file__).resolve().parents[3]

PREAMBLE = """
import errno, json, os, sys
sys.path.insert(0, {root!r})
from smoke import sandbox
policy = sandbox.Policy.from_json(json.loads({policy!r}))
state = sandbox.apply(policy)
assert not state.lacking(policy.required), state.missing
def attempt(act):
    try:
        result = act()
    except BaseException as error:
        print("blocked", type(error).__name__, error)
    else:
        print("DONE", result)
"""


@dataclass
class Confined:
    """Runs code after the sandbox was applied; what it printed is the answer, how it ended is kept."""

    scratch: Path
    prefix: tuple[str, ...] = ()
    """A command that the interpreter is started through."""
    ending: Ending | None = None

    def __call__(self, code: str, *, policy: dict[str, Any] | None = None, **limits: Any) -> str:
        given = {
            "readable": ["/usr/lib", "/lib", "/lib64", "/proc/self", sys.prefix, sys.base_prefix, str(ROOT / "smoke")],
            "writable": [str(self.scratch)],
            "devices": ["/dev/null"],
            "data_bytes": 512 << 20,
            "file_bytes": 1 << 20,
            "cpu_seconds": 20,
            **(policy or {}),
        }
        text = PREAMBLE.format(root=str(ROOT), policy=json.dumps(given)) + textwrap.dedent(code)
        lines: list[bytes] = []
        self.ending = supervise(
            [*self.prefix, sys.executable, "-I", "-c", text],
            environment=environment(self.scratch, 1, False),
            folder=self.scratch,
            limits=Limits(**{"wall_seconds": 30, **limits}),
            on_line=lines.append,
        )
        return b"\n".join(lines).decode() + self.ending.stopped + self.ending.stderr


Run = Callable[..., str]
