"""How far a smoke run is, in words: its stages have names for programs, and pages show sentences."""

from __future__ import annotations

from smoke.run import Progress

STAGES = {
    "plan": "Planning",
    "start": "Starting the engine",
    "tensors": "Looking through tensors",
    "load": "Loading",
    "likelihood": "Reading the probe text",
    "languages": "Reading other languages",
    "generate": "Answering prompts",
    "blocks": "Turning blocks down",
    "agreement": "Comparing with full precision",
    "representations": "Comparing representations",
    "cold_start": "Starting anew",
}
COUNTED = {"load": "Loading shard", "generate": "Prompt", "blocks": "Block", "cold_start": "Start", "tensors": "Tensor"}


def sentence(progress: Progress) -> str:
    """The stage and, where its units can be counted by people, how many of them are done."""
    words = STAGES.get(progress.stage) or progress.stage.replace("_", " ").capitalize()
    if progress.total <= 1:
        return words
    counted = COUNTED.get(progress.stage)
    return f"{counted} {progress.done} of {progress.total}" if counted else words
