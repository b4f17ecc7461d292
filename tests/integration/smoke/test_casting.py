"""What a cast does to a model, and whose time a search uses."""

import time

import pytest

torch = pytest.importorskip("torch", reason="needs the smoke requirements")

import transformers  # noqa: E402

from smoke import casting, scoring  # noqa: E402
from smoke.budget import PATIENCE, Budget  # noqa: E402

pytestmark = pytest.mark.torch


def test_every_weight_moves_and_a_cast_brings_it_back():
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.LayerNorm(64)).bfloat16().float()
    with torch.no_grad():
        model[0].weight[:4] = 0.0
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    casting.disturb(model)
    for name, weight in model.named_parameters():
        # powers of two are nearer to their smaller neighbor, so half of what lies below them rounds to that one
        same = (weight.bfloat16() == before[name].bfloat16()) | (before[name].frexp()[0].abs() == 0.5)
        assert bool(same.all()), name
        assert bool(((weight != before[name]) == (before[name] != 0)).float().mean() > 0.95), name


def test_a_cast_moves_the_losses_a_little(tiny):
    model = transformers.AutoModelForCausalLM.from_pretrained(tiny[0], dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny[0])
    windows = scoring.encode(tokenizer, tiny[1].text, window=256, limit=512)
    before = scoring.score(model, windows)
    assert sum(before.each) == pytest.approx(before.nats, rel=1e-4)
    assert before.tokens == len(before.each) == windows.scored
    assert casting.moved(model, windows.ids, scoring.causal, before.each[:-1]) is None
    moved = casting.moved(model, windows.ids, scoring.causal, before.each)
    assert moved is not None and 0.0005 < moved < 0.03


def test_a_search_on_a_processor_is_not_shortened_by_waiting():
    budget = Budget(0.2, torch.nn.Linear(2, 2))
    time.sleep(0.3)
    assert budget.spent() < 0.2 and not budget.is_over
    assert budget.spent() >= 0.3 / PATIENCE
    ends = time.process_time() + 0.25 * torch.get_num_threads()
    while time.process_time() < ends:
        pass
    assert budget.is_over
