"""`python -m tests.fuzz TARGET [SECONDS]`: run one fuzz target with atheris, from the corpus' files on.

What it finds is written to `var/fuzz/TARGET/`; a run goes on from the inputs of the last.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

FOLDER = Path("var/fuzz")

with atheris.instrument_imports(include=["weights"]):
    from tests.fuzz.targets import TARGETS, seeds


def main(name: str, seconds: int) -> None:
    """Fuzz until the time is up or something fails."""
    fuzz = TARGETS[name]
    folder = FOLDER / name
    inputs = folder / "inputs"
    if not inputs.exists():
        inputs.mkdir(parents=True)
        for number, content in enumerate(seeds(fuzz.suffixes).values()):
            (inputs / f"seed-{number}").write_bytes(content)
    options = [
        f"-max_total_time={seconds}",
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-max_len=20000",
        "-print_final_stats=1",
        f"-artifact_prefix={folder}/",
    ]
    atheris.Setup([sys.argv[0], *options, str(inputs)], fuzz.run)
    atheris.Fuzz()


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"Name a target: {', '.join(TARGETS)}")
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 240)
