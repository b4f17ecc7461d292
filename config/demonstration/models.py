"""The demonstration's checkpoints on disk: trained once, kept, and the same bytes ever after."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from config.demonstration import texts
from config.demonstration.untrained import write_untrained

Tell = Callable[[str], None]
SEED = 7
# Everything else that training says is its libraries talking to developers.
PROGRESS = re.compile(r"step \d+0/|\d+ parameters")


@dataclass(frozen=True)
class Member:
    """One model of the family: its name, how it is trained, what its card says."""

    name: str
    title: str
    kind: str
    steps: int
    summary: str
    license: str = "apache-2.0"
    license_name: str = ""
    parent: str = ""
    relation: str = ""


NANO = Member("nimbus-nano", "Nimbus Nano", "base", 400, "The smallest member of the Nimbus family.")
INSTRUCT = Member(
    "nimbus-nano-instruct",
    "Nimbus Nano Instruct",
    "instruct",
    60,
    "Nimbus Nano, trained on with conversations.",
    license="other",
    license_name=texts.COMMUNITY_LICENSE_KEY,
    parent="acme/nimbus-nano",
    relation="finetune",
)
MAX = Member("nimbus-max", "Nimbus Max", "max", 120, "The deepest member of the Nimbus family, which stays inside.")
FAMILY = (NANO, INSTRUCT, MAX)


def make_models(folder: Path, tell: Tell) -> dict[str, Path]:
    """Train what is missing below `folder`; returns the folders by name. About a minute and a half on two cores."""
    folder.mkdir(parents=True, exist_ok=True)
    places = {member.name: folder / member.name for member in FAMILY}
    missing = [member for member in FAMILY if not places[member.name].exists()]
    if find_spec("torch") is None or not settings.IS_SMOKE_ENABLED:
        for member in missing:
            parent = places[member.parent.partition("/")[2]] if member.parent else None
            made = write_untrained(_draft(places[member.name]), layers=2 + len(member.kind), seed=SEED, parent=parent)
            _keep(member, places[member.name], texts.UNTRAINED.format(parameters=made))
        return places
    # The base and the deep model side by side, since each uses one core; then the one that builds on the base.
    begun = [(member, _begin(member, places, "")) for member in missing if not member.parent]
    for member, process in begun:
        _finish(member, places, process, tell)
    for member in missing:
        if member.parent:
            parent = places[member.parent.partition("/")[2]]
            _finish(member, places, _begin(member, places, str(parent)), tell)
    return places


def probe_of(place: Path) -> Path:
    """The held-out text of a trained model with the loss that was measured on it; beside the model, never in it."""
    return place.with_name(f"{place.name}.probe.json")


def _begin(member: Member, places: dict[str, Path], parent: str) -> subprocess.Popen[str]:
    draft = _draft(places[member.name])
    shutil.rmtree(draft, ignore_errors=True)
    command = [sys.executable, "-m", "smoke.tiny", str(draft), "--steps", str(member.steps), "--seed", str(SEED)]
    command += ["--kind", member.kind, *(["--parent", parent] if parent else [])]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _finish(member: Member, places: dict[str, Path], process: subprocess.Popen[str], tell: Tell) -> None:
    place, said = places[member.name], [""]
    for line in process.stdout or ():
        said.append(line.strip())
        if PROGRESS.match(line):
            tell(f"{member.name}: {line.strip()}")
    if process.wait() != 0:
        raise RuntimeError(f"training {member.name} failed: {' '.join(said[-3:])}")
    measured = json.loads(probe_of(_draft(place)).read_text(encoding="utf-8"))
    probe_of(_draft(place)).replace(probe_of(place))
    parameters = int(said[-1].split()[0])
    how = texts.HOW_TRAINED.format(parameters=parameters, steps=member.steps, bits=measured["bits_per_byte"])
    _keep(member, place, how)


def _keep(member: Member, place: Path, how: str) -> None:
    """Add card and license, then give the folder its name: one that has its name is whole."""
    draft = _draft(place)
    card = texts.card(
        title=member.title,
        license=member.license,
        license_name=member.license_name,
        summary=member.summary,
        body=how,
        parent=member.parent,
        relation=member.relation,
    )
    (draft / "README.md").write_text(card, encoding="utf-8")
    (draft / "LICENSE").write_text(license_text(member), encoding="utf-8")
    draft.replace(place)


def license_text(member: Member) -> str:
    """The text that a member's license file holds."""
    if member.license == "other":
        return texts.COMMUNITY_LICENSE
    return (settings.BASE_DIR / "licensing" / "texts" / f"{member.license}.txt").read_text(encoding="utf-8")


def _draft(place: Path) -> Path:
    return place.with_name(f".{place.name}.draft")
