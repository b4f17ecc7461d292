"""How often something happened in a while: one trip to the cache each time, and never in anybody's way.

The cache may lose what was counted, and with it away nobody can count: whoever asks is then let on. Knows no rule.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.core.cache import cache

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Counter:
    """What is counted under `key` for `seconds` from the first time on, and how much of it is too much.

    Counted before the act, so that a burst of simultaneous ones is counted too.
    """

    key: str
    limit: int
    seconds: int

    def count(self) -> int:
        """Add one and return how many there are now; 0 where nobody can count."""
        return self._changed("incr", first=0)

    def is_exceeded(self) -> bool:
        """Add one; whether that was one too many."""
        return self.count() > self.limit

    def forgive(self, *, all_of_them: bool) -> None:
        """Take back the one that was in order, or with it those before it."""
        self._changed("delete" if all_of_them else "decr", first=1)

    def _changed(self, command: str, *, first: int) -> int:
        """What the command answers, where there was `first` with an end if there was nothing."""
        try:
            key = cache.make_and_validate_key(self.key)
            # Django's own increments ask first whether the key is there, and set no end.
            with cache._cache.get_client(key, write=True).pipeline() as together:
                together.set(key, first, ex=self.seconds, nx=True)
                getattr(together, command)(key)
                return int(together.execute()[1])
        except Exception as error:  # whatever the cache's client raises when its server is away
            log.warning("Nothing can be counted: %s", error)
            return 0
