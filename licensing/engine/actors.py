"""What can be told of a licensee by what they are.

Owns the words for kinds of actors. It infers only what follows from a fact that was given.
"""

from __future__ import annotations

from licensing.engine.case import Actor

PERSONS = frozenset({"person", "individual", "natural_person"})
NON_COMMERCIAL_BODIES = frozenset(
    {
        "university",
        "academic",
        "school",
        "research_institute",
        "nonprofit",
        "non_profit",
        "ngo",
        "charity",
        "government",
        "public_body",
    }
)
# A private person or a public body serves no hundred million users; that follows from what they are, not from silence.
SMALL_BY_NATURE = PERSONS | NON_COMMERCIAL_BODIES
COMMERCIAL_BODIES = frozenset({"company", "corporation", "startup", "business", "enterprise", "firm", "sme"})


def is_commercial_body(actor: Actor) -> bool | None:
    """Whether the actor is in business; None where that is not known."""
    if actor.kind in COMMERCIAL_BODIES:
        return True
    return False if actor.kind in SMALL_BY_NATURE else None


def is_end_user(actor: Actor) -> bool:
    """Whether the actor has the material only inside somebody else's product."""
    return "product" in actor.receives_as or "end_user" in actor.receives_as
