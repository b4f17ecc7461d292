"""The events of gating in sentences; answers are personal and stand in none of them."""

from __future__ import annotations

from collections.abc import Callable

from audit.models import Event


def _of(verb: str, *, why: bool = False) -> Callable[[Event], str]:
    def sentence(event: Event) -> str:
        facts = event.facts
        reason = f" Reason: {facts['reason']}" if why and facts.get("reason") else ""
        return f"{verb.format(user=facts.get('user'), variant=facts.get('variant'))}{reason}"

    return sentence


SENTENCES: dict[str, Callable[[Event], str]] = {
    "gating:gate:set": lambda e: f"Wrote version {e.facts.get('number')} of the gate of {e.subject_label}.",
    "gating:gate:put_in_force": lambda e: (
        f"Put version {e.facts.get('number')} of the gate of {e.subject_label} in force."
    ),
    "gating:request:asked": _of("{user} asked for access to {variant}."),
    "gating:request:renewal_asked": _of("{user} asked for renewal of their access to {variant}."),
    "gating:request:accepted": _of("Gave {user} access to {variant}.", why=True),
    "gating:request:granted": _of("Granted {user} access to {variant} directly."),
    "gating:request:rejected": _of("Rejected the request of {user} for {variant}.", why=True),
    "gating:request:reopened": _of("Reopened the request of {user} for {variant}.", why=True),
    "gating:request:cancelled": _of("{user} withdrew their request for {variant}."),
    "gating:request:revoked": _of("Revoked the access of {user} to {variant}.", why=True),
}
