"""What a card says of its tests: facts as rows, no markup from outside, one section however often it is made."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date

import pytest

from release.tested_on import BEGIN, END, Trial, section, with_section

HEADING = "## License notices"
DIGEST = "sha256:" + "a" * 64
RUN = Trial(
    outcome="pass",
    device="NVIDIA H200 (cuda:0)",
    quantization="int8",
    made_on=date(2026, 11, 22),
    checkpoint=DIGEST,
    report="sha256:" + "b" * 64,
    bits_per_byte=1.896,
    tokens_per_second=681.03,
    versions={"torch": "2.13.0+cu130", "driver": "580.95"},
)
HARDWARE = [
    {"quantization": "bf16", "weights_bytes": 16 << 30, "fits_gigabytes": {"cpu": [32, 64], "cuda": [24]}},
    {"quantization": "int4", "weights_bytes": 900 << 20, "fits_gigabytes": {"cpu": [8], "cuda": []}},
]


def test_it_names_device_outcome_figures_versions_and_digests():
    text = section(RUN, HARDWARE)
    for row in (
        "| Outcome | Pass |",
        "| Device | NVIDIA H200 (cuda:0) |",
        "| Bits per byte | 1.8960 |",
        "| Tokens per second | 681.0 |",
        "| Versions | torch 2.13.0+cu130, driver 580.95 |",
        "| Date | 2026-11-22 |",
        f"| Checkpoint | `{DIGEST}` |",
        f"| Report | `sha256:{'b' * 64}` |",
        "| bf16 | 16.0 GiB | 32 GB | 24 GB |",
        "| int4 | 900 MiB | 8 GB | more than common |",
    ):
        assert row in text


def test_what_was_not_measured_has_no_row_and_nothing_makes_no_section():
    text = section(replace(RUN, bits_per_byte=None, tokens_per_second=None, versions=None), [])
    assert "Bits" not in text and "Tokens" not in text and "Versions" not in text and "## Hardware" not in text
    assert section(None, []) == ""
    assert "## Tested on" not in section(None, HARDWARE)


@pytest.mark.parametrize(("outcome", "word"), [("warn", "Pass, with warnings"), ("fail", "Fail"), ("odd", "Not run")])
def test_an_outcome_is_told_as_it_is(outcome, word):
    assert f"| Outcome | {word} |" in section(replace(RUN, outcome=outcome), [])


@pytest.mark.parametrize(
    "hostile",
    ["a | b", "<script>", "[x](http://x)", "`x`", f"x{END}y", "![i](j)", "a\n# b", "<!-- x", "**b**", "_e_ \\|"],
)
def test_words_of_a_report_are_no_markup(hostile):
    text = section(replace(RUN, device=hostile, versions={hostile: hostile}), [])
    rows = [line for line in text.splitlines() if line.startswith(("| Device", "| Versions"))]
    assert len(rows) == 2
    for row in rows:
        assert row.count("|") == 3 and not set("<>[]`*#\\!") & set(row)
    assert text.count(END) == 1


@pytest.mark.parametrize("card", ["", "# A model\n", "---\nlicense: mit\n---\n# A model\n\nText.", "text\n\n\n"])
def test_the_next_release_replaces_it_and_leaves_the_rest(card):
    made, later = section(RUN, HARDWARE), section(replace(RUN, outcome="fail"), [])
    once = with_section(card, made, before=HEADING)
    assert once.startswith(card.rstrip()) and once.endswith(f"{END}\n")
    assert with_section(once, made, before=HEADING) == once
    twice = with_section(once, later, before=HEADING)
    assert twice.count(BEGIN) == 1 and "| Outcome | Fail |" in twice and "| Outcome | Pass |" not in twice
    assert with_section(twice, "", before=HEADING).strip() == card.strip()


def test_it_stands_ahead_of_the_license_notices():
    card = f"# A model\n\n{HEADING}\n\n- Built with Llama\n"
    made = with_section(card, section(RUN, []), before=HEADING)
    assert made.index(END) < made.index(HEADING) and made.endswith("- Built with Llama\n")
    assert with_section(made, section(RUN, []), before=HEADING) == made


def test_a_card_without_one_keeps_its_bytes():
    for card in ("# A model", f"{BEGIN} never ended", "text\n\n\n\n"):
        assert with_section(card, "", before=HEADING) == card


def test_a_card_full_of_beginnings_takes_no_time():
    begun = time.process_time()
    with_section((BEGIN + "\n" * 50) * 8000, section(RUN, []), before=HEADING)
    assert time.process_time() - begun < 1
