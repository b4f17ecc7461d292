"""The search for what would mend a model: damage is undone by its own inverse, and nothing is left behind."""

import copy as copying
import itertools

import pytest

torch = pytest.importorskip("torch", reason="needs the smoke requirements")

import transformers  # noqa: E402

from smoke import edits, loading, repairs, scoring  # noqa: E402
from smoke.anatomy import heads_of, slots, stacks  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def healthy(tiny):
    """The small model in float32, and windows of its probe; one thread, since two that wait for each other on a busy
    machine take a hundred times as long."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model = transformers.AutoModelForCausalLM.from_pretrained(tiny[0], dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny[0])
    yield model, scoring.encode(tokenizer, tiny[1].text, window=256, limit=512).ids
    torch.set_num_threads(threads)


def found(model, windows) -> dict:
    return repairs.measure(model, windows, budget_seconds=600, progress=lambda done, total: None)


def matrix(model, block: int, role: str):
    return next(s for s in slots(stacks(model)[0][block], heads_of(model.config)) if s.path.endswith(role))


def transposed(model) -> None:
    slot = matrix(model, 1, "q_proj")
    slot.write(slot.read().T.clone())


def negated(model) -> None:
    slot = matrix(model, 0, "down_proj")
    slot.write(-slot.read())


def exchanged(model) -> None:
    one, other = matrix(model, 0, "gate_proj"), matrix(model, 0, "up_proj")
    a, b = one.read(), other.read()
    one.write(b)
    other.write(a)


def flipped(model) -> None:
    slot = matrix(model, 1, "up_proj")
    large = slot.read()
    large.view(-1)[::50] *= 64
    slot.write(large)


def shifted(model) -> None:
    table = model.get_input_embeddings().weight
    table.data.copy_(table.data.roll(1, 0))


@pytest.mark.parametrize(
    ("damage", "family", "where", "errors"),
    [
        (negated, "sign", "block 0 mlp", 4),
        (shifted, "rows", "embedding by -1", 4),
        (flipped, "outliers", "block 1", 4),
        # after so few steps these matrices matter little: more standard errors would be asked of a trained model
        (transposed, "transposed", "block 1 self_attn.q_proj", 1.5),
        (exchanged, "swapped", "block 0 mlp.gate_proj and mlp.up_proj", 2),
    ],
)
def test_damage_is_mended_by_its_inverse(damage, family, where, errors, healthy, monkeypatch):
    model, windows = copying.deepcopy(healthy[0]), healthy[1]
    damage(model)
    kept = [e for e in edits.listed(model) if e.family == family]
    monkeypatch.setattr(repairs, "listed", lambda model: kept)
    best = found(model, windows)["gains"][0]
    assert best["where"].startswith(where)
    assert best["nats"] > errors * best["error"]


def test_nothing_mends_a_healthy_model(healthy, monkeypatch):
    model, windows = healthy
    kept = [e for e in edits.listed(model) if e.family in ("transposed", "swapped", "rotary", "order", "rows", "sign")]
    monkeypatch.setattr(repairs, "listed", lambda model: kept)
    measured = found(model, windows)
    assert measured["tried"] == measured["total"] == len(kept) > 50
    assert all(gain["nats"] < 4 * gain["error"] for gain in measured["gains"])


def logits(model):
    with torch.inference_mode():
        return model(input_ids=torch.arange(5, 25)[None]).logits


@pytest.mark.parametrize("quantization", ["float32", "int8"])
def test_every_change_does_something_and_is_taken_back_to_the_bit(quantization, healthy, tiny):
    model = healthy[0]
    if quantization == "int8":
        model = loading.load(
            tiny[0], kind="decoder", quantization="int8", device="cpu", dtype="bfloat16", progress=lambda *_: None
        ).model
    before, idle = logits(model), []
    every = [e for e in edits.listed(model) if e.family != "outliers"]  # a healthy model has none
    for edit in itertools.islice(sorted(every, key=lambda e: e.where), 0, None, 2):
        with torch.inference_mode(), edit.change():
            if torch.equal(logits(model), before):
                idle.append(edit.where)
    assert torch.equal(logits(model), before)
    assert not idle


def test_the_time_allowed_is_kept_and_what_was_left_out_is_told(healthy):
    measured = repairs.measure(*healthy, budget_seconds=0.0, progress=lambda done, total: None)
    assert measured["tried"] == 0 < measured["total"]


def test_a_text_too_short_is_told(healthy):
    assert "skipped" in repairs.measure(healthy[0], [[1, 2]], budget_seconds=1.0, progress=lambda done, total: None)
