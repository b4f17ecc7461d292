"""How often the comparison of checkpoints errs, on small models that are really trained.

`python tests/bench/bench_likeness.py [--families 6]`

Trains parents, tunes of them on the same and on other data and models from other seeds, makes every kind of copy of
each, and asks what the comparison and the leak guard's short list say. Everything is seeded. A miss is a copy that is
called unrelated; a wrong word is a copy called by another relation than its own; a false alarm is a stranger that is
called anything but unrelated.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.unit.weights import families as make  # noqa: E402
from tests.unit.weights.families import Model, gguf_records, records  # noqa: E402
from weights import TensorRecord, compare  # noqa: E402
from weights.shortlist import pack, search  # noqa: E402

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

WORDS, HIDDEN = 256, 64


def trained(seed: int, data: int, steps: int, start: Model | None = None, rate: float = 2e-3) -> dict[str, Any]:
    """A decoder trained on sequences of a random grammar, from scratch or from `start`."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    config = transformers.LlamaConfig(
        hidden_size=HIDDEN,
        intermediate_size=2 * HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=make.HEADS,
        num_key_value_heads=make.KEY_HEADS,
        vocab_size=WORDS,
        tie_word_embeddings=False,
    )
    model = transformers.LlamaForCausalLM(config)
    if start is not None:
        model.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in start.items()})
    chances = torch.softmax(3 * torch.randn(WORDS, WORDS, generator=torch.Generator().manual_seed(data)), dim=1)
    draws = torch.Generator().manual_seed(1000 * seed + data)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    for _ in range(steps):
        words = [torch.randint(0, WORDS, (16,), generator=draws)]
        for _ in range(24):
            words.append(torch.multinomial(chances[words[-1]], 1, generator=draws)[:, 0])
        tokens = torch.stack(words, dim=1)
        model(input_ids=tokens, labels=tokens).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return {name: value.detach().numpy().copy() for name, value in model.state_dict().items()}


def half(model: Model) -> dict[str, Any]:
    """Every second tensor."""
    return dict(list(model.items())[::2])


def copies(model: Model, other: Model, folder: Path) -> Iterator[tuple[str, str, list[TensorRecord]]]:
    """What may be made of a model: a name, the relation it should have, and its records."""
    plain: list[tuple[str, str, Callable[[Model], Any]]] = [
        ("renamed", "same", make.renamed),
        ("fused", "same", make.fused),
        ("cut in two", "same", make.cut),
        ("bfloat16", "cast", make.each(make.bf16)),
        ("half precision", "cast", make.each(lambda a: a.astype("<f2"))),
        ("bfloat16, fused", "cast", lambda m: make.each(make.bf16)(make.fused(m))),
        ("bfloat16, cut in two", "cast", lambda m: make.each(make.bf16)(make.cut(m))),
        ("int8 by row", "quantized", make.int8_rows),
        ("int8 by tensor", "quantized", make.int8_tensor),
        ("uint8 with zero points", "quantized", make.uint8_rows),
        ("GPTQ layout", "quantized", make.gptq),
        ("AWQ layout", "quantized", make.awq),
        ("NF4", "quantized", make.nf4),
        ("int8, cut in two", "quantized", lambda m: make.int8_rows(make.cut(m))),
        ("transposed", "same", make.transposed),
        ("bfloat16, transposed", "cast", lambda m: make.each(make.bf16)(make.transposed(m))),
        ("cut beside", "same", make.cut_beside),
        ("bfloat16, cut beside", "cast", lambda m: make.each(make.bf16)(make.cut_beside(m))),
        ("in another order", "same", make.shuffled),
        ("noise 1%, transposed", "fine-tuned", lambda m: make.transposed(make.noisy(0.01)(m))),
        ("adapter merged", "fine-tuned", make.with_adapter),
        ("more words", "fine-tuned", make.extended),
        ("half pruned", "fine-tuned", make.pruned),
        ("merged with a tune", "fine-tuned", lambda m: {n: (m[n] + other[n]) / 2 for n in m}),
        ("half of the tensors", "partial", half),
        ("in a larger model", "partial", make.embedded),
    ]
    plain += [
        (f"noise {share:.1%}", "fine-tuned", make.noisy(share, seed=3)) for share in (0.001, 0.01, 0.05, 0.2, 0.5, 1.0)
    ]
    plain += [
        (f"noise {share:.0%}, int8", "fine-tuned", lambda m, s=share: make.int8_rows(make.noisy(s)(m)))
        for share in (0.05, 0.2)
    ]
    for name, relation, change in plain:
        yield name, relation, records(change(model))
    for kind in ("F16", "Q8_0", "Q5_0", "Q4_1", "Q4_0"):
        yield f"GGUF {kind}", "cast" if kind == "F16" else "quantized", gguf_records(model, kind, folder)


