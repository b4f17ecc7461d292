"""The corpus through other scanners, side by side: what each flags, what it misses, false alarms and time.

`python tests/bench/bench_scanners.py FOLDER` makes a virtual environment for each scanner in FOLDER/<name> and nowhere
else, writes the corpus beside it, and prints the table in Markdown. Every scanner runs with its default settings, in
one process over all cases, one case at a time; its telemetry, where it has any, is turned off. Flagged means: any
finding, or a refusal to read the file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

SECONDS_LIMIT = 3600

# Name to what is installed, and the body of a function that says whether the folder `place` is flagged.
SCANNERS: dict[str, tuple[list[str], str]] = {
    "imprimatur": (
        [],
        "from weights import inspect_folder\ndef flags(place):\n    return inspect_folder(place).verdict != 'pass'\n",
    ),
    "picklescan": (
        ["picklescan==1.0.5"],
        "from picklescan.scanner import scan_directory_path\n"
        "def flags(place):\n"
        "    found = scan_directory_path(place)\n"
        "    return bool(found.issues_count or found.scan_err)\n",
    ),
    "modelscan": (
        ["modelscan==0.8.8", "h5py==3.16.0"],
        "from modelscan.modelscan import ModelScan\n"
        "def flags(place):\n"
        "    found = ModelScan().scan(place)\n"
        "    return bool(found['summary']['total_issues'] or found['errors'])\n",
    ),
    "fickling": (
        ["fickling==0.1.12", "typing_extensions==4.16.0"],
        "import os\n"
        "from fickling import scan_file\n"
        "def flags(place):\n"
        "    found = False\n"
        "    for folder, _, names in os.walk(place):\n"
        "        for name in names:\n"
        "            path = os.path.join(folder, name)\n"
        "            if os.path.isfile(path) and name.endswith(PICKLES):\n"
        "                try:\n"
        "                    found |= not scan_file(path).is_safe\n"
        "                except Exception:\n"
        "                    found = True\n"
        "    return found\n"
        "PICKLES = ('.pkl', '.bin', '.pt', '.pth', '.ckpt', '.joblib', '.npy', '.npz', '.zip')\n",
    ),
    "modelaudit": (
        ["modelaudit==0.2.54", "h5py==3.16.0"],
        "from modelaudit.core import scan_model_directory_or_file\n"
        "def flags(place):\n"
        "    found = scan_model_directory_or_file(place, timeout=60)\n"
        "    return any(str(issue.severity).lower().split('.')[-1] in ('warning', 'critical', 'error')"
        " for issue in found.issues)\n",
    ),
}

_DRIVER = """
import json, logging, os, sys, time
for name in ("PROMPTFOO_DISABLE_TELEMETRY", "NO_ANALYTICS", "DO_NOT_TRACK", "CI"):
    os.environ[name] = "1"
logging.disable(logging.CRITICAL)
sys.setrecursionlimit(5000)
{body}
with open(sys.argv[2], "w") as out:
    for name in sorted(os.listdir(sys.argv[1])):
        started = time.perf_counter()
        try:
            flagged = flags(os.path.join(sys.argv[1], name))
        except BaseException as error:
            flagged = "error"
            if isinstance(error, KeyboardInterrupt):
                raise
        out.write(json.dumps([name, flagged, time.perf_counter() - started]) + "\\n")
        out.flush()
"""

# Cases on which some scanner hangs or leaves the folder, and those about names that no other tool looks at.
_LEFT_OUT = (
    "fifo",
    "link-device",
    "link-weights",
    "sparse",
    "link-folder",
    "link-loop",
    "not-utf-8",
    "folder-not-utf-8",
)


def write_corpus(folder: Path) -> dict[str, str]:
    """Make every case in a folder of its own; name to the kind of case. Calls by name are thinned to one in eight.

    Healthy are layouts as libraries save them, among them some whose formats deserve a warning.
    """
    from tests.corpus import PARTS
    from tests.corpus.cases import write_base
    from tests.corpus.pickle_cases import DANGEROUS
    from tests.unit.weights import layouts
    from tests.unit.weights.makers import write_healthy

    kinds: dict[str, str] = {}
    thinned = {f"pickle-{name}" for number, name in enumerate(DANGEROUS) if number % 8}
    for part in PARTS:
        for case in part.cases():
            if case.is_heavy or case.name in thinned or case.name.startswith(_LEFT_OUT):
                continue
            kinds[case.name] = part.__name__.rpartition(".")[2].removesuffix("_cases")
            if not (folder / case.name).exists():
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    case.make(folder / case.name)
    for name, make in (("healthy-base", write_base), ("healthy-shards", write_healthy)):
        kinds[name] = "healthy"
        if not (folder / name).exists():
            make(folder / name)
    for layout in layouts.names():
        kinds[f"healthy-{layout}"] = "healthy"
        if not (folder / f"healthy-{layout}").exists():
            layouts.write(layout, folder / f"healthy-{layout}")
    return kinds


def run(name: str, folder: Path, corpus: Path) -> dict[str, tuple[object, float]]:
    """Case to what the scanner said and how long it took."""
    packages, body = SCANNERS[name]
    python = Path(sys.executable)
    if packages:
        python = folder / name / "bin" / "python"
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(folder / name)], check=True)
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
    driver = folder / f"drive_{name}.py"
    driver.write_text(_DRIVER.replace("{body}", body))
    results = folder / f"{name}.jsonl"
    environment = os.environ | ({} if packages else {"PYTHONPATH": str(ROOT)})
    with (folder / f"{name}.log").open("w") as log:
        subprocess.run(
            [str(python), str(driver), str(corpus), str(results)],
            env=environment, stdout=log, stderr=log, timeout=SECONDS_LIMIT, check=False,
        )  # fmt: skip
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    return {case: (flagged, seconds) for case, flagged, seconds in rows}


def table(kinds: dict[str, str], found: dict[str, dict[str, tuple[object, float]]]) -> str:
    """The comparison in Markdown: flagged of all, by kind; then errors, false alarms and time."""
    groups = [*dict.fromkeys(kind for kind in kinds.values() if kind != "healthy")]
    lines = [
        "| scanner | flagged | " + " | ".join(groups) + " | own errors | healthy flagged | ms per case |",
        "| --- | " + "--- | " * (len(groups) + 4),
    ]
    for name, results in found.items():
        cells = []
        total = hostile = errors = 0
        for group in groups:
            names = [case for case, kind in kinds.items() if kind == group]
            flagged = sum(results.get(case, (False,))[0] is True for case in names)
            errors += sum(results.get(case, ("error",))[0] == "error" for case in names)
            cells.append(f"{flagged} of {len(names)}")
            total += flagged
            hostile += len(names)
        sound = [case for case, kind in kinds.items() if kind == "healthy"]
        healthy = f"{sum(bool(results.get(case, (False,))[0]) for case in sound)} of {len(sound)}"
        spent = 1000 * sum(seconds for _, seconds in results.values()) / max(1, len(results))
        lines.append(
            f"| {name} | **{total} of {hostile}** | " + " | ".join(cells) + f" | {errors} | {healthy} | {spent:.0f} |"
        )
    return "\n".join(lines)


def main(folder: Path, names: list[str]) -> None:
    """Run the scanners that `names` lists, all if none, and print the table."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus = folder / "corpus"
    kinds = write_corpus(corpus)
    found = {name: run(name, folder, corpus) for name in names or SCANNERS}
    print(table(kinds, found))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
