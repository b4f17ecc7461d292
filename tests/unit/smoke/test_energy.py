"""Counters of energy: read before and after, also when they began anew, and a reason where there are none."""

import sys
from types import SimpleNamespace

import pytest

from smoke.energy import Meter


@pytest.fixture
def zone(tmp_path):
    """One processor package, and a part of it that it already counts."""
    for name in ("intel-rapl:0", "intel-rapl:0:0"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "energy_uj").write_text("5000000\n")
        (folder / "max_energy_range_uj").write_text("10000000\n")
    return tmp_path / "intel-rapl:0" / "energy_uj"


def test_a_processor_that_counts_tells_joules(zone, tmp_path):
    meter = Meter("cpu", powercap=tmp_path)
    zone.write_text("7500000")
    spent = meter.spent()
    assert (spent.joules, spent.source) == (2.5, "powercap")
    assert "whole device" in spent.reason


def test_a_counter_that_began_anew_is_counted_around(zone, tmp_path):
    meter = Meter("cpu", powercap=tmp_path)
    zone.write_text("1000000")
    assert meter.spent().joules == 6.0


@pytest.mark.parametrize("text", ["", "text"])
def test_a_counter_that_breaks_off_tells_no_number(zone, tmp_path, text):
    meter = Meter("cpu", powercap=tmp_path)
    zone.write_text(text)
    spent = meter.spent()
    assert spent.joules is None
    assert spent.reason


def test_nothing_that_counts_is_said(tmp_path):
    assert "no powercap" in Meter("cpu", powercap=tmp_path).spent().reason
    assert "xpu" in Meter("xpu:0").spent().reason
    assert Meter("cuda:0").spent().to_json()["joules"] is None


@pytest.mark.parametrize(
    ("visible", "asked"), [("", "0"), ("3,5", "3"), ("GPU-1234", "GPU-1234")], ids=["all", "numbers", "names"]
)
def test_the_driver_is_asked_for_the_device_that_is_visible(monkeypatch, visible, asked):
    """The driver's library is not here; what is held is which device it is asked for, and its millijoules."""
    counts, seen = iter([2000, 5500]), []
    library = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByIndex=lambda number: seen.append(str(number)),
        nvmlDeviceGetHandleByUUID=lambda name: seen.append(name.decode()),
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: next(counts),
    )
    monkeypatch.setitem(sys.modules, "pynvml", library)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    spent = Meter("cuda:0").spent()
    assert (spent.joules, spent.source, seen) == (3.5, "nvml", [asked])
