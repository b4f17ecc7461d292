"""Cases that people put to the checkers: how they are read from text, and how one is refused.

Owns the one refusal that every reader of a case raises. What the keys mean belongs to the readers of each kind of case.
"""

from __future__ import annotations


class CaseRefused(ValueError):
    """A case that cannot be judged because of what stands at one key; says which, and what would do instead."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}" if key else message)
        self.key = key
        self.message = message