def bench(families: int) -> tuple[Counter[tuple[str, str, str]], list[tuple[str, float | None, float]]]:
    """Make the families, compare, and print what was said; counts by copy, expected and given relation."""
    said: Counter[tuple[str, str, str]] = Counter()
    differences: list[tuple[str, float | None, float]] = []
    strangers: list[list[TensorRecord]] = []
    for seed in range(families):
        parent = trained(seed, data=seed, steps=60)
        tune = trained(seed + 100, data=seed + 50, steps=20, start=parent, rate=5e-4)
        sibling = trained(seed + 200, data=seed + 70, steps=20, start=parent, rate=5e-4)
        further = trained(seed + 300, data=seed + 50, steps=10, start=tune, rate=2e-4)
        base = records(parent)
        with tempfile.TemporaryDirectory() as folder:
            for name, relation, made in copies(parent, tune, Path(folder)):
                said[name, relation, compare(made, base).relation.value] += 1
                for stranger in strangers:
                    said["strangers", "unrelated", compare(made, stranger).relation.value] += 1
            said["trained further", "fine-tuned", compare(records(tune), base).relation.value] += 1
            said["sibling", "fine-tuned", compare(records(sibling), records(tune)).relation.value] += 1
            held, public = {0: [pack(records(tune))[0]]}, [pack(base)[0]]
            candidates = {
                "the held tune, bfloat16": records(make.each(make.bf16)(tune)),
                "the held tune, int8": records(make.int8_rows(tune)),
                "the held tune, Q4_0": gguf_records(tune, "Q4_0", Path(folder)),
                "the held tune, trained further": records(further),
                "half held tune, half parent": records({n: (tune[n] + parent[n]) / 2 for n in tune}),
                "half held tune, half sibling": records({n: (tune[n] + sibling[n]) / 2 for n in tune}),
                "sibling on other data": records(sibling),
                "sibling on other data, int8": records(make.int8_rows(sibling)),
                "the public parent, int8": records(make.int8_rows(parent)),
                "the public parent, Q4_0": gguf_records(parent, "Q4_0", Path(folder)),
            }
            for name, made in candidates.items():
                found = search([pack(made)], held, public).get(0)
                differences.append((name, found.difference if found else None, found.similarity if found else 0.0))
        strangers.append(base)
    report(said, differences)
    return said, differences


def report(said: Counter[tuple[str, str, str]], differences: list[tuple[str, float | None, float]]) -> None:
    """Print both tables."""
    print(f"{'':<26}{'should be':<12}{'pairs':>6}{'right':>7}{'missed':>8}  otherwise called")
    for name, relation in dict.fromkeys((name, relation) for name, relation, _ in said):
        answers = {given: count for (n, r, given), count in said.items() if (n, r) == (name, relation)}
        total = sum(answers.values())
        missed = answers.get("unrelated", 0) if relation != "unrelated" else 0
        wrong = ", ".join(
            f"{given} {count}" for given, count in answers.items() if given not in (relation, "unrelated")
        )
        print(f"{name:<26}{relation:<12}{total:>6}{answers.get(relation, 0):>7}{missed:>8}  {wrong}")
    print(f"\n{'against a held-back tune':<34}{'difference: least':>18}{'middle':>8}{'most':>8}{'similarity':>12}")
    for name in dict.fromkeys(name for name, _, _ in differences):
        values = [0.0 if value is None else value for n, value, _ in differences if n == name]
        middle = np.median([similarity for n, _, similarity in differences if n == name])
        print(f"{name:<34}{min(values):>18.2f}{np.median(values):>8.2f}{max(values):>8.2f}{middle:>12.3f}")


def test_copies_are_known_and_strangers_are_not() -> None:
    said, _ = bench(3)
    wrong = {key: count for key, count in said.items() if (key[2] == "unrelated") != (key[1] == "unrelated")}
    assert not wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", type=int, default=6)
    bench(parser.parse_args().families)
