"""Checkpoints that try it through the loader: each is contained, and reported with a code and a sentence."""

import json
from pathlib import Path

import pytest

from smoke.checkpoint import open_checkpoint
from smoke.plan import make_plan
from smoke.preparing import show
from smoke.report import Outcome

pytestmark = pytest.mark.torch


def changed(folder: Path, name: str, **fields) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_settings_that_ask_for_endless_writing_are_not_read(smoke, copy):
    changed(
        copy,
        "generation_config.json",
        max_new_tokens=10**9,
        min_new_tokens=10**9,
        num_beams=10**4,
        cache_implementation="static",
        eos_token_id=[10**6, "x"],
    )
    report = smoke(copy)
    assert report.outcome is Outcome.PASS, report.reason
    assert max(sample.tokens for sample in report.samples) <= 64


def test_kernels_of_a_hub_are_not_fetched(smoke, copy):
    changed(copy, "config.json", _attn_implementation="kernels-community/flash-attn")
    report = smoke(copy)
    assert (report.outcome, report.code) == (Outcome.NOT_RUN, "remote_code")
    assert "never fetched" in report.reason


def test_code_that_the_tokenizer_names_is_never_run(smoke, copy, tmp_path):
    changed(copy, "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Evil", None]}, tokenizer_class="Evil")
    (copy / "evil.py").write_text(f"open({str(tmp_path / 'was_here')!r}, 'w')")
    report = smoke(copy)
    assert not (tmp_path / "was_here").exists()
    assert (report.outcome, report.code) == (Outcome.WARN, "tokenizer")
    assert "custom code" in report.reason


def test_a_tokenizer_with_an_endless_pattern_fails(smoke, copy):
    """The regular expressions of tokenizers go back and try again: this one nearly forever."""
    path = copy / "tokenizer.json"
    content = json.loads(path.read_text())
    endless = {"type": "Split", "pattern": {"Regex": r"^(([a-z])+.)+[A-Z]([a-z])+\x00$"}, "behavior": "Isolated"}
    pieces = [endless | {"invert": False}, content["pre_tokenizer"]]
    path.write_text(json.dumps(content | {"pre_tokenizer": {"type": "Sequence", "pretokenizers": pieces}}))
    report = smoke(copy, cpu_seconds=12)
    assert (report.outcome, report.code) in {(Outcome.FAIL, "panic"), (Outcome.FAIL, "limit_cpu")}, report.reason
    assert report.reason


def test_a_template_that_allocates_without_end_fails(smoke, copy):
    (copy / "chat_template.jinja").write_text("{% set x = 'x' * 10000000000 %}{{ x }}")
    report = smoke(copy)
    assert (report.outcome, report.code) in {(Outcome.FAIL, "chat_template"), (Outcome.FAIL, "limit_memory"),
                                             (Outcome.FAIL, "memory")}, report.reason  # fmt: skip


def test_links_that_lead_outside_are_not_followed(copy, tmp_path):
    """Neither as an extra file, nor as a folder, nor in place of the weights."""
    secret = tmp_path / "secret.txt"
    secret.write_text("the lab's")
    (copy / "vocab.txt").symlink_to(secret)
    (copy / "more").symlink_to(tmp_path)
    shown = show(open_checkpoint(copy), tmp_path / "view")
    assert str(secret) not in shown
    assert not list((tmp_path / "view").rglob("*.txt"))
    weights = copy / "model.safetensors"
    moved = weights.rename(tmp_path / "model.safetensors")
    weights.symlink_to(moved)
    plan = make_plan(copy)
    assert (plan.runnable, plan.code) == (False, "no_weights")


@pytest.mark.parametrize(
    "fields",
    [
        {"num_hidden_layers": 10**9},
        {"vocab_size": 10**12},
        {"hidden_size": 10**9},
        {"num_attention_heads": 10**9},
    ],
    ids=str,
)
def test_numbers_beyond_every_model_are_refused_unread(copy, fields):
    changed(copy, "config.json", **fields)
    plan = make_plan(copy)
    assert (plan.runnable, plan.code) == (False, "bad_config")
    assert next(iter(fields)) in plan.reason
