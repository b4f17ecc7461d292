"""From files, decisions and statements to what is disclosed; and how it is drawn."""

from __future__ import annotations

import math

import pytest

from licensing.openness.assessment import assess
from licensing.openness.facts import Availability, Gate
from licensing.openness.files import part_of, shown_by
from licensing.openness.framework import Part
from licensing.openness.gathering import OnRecord, gather
from licensing.openness.statements import Stated, StatedPart, stated_of
from licensing.openness_presenters import ABSENT, CLOSED, GATED, OPEN, UNKNOWN, UNLICENSED, standing, wheel
from registry.states import Component as Decided
from registry.states import Level

SHA = "a" * 64
WORDS = "Everything was collected from public pages and filtered for language. " * 5
CARD = f"# Nimbus\n\n## Training data\n\n{WORDS}\n\n## Evaluation\n\nTBD\n\nSee arxiv.org/abs/2401.00001.\n"


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("model-00001-of-00002.safetensors", Part.PARAMETERS),
        ("gguf/nimbus-q4.gguf", Part.PARAMETERS),
        ("checkpoint-500/model.safetensors", Part.INTERMEDIATE_PARAMETERS),
        ("step_1000/notes.txt", None),
        ("optimizer.pt", Part.METADATA),
        ("training_args.bin", Part.METADATA),
        ("README.md", Part.MODEL_CARD),
        ("docs/README.md", None),
        ("DATASHEET.md", Part.DATA_CARD),
        ("data_card.pdf", Part.DATA_CARD),
        ("Technical_Report.pdf", Part.TECHNICAL_REPORT),
        ("nimbus-paper.pdf", Part.RESEARCH_PAPER),
        ("train.py", Part.TRAINING_CODE),
        ("training/loop/step.py", Part.TRAINING_CODE),
        ("finetune_lora.ipynb", Part.TRAINING_CODE),
        ("preprocess_corpus.py", Part.PREPROCESSING_CODE),
        ("data/tokenize.py", Part.PREPROCESSING_CODE),
        ("preprocessor_config.json", None),
        ("inference.py", Part.INFERENCE_CODE),
        ("eval/run.py", Part.EVALUATION_CODE),
        ("evaluate.py", Part.EVALUATION_CODE),
        ("eval_results.json", Part.EVALUATION_RESULTS),
        ("results.md", Part.EVALUATION_RESULTS),
        ("eval_data/questions.jsonl", Part.EVALUATION_DATA),
        ("modeling_nimbus.py", Part.ARCHITECTURE),
        ("config.json", None),
        ("tokenization_nimbus.py", Part.LIBRARIES),
        ("tokenizer.json", None),
        ("data/train-00000.parquet", Part.DATASETS),
        ("samples/one.txt", Part.SAMPLE_OUTPUTS),
        ("LICENSE", None),
    ],
)
def test_names_promise_components(path: str, part: Part | None) -> None:
    assert part_of(path) is part


def test_sections_of_the_card_count_where_they_say_something() -> None:
    shown = shown_by([("README.md", SHA)], CARD, {})
    assert shown.within_card == {Part.DATA_CARD} and shown.stubs == {Part.EVALUATION_RESULTS}
    assert shown.papers == ("2401.00001",)
    indexed = shown_by([("README.md", SHA)], CARD, {"model-index": [{"name": "nimbus"}]})
    assert Part.EVALUATION_RESULTS in indexed.within_card and not indexed.stubs
    beside = shown_by([("README.md", SHA), ("eval_results.json", SHA)], CARD, {})
    assert not beside.stubs and Part.EVALUATION_RESULTS in beside.files


def record(level: Level | None = Level.PUBLIC, **more: object) -> OnRecord:
    files = [("README.md", SHA), ("model.safetensors", SHA), ("train.py", SHA)]
    return OnRecord(level, **{"license": "apache-2.0", "shown": shown_by(files, CARD, {}), **more})  # type: ignore[arg-type]


def test_files_leave_at_the_level_of_the_release() -> None:
    for level, availability, gate in [
        (Level.PUBLIC, Availability.RELEASED, Gate.NONE),
        (Level.GATED, Availability.GATED, Gate.UNSETTLED),
        (None, Availability.ABSENT, None),
    ]:
        found = gather(record(level))
        assert found.weights.availability is availability and found.eu.gate is gate
        assert found.weights.files[0].sha256 == SHA
    assert gather(record(Level.GATED)).component(Part.MODEL_CARD).availability is Availability.RELEASED
    assert gather(record(Level.GATED)).component(Part.DATA_CARD).availability is Availability.RELEASED


