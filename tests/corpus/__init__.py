"""The corpus of hostile and broken checkpoints, shared by the tests, the benches and the comparison of scanners."""

from tests.corpus import (
    archive_cases,
    code_cases,
    folder_cases,
    gguf_cases,
    graph_cases,
    pickle_cases,
    safetensors_cases,
    template_cases,
)
from tests.corpus.cases import Case

PARTS = (
    safetensors_cases,
    pickle_cases,
    archive_cases,
    gguf_cases,
    template_cases,
    code_cases,
    graph_cases,
    folder_cases,
)


def hostile() -> list[Case]:
    """Every case, in the order of the files."""
    return [case for part in PARTS for case in part.cases()]
