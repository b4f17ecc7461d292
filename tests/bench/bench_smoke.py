"""Which damage smoke inference sees, and whom it alarms for nothing: two tables over small, really trained models.

`python tests/bench/bench_smoke.py [--seeds N] [--models NAME ...] [--kinds WORD ...] [--part I/N] [--seconds S]`

Every kind of damage (`smoke_damage.py`) is done to a copy of every model (`smoke_models.py`), by several seeds. What is
measured is kept below `var/bench`, so a run goes on where the last one was stopped, and `--part 0/2` and `--part 1/2`
share the work between two processes; then a run without `--part` prints the tables and holds them to what is required.
From nothing it takes about four hours on one core: training a third of an hour, a case two to eight seconds.

*With one number* is a probe with its declared loss in bits per byte; *with every token's* one that declares the loss of
each token too, as `python -m smoke run --declare` writes it; for encoder-decoders an earlier report in place of both.
*Without* is a run that is given nothing but the folder. The models are in two halves: the rules' numbers were chosen on
damage to the first and on healthy runs of both; damage to the second, with other seeds, sizes, texts and optimizers,
was only judged by them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from smoke.probes import Probe
from smoke.report import Outcome
from tests.bench import smoke_damage, smoke_models
from tests.bench.smoke_health import health
from tests.bench.smoke_judging import CASES, declared_by, healthy, outcome, probe_of, with_declared, without_tokens
from tests.bench.smoke_models import TUNED, UNSEEN, Recipe

SEEDS = 3
NOISE_PERCENT = 0.05
"""A change of the loss below this is less than what storing the weights in another type can make."""


@dataclass(frozen=True)
class Case:
    """One damaged model and how it was judged."""

    recipe: Recipe
    kind: str
    seed: int
    alone: Outcome
    one: Outcome
    """With the declared loss as one number, or with an earlier report that holds no more."""
    every: Outcome
    """With the declared loss of every token, or with a whole earlier report."""
    change: float | None
    """Of the loss of the unrounded weights, percent; None where it has none."""

    @property
    def is_harmful(self) -> bool:
        """Whether the damage does more to the loss than storing the weights in another type."""
        return self.change is None or abs(self.change) >= NOISE_PERCENT


def available(names: list[str]) -> list[Recipe]:
    """The models that were asked for, trained if need be."""
    chosen = [r for r in (*TUNED, *UNSEEN) if not names or r.name.startswith(tuple(names))]
    for recipe in chosen:
        smoke_models.train(recipe)
    return chosen


def measure(recipe: Recipe, kind: str, seed: int, scratch: Path) -> None:
    """Takes and keeps the measurements of one case, unless they are kept already."""
    from tests.bench.smoke_measures import kept, take

    place = CASES / recipe.name / f"{kind.replace(' ', '_')}-{seed}"
    last = place.with_name(place.name + "-probe.json")
    if last.exists():
        return
    twin = next(r for r in (*TUNED, *UNSEEN) if r.layout == recipe.layout and r != recipe)
    folder = smoke_damage.damaged(recipe.folder, kind, seed, scratch / "damaged", twin.folder)
    if folder is None:
        last.parent.mkdir(parents=True, exist_ok=True)
        last.write_text("null")
        return
    kept(
        place.with_name(place.name + "-plain.json"),
        lambda: take(folder, Probe.plain(), is_enough=lambda m: outcome(m) is Outcome.FAIL),
    )
    kept(last, lambda: take(folder, probe_of(recipe)[0], is_deep=False))


def judged(recipe: Recipe, kind: str, seed: int) -> Case | None:
    """The verdict on what was kept; None where this kind cannot be done to this layout, or was not yet."""
    place = CASES / recipe.name / f"{kind.replace(' ', '_')}-{seed}"
    last = place.with_name(place.name + "-probe.json")
    found = json.loads(last.read_text()) if last.exists() else None
    if found is None:
        return None
    alone = json.loads(place.with_name(place.name + "-plain.json").read_text())
    declared, whole = probe_of(recipe)[1], healthy(recipe, "probe")
    if declared is None:
        one, every = outcome(found, reference=without_tokens(whole)), outcome(found, reference=whole)
    else:
        one = outcome(with_declared(found, declared))
        every = outcome(with_declared(found, declared, declared_by(whole)[1]))
    ours, theirs = (m.get("full", {}).get("float32_nats_per_token") for m in (found, whole))
    change = 100 * (ours / theirs - 1) if ours and theirs else None
    return Case(recipe, kind, seed, outcome(alone), one, every, change)


def cases(recipes: list[Recipe], seeds: int, kinds: list[str]) -> Iterator[tuple[Recipe, str, int]]:
    """Every case, so ordered that what is stopped early has a bit of everything."""
    for seed in range(seeds):
        for kind in smoke_damage.KINDS:
            if not kinds or any(word in kind for word in kinds):
                yield from ((recipe, kind, seed) for recipe in recipes)


def work(recipes: list[Recipe], seeds: int, kinds: list[str], part: tuple[int, int], seconds: float) -> None:
    """Measures this part of the cases, for so long."""
    ends = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as scratch:
        for number, case in enumerate(cases(recipes, seeds, kinds)):
            if number % part[1] == part[0]:
                if time.monotonic() > ends:
                    return
                measure(*case, Path(scratch))


def share(found: list[Case], column: str) -> float:
    """Share that fails with a declaration, or that fails or warns without."""
    seen = [c.alone is not Outcome.PASS if column == "alone" else getattr(c, column) is Outcome.FAIL for c in found]
    return sum(seen) / len(seen) if seen else 1.0


def shares(found: list[Case]) -> str:
    """The three columns."""
    return " | ".join(f"{share(found, column):.1%}" for column in ("one", "every", "alone"))


def tables(found: list[Case]) -> str:
    """Detection by kind, by half and by layout, as lines of a table."""
    lines = ["| damage | cases | with one number: fails | with every token's: fails | without: fails or warns | "
             "without: fails | loss, % (median) |",
             "| --- | --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    for kind in smoke_damage.KINDS:
        own = [c for c in found if c.kind == kind]
        if own:
            changes = sorted(c.change for c in own if c.change is not None)
            middle = f"{changes[len(changes) // 2]:+.2f}" if changes else "-"
            fails = sum(c.alone is Outcome.FAIL for c in own)
            lines.append(f"| {kind} | {len(own)} | {shares(own)} | {fails / len(own):.1%} | {middle} |")
    groups = {"all": found, "first half": [c for c in found if c.recipe in TUNED],
              "second half": [c for c in found if c.recipe in UNSEEN]}  # fmt: skip
    groups |= {f"seed {seed}": [c for c in found if c.seed == seed] for seed in sorted({c.seed for c in found})}
    groups |= {f"layout {name}": [c for c in found if c.recipe.layout == name] for name in
               dict.fromkeys(c.recipe.layout for c in found)}  # fmt: skip
    groups |= {f"texts: {name}": [c for c in found if c.recipe.domain == name] for name in
               dict.fromkeys(c.recipe.domain for c in found)}  # fmt: skip
    head = "number | with one number | with every token's | without"
    lines += ["", f"| cases | {head} | of those that change the loss: {head} |", "| --- " * 9 + "|"]
    for name, own in groups.items():
        harmful = [c for c in own if c.is_harmful]
        lines.append(f"| {name} | {len(own)} | {shares(own)} | {len(harmful)} | {shares(harmful)} |")
    return "\n".join(lines)


def main() -> int:
    """Measures what is missing, prints both tables, and says whether what is required holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--models", nargs="*", default=[], help="beginnings of names; all without")
    parser.add_argument("--kinds", nargs="*", default=[], help="words in the names of kinds; all without")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--part", default="", help="measure this part of the cases alone, as 0/2, or 'healthy'")
    parser.add_argument("--seconds", type=float, default=1e9, help="measure for so long at most")
    given = parser.parse_args()
    quiet()
    recipes = available(given.models)
    if given.part == "healthy":
        health(recipes, given.seconds)
        return 0
    part, parts = (int(n) for n in (given.part or "0/1").split("/"))
    work(recipes, given.seeds, given.kinds, (part, parts), given.seconds)
    if given.part:
        return 0
    found = [c for case in cases(recipes, given.seeds, given.kinds) if (c := judged(*case)) is not None]
    print(tables(found))
    rows = health(recipes, given.seconds)
    print()
    for name, result, why in rows:
        print(f"{result.value:5} {name} {'; '.join(why)}")
    alarms = {o: sum(result is o for _, result, _ in rows) for o in Outcome}
    print(f"{len(rows)} healthy runs: {alarms[Outcome.FAIL]} fail, {alarms[Outcome.WARN]} warn")
    holds = share(found, "every") >= 0.95 and share(found, "alone") >= 0.8
    return 0 if holds and not alarms[Outcome.FAIL] and alarms[Outcome.WARN] <= 1 else 1


def quiet() -> None:
    """One thread, and no chatter of libraries."""
    import torch
    import transformers

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


@pytest.mark.torch
@pytest.mark.timeout(24 * 3600)
def test_damage_is_seen_and_health_is_not_taken_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The required shares, over every model, every kind and every seed."""
    pytest.importorskip("torch", reason="needs the smoke requirements")
    quiet()
    recipes = available([])
    work(recipes, SEEDS, [], (0, 1), 1e9)
    found = [c for case in cases(recipes, SEEDS, []) if (c := judged(*case)) is not None]
    rows = health(recipes)
    with capsys.disabled():
        print(tables(found))
    assert len({c.kind for c in found}) >= 30
    assert len({c.recipe.layout for c in found}) >= 5
    assert share(found, "every") >= 0.95
    assert share(found, "alone") >= 0.8
    assert len(rows) >= 50
    assert not [row for row in rows if row[1] is Outcome.FAIL]
    assert len([row for row in rows if row[1] is Outcome.WARN]) <= 1


if __name__ == "__main__":
    sys.exit(main())
