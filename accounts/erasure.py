"""Who else keeps personal data of a user, and takes it out when the person is erased. Apps above register here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from accounts.models import User

# Takes the user, the pseudonym that stands for them from then on, and the moment; says how many rows it changed.
Eraser = Callable[[User, str, datetime], int]
_erasers: dict[str, Eraser] = {}
_holders: dict[str, Callable[[User], bool]] = {}


def register(what: str, eraser: Eraser) -> None:
    """Have `eraser` called, in the transaction of the erasure, for what it is named by."""
    _erasers[what] = eraser


def register_duty(what: str, is_held: Callable[[User], bool]) -> None:
    """Name what keeps a person from being erased as long as they hold it."""
    _holders[what] = is_held


def erase_elsewhere(user: User, pseudonym: str, at: datetime) -> dict[str, int]:
    """Call all; how many rows each changed."""
    return {what: eraser(user, pseudonym, at) for what, eraser in sorted(_erasers.items())}


def duties_of(user: User) -> list[str]:
    """What the person still holds."""
    return [what for what, is_held in sorted(_holders.items()) if is_held(user)]