def test_decisions_and_statements_settle_what_no_file_shows() -> None:
    stated = Stated({Part.DATASETS: StatedPart(Availability.ABSENT), Part.EVALUATION_CODE: StatedPart(
        Availability.RELEASED, "mit", "https://example.org")}, by="Ada on 1 May")  # fmt: skip
    decided = {Decided.TECHNICAL_REPORT: Level.HELD_BACK, Decided.INFERENCE_CODE: Level.PUBLIC}
    found = gather(record(stated=stated, decided=decided))
    assert found.component(Part.DATASETS).stated_by == "Ada on 1 May"
    assert found.component(Part.EVALUATION_CODE).is_open
    assert found.component(Part.TECHNICAL_REPORT).note == "it is held back by decision."
    assert "say where it lies" in found.component(Part.INFERENCE_CODE).note
    assert found.component(Part.EVALUATION_DATA).availability is Availability.UNKNOWN
    assert found.component(Part.EVALUATION_RESULTS).availability is Availability.ABSENT
    assert "2401.00001" in found.component(Part.RESEARCH_PAPER).note
    outside = gather(record(stated=stated, decided=decided, is_inside=False))
    assert outside.component(Part.TECHNICAL_REPORT).note == ""
    assert outside.component(Part.DATASETS).stated_by == "its owners"
    assert outside.component(Part.INFERENCE_CODE).note == ""


def test_a_file_goes_before_what_is_decided_and_stated() -> None:
    stated = Stated({Part.TRAINING_CODE: StatedPart(Availability.ABSENT)})
    found = gather(record(stated=stated, decided={Decided.TRAINING_CODE: Level.HELD_BACK}))
    assert found.component(Part.TRAINING_CODE).is_open


def test_a_release_without_weights_is_held_back() -> None:
    bare = OnRecord(None, shown=shown_by([("README.md", SHA)], CARD, {}))
    assert assess(gather(bare)).label.label.value == "held back"
    unnamed = OnRecord(Level.PUBLIC, shown=shown_by([("README.md", SHA)], CARD, {}))
    assert assess(gather(unnamed)).label.label.value == "held back"


def test_a_card_that_declares_another_license_makes_the_weights_doubtful() -> None:
    assert not gather(record(declared="llama3.1")).weights.is_open
    assert gather(record()).weights.is_open


def test_each_standing_has_its_segment() -> None:
    stated = stated_of(
        {
            "components": {
                "Datasets": {"is": "absent"},
                "Evaluation code": {"is": "gated", "license": "mit"},
                "Evaluation data": {"is": "released", "license": "cc-by-nc-4.0"},
                "Research paper": {"is": "released"},
            }
        }
    )
    drawn = wheel(assess(gather(record(stated=stated))))
    assert len(drawn.segments) == 17 and [arc.name for arc in drawn.arcs] == ["Class III", "Class II", "Class I"]
    assert {segment.status for segment in drawn.segments} == {OPEN, CLOSED, UNLICENSED, GATED, ABSENT, UNKNOWN}
    assert len({segment.sign for segment in drawn.segments}) == 6
    assert [segment.number for segment in drawn.segments] == list(range(1, 18))
    middle = (drawn.width / 2, drawn.height / 2)
    for segment in drawn.segments:
        x, y = (float(value) for value in segment.number_at)
        assert math.isclose(math.hypot(x - middle[0], y - middle[1]), 148, abs_tol=0.2)
        assert bool(segment.why) == (segment.status is not OPEN)
        assert standing(segment.component) is segment.status
    assert drawn.level == ""


@pytest.mark.parametrize("piece", ["# a\n", "## Training data\n", "<!--", "TBD ", "arxiv: 2401.00001 ", "\n"])
def test_hostile_cards_are_read_in_time(piece: str) -> None:
    from time import process_time

    begun = process_time()
    shown_by([("README.md", SHA)], piece * (1_000_000 // len(piece)), {})
    assert process_time() - begun < 2
