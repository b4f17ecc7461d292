"""The time that a search has used: the processor's own where the model runs there, however busy the machine is.

Owns: that clock alone. Refuses to own: what is done in the time (`smoke.repairs`, `smoke.blocks`).
Imports torch: only the confined process imports this module.
"""

from __future__ import annotations

import time
from typing import Any

import torch

PATIENCE = 4.0
"""So many times its budget a search may take on the clock: another's work must not stall the run without end."""


class Budget:
    """Seconds that a search may take.

    On a processor they are those that its threads computed for, each on average: what others compute meanwhile shortens
    no search, so that what it finds does not depend on them. Elsewhere they are those of the clock.
    """

    def __init__(self, seconds: float, model: Any) -> None:
        self.seconds = seconds
        parameter = next(model.parameters(), None)
        self._is_here = parameter is None or parameter.device.type == "cpu"
        self._begun = (time.process_time(), time.monotonic())

    def spent(self) -> float:
        """Seconds used since it began."""
        on_the_clock = time.monotonic() - self._begun[1]
        if not self._is_here:
            return on_the_clock
        computed: float = (time.process_time() - self._begun[0]) / max(1, torch.get_num_threads())
        return max(computed, on_the_clock / PATIENCE)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self.spent() > self.seconds
