"""Events of the protocol's doors, in words."""

from __future__ import annotations

from collections.abc import Callable

from audit.models import Event


def _pull(verb: str) -> Callable[[Event], str]:
    return lambda event: (
        f"{verb} pull request {event.facts.get('number')} of {event.subject_label}: “{event.facts.get('title')}”."
    )


SENTENCES: dict[str, Callable[[Event], str]] = {
    "hub:device_login:confirmed": lambda event: f"Let a program at {event.facts.get('address')} log in as themselves.",
    "hub:device_login:denied": lambda event: f"Turned away a program at {event.facts.get('address')}.",
    "hub:pull_request:opened": _pull("Opened"),
    "hub:pull_request:offered": _pull("Offered"),
    "hub:pull_request:renamed": _pull("Renamed"),
    "hub:pull_request:closed": _pull("Closed"),
    "hub:pull_request:reopened": _pull("Reopened"),
    "hub:pull_request:merged": _pull("Merged"),
}
