"""Declaring: the file that a run on the exported weights leaves for later ones."""

import json
from typing import Any

import jsonschema
import pytest

from smoke.__main__ import main
from smoke.by_token import TokenLosses
from smoke.declaring import declaration, written
from smoke.probes import LOSSES_BYTES, Probe
from smoke.reference import probe_schema
from smoke.report import Outcome, SmokeReport
from tests.unit.smoke.test_by_token import CAST, measured

PROBE = Probe("Held out.\n", bits_per_byte=9.9, window=512)


def report_of(found: dict[str, Any]) -> SmokeReport:
    return SmokeReport(Outcome.PASS, "healthy", "Fine.", measurements=found)


def test_what_was_measured_on_the_unrounded_weights_is_declared(tmp_path):
    found = measured(0.0)
    found |= {"bits_per_byte": 1.51, "nats_per_token": 3.02, "full": {**found["full"], "float32_nats_per_token": 3.0}}
    made = declaration(PROBE, report_of(found | {"probe": {"window": 128}}))
    assert (made.text, made.bits_per_byte, made.window) == (PROBE.text, 1.5, 128)
    assert made.token_losses == TokenLosses.of(found)
    assert made.token_losses is not None and made.token_losses.cast_nats == CAST
    place = tmp_path / "probe.json"
    place.write_text(written(made))
    assert Probe.read(place) == made
    jsonschema.validate(json.loads(written(made)), probe_schema())


@pytest.mark.parametrize("found", [{}, measured(None, None), measured(None, None, token_nats=[1.0] * 200)])
def test_what_a_quantizer_made_of_the_weights_is_not_declared(found):
    with pytest.raises(ValueError, match="unrounded weights was not measured"):
        declaration(PROBE, report_of(found))


def test_the_longest_list_fits_beside_the_longest_text():
    longest = TokenLosses((99.1234,) * 2048, "float32", 23, 0.123456789)
    assert len(json.dumps(longest.to_json())) < LOSSES_BYTES / 2


def test_declaring_needs_a_probe_and_a_folder(tmp_path, capsys):
    text = tmp_path / "probe.txt"
    text.write_text("Held out.")
    assert main(["run", str(tmp_path), "--declare", str(tmp_path / "made.json")]) == 2
    assert "--declare" in capsys.readouterr().err
    assert main(["run", str(tmp_path), "--probe", str(text), "--declare", str(tmp_path / "no" / "made.json")]) == 2
    assert "there is no folder" in capsys.readouterr().err
