"""Writing with a cache against reading all at once: ties are no difference, another text is."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from smoke.generation import agreeing

pytestmark = pytest.mark.torch

WORDS = 5


class Fixed:
    """A model whose logits are given: one row for each place, whatever is read."""

    device = torch.device("cpu")

    def __init__(self, rows: list[list[float]]) -> None:
        self.rows, self.read = rows, []

    def __call__(self, input_ids: torch.Tensor, **_: Any) -> Any:
        self.read = input_ids[0].tolist()
        return SimpleNamespace(logits=torch.tensor([self.rows]))


def row(best: int, second: int = 0, gap: float = 5.0) -> list[float]:
    numbers = [-9.0] * WORDS
    numbers[second], numbers[best] = 1.0 - gap, 1.0
    return numbers


@pytest.mark.parametrize(
    ("rows", "share"),
    [
        ([row(2), row(3), row(4)], 1.0),
        # the second word was as likely as another, and what follows is asked for after the text as it was written
        ([row(2), row(1, 3, 0.05), row(4)], 1.0),
        ([row(2), row(1, 3, 0.2), row(4)], 2 / 3),
        ([row(0), row(1), row(1)], 0.0),
        ([[float("nan")] * WORDS] * 3, 0.0),
    ],
)
def test_each_token_is_asked_for_after_the_same_text(rows, share):
    # the last row is what would follow the last word: nobody wrote that
    model = Fixed([*rows, row(0)])
    assert agreeing(model, [0], [2, 3, 4]) == pytest.approx(share)
    assert model.read == [0, 2, 3, 4]


def test_nothing_written_is_no_difference():
    assert agreeing(Fixed([]), [0], []) == 1.0
