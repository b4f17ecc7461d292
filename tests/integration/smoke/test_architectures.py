"""Other architectures than the demonstration's: quantized, asked in their own way, compared with themselves."""

import json
import random
import shutil
from pathlib import Path

import pytest

from smoke.probes import Probe
from smoke.report import Outcome, Severity, SmokeReport

pytestmark = pytest.mark.torch


def codes(report: SmokeReport) -> set[str]:
    return {m.code for m in report.metrics if not m.ok and m.severity is Severity.FAIL}


def fit(model, batches, steps: int, rate: float = 3e-3) -> None:
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    model.train()
    for _ in range(steps):
        loss = model(**next(batches)).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()


def rows(tokenizer, length=64, batch=8):
    import torch

    from smoke.tiny import corpus

    rng = random.Random(0)
    stream = torch.tensor(tokenizer("\n".join(corpus()[0][:20]))["input_ids"])
    while True:
        starts = [rng.randrange(len(stream) - length) for _ in range(batch)]
        yield torch.stack([stream[s : s + length] for s in starts])


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Models this small are slower on several threads, by far on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tokenizer(tiny):
    import transformers

    return transformers.AutoTokenizer.from_pretrained(tiny[0], local_files_only=True)


def save(model, tokenizer, folder: Path) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def damage(folder: Path, out: Path, name: str, change) -> Path:
    """A copy with one tensor changed."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(folder, out)
    tensors = load_file(out / "model.safetensors")
    tensors[name] = change(tensors[name]).contiguous()
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    return out


@pytest.fixture(scope="module")
def encoder(tokenizer, tmp_path_factory) -> Path:
    import torch
    import transformers

    tokenizer.add_special_tokens({"mask_token": "<|pad|>"})
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=1024, hidden_size=96, num_hidden_layers=3, num_attention_heads=4, intermediate_size=192,
        max_position_embeddings=256, pad_token_id=2,
    )  # fmt: skip
    model = transformers.BertForMaskedLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _, ids in zip(range(60), rows(tokenizer, batch=16), strict=False):
        # both halves of a passage belong together, and hidden words are to be guessed
        pooled = [model.bert(half).last_hidden_state.mean(1) for half in ids.split(32, dim=1)]
        left, right = (torch.nn.functional.normalize(p, dim=-1) for p in pooled)
        apart = torch.nn.functional.cross_entropy(left @ right.T / 0.1, torch.arange(16))
        hidden = torch.rand(ids.shape) < 0.15
        guessed = model(input_ids=ids.masked_fill(hidden, 2), labels=ids.masked_fill(~hidden, -100)).loss
        (apart + guessed).backward()
        optimizer.step()
        optimizer.zero_grad()
    return save(model, tokenizer, tmp_path_factory.mktemp("encoder") / "model")


def test_an_encoder_is_asked_for_representations_and_compared_with_itself(smoke, encoder, tiny, tmp_path):
    probe = Probe(tiny[1].text, declared=False)
    first = smoke(encoder, probe=probe)
    assert first.outcome in (Outcome.PASS, Outcome.WARN), first.reason
    measured = {m.code: m for m in first.metrics}
    assert measured["finite_logits"].ok
    assert measured["collapse"].ok
    assert measured["masked"].value > 0
    name = "bert.encoder.layer.1.output.dense.weight"
    damaged = smoke(damage(encoder, tmp_path / "flipped", name, lambda t: -t), probe=probe, reference=first)
    assert "reference" in codes(damaged)


@pytest.fixture(scope="module")
def translator(tokenizer, tmp_path_factory) -> Path:
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.T5Config(
        vocab_size=1024, d_model=96, d_kv=24, d_ff=192, num_layers=2, num_heads=4, pad_token_id=2, eos_token_id=1,
        decoder_start_token_id=2, dropout_rate=0.0,
    )  # fmt: skip
    model = transformers.T5ForConditionalGeneration(config)

    def batches():
        for ids in rows(tokenizer):
            yield {"input_ids": ids[:, :32], "labels": ids[:, 32:].contiguous()}

    fit(model, batches(), 80, rate=1e-2)
    return save(model, tokenizer, tmp_path_factory.mktemp("translator") / "model")


def test_an_encoder_decoder_continues_and_is_compared_with_itself(smoke, translator, tiny, tmp_path):
    probe = Probe(tiny[1].text, window=64)
    first = smoke(translator, probe=probe)
    assert first.outcome in (Outcome.PASS, Outcome.WARN), first.reason
    assert len(first.samples) == 3
    assert {m.code: m.ok for m in first.metrics}["determinism"]
    damaged = smoke(
        damage(translator, tmp_path / "shifted", "shared.weight", lambda t: t.roll(1, dims=0)),
        probe=probe,
        reference=first,
    )
    assert "reference" in codes(damaged)


@pytest.fixture(scope="module")
def gpt2(tokenizer, tmp_path_factory) -> Path:
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=1024, n_positions=128, n_embd=96, n_layer=3, n_head=4, bos_token_id=0, eos_token_id=1,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    model = transformers.GPT2LMHeadModel(config)

    def batches():
        for ids in rows(tokenizer):
            yield {"input_ids": ids, "labels": ids}

    fit(model, batches(), 60)
    return save(model, tokenizer, tmp_path_factory.mktemp("gpt2") / "model")


def test_transposed_matrices_are_quantized_as_well(smoke, gpt2, tiny):
    """GPT-2 keeps its matrices the other way round, and shares its head with the embedding."""
    report = smoke(gpt2, quantization="int4", probe=Probe(tiny[1].text, window=64), is_thorough=True)
    found = {m.code: m for m in report.metrics}
    assert not codes(report) & {"missing_keys", "mismatched_keys", "tensors", "finite_logits"}, report.reason
    assert found["agreement"].ok, found["agreement"].reason
    assert report.measurements["engine"]["quantized_modules"] == 12


def test_an_unknown_architecture_is_not_run(smoke, copy):
    config = json.loads((copy / "config.json").read_text())
    config |= {"model_type": "never-heard-of", "architectures": ["NeverHeardOfForCausalLM"]}
    (copy / "config.json").write_text(json.dumps(config))
    report = smoke(copy)
    assert (report.outcome, report.code) == (Outcome.NOT_RUN, "unsupported_architecture")
