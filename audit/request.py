"""The id of the request at hand, so that every event and log line of one request can be found together."""

from collections.abc import Callable

_provider: Callable[[], str] = str


def use_provider(provider: Callable[[], str]) -> None:
    """Name the function that knows the id; composition does this once, since this app does not know the web."""
    global _provider
    _provider = provider


def current_request_id() -> str:
    """Empty outside a request."""
    return _provider()
