"""How often something happened in a while: one trip to Redis each time, and never in anybody's way.

Redis may lose what was counted, and with it away nobody can count: whoever asks is then let on. Knows no rule.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

log = logging.getLogger(__name__)
PREFIX = "count:"
# In one step, so that nothing is ever counted without an end.
CHANGE = """
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2], 'NX')
return redis.call(ARGV[3], KEYS[1])
"""
# A server that hangs would hold up everybody for as long as it is waited for, time after time.
WAIT_SECONDS, QUIET_SECONDS = 1.0, 5.0
_quiet_until = 0.0


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
        return self._changed("INCR", first=0)

    def is_exceeded(self) -> bool:
        """Add one; whether that was one too many."""
        return self.count() > self.limit

    def forgive(self, *, all_of_them: bool) -> None:
        """Take back the one that was in order, or with it those before it."""
        self._changed("DEL" if all_of_them else "DECR", first=1)

    def _changed(self, command: str, *, first: int) -> int:
        """What the command answers, where there was `first` with an end if there was nothing."""
        global _quiet_until
        if time.monotonic() < _quiet_until:
            return 0
        try:
            return int(_change()(keys=[PREFIX + self.key], args=[first, self.seconds, command]))
        except (redis.RedisError, OSError) as error:
            _quiet_until = time.monotonic() + QUIET_SECONDS
            log.warning("Nothing can be counted, and for %g s nobody tries: %s", QUIET_SECONDS, error)
            return 0


@cache
def _change() -> Script:
    """The script, with this process's one client; no question is asked before the first count."""
    once = Retry(NoBackoff(), retries=1)
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=WAIT_SECONDS, socket_timeout=WAIT_SECONDS, retry=once
    )
    return client.register_script(CHANGE)
