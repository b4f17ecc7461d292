"""One row for each piece of background work: enqueue, lease, sweep, progress. It knows nothing of what the work is."""

from jobs.handlers import Divide, Part, Retry, Route, handler

__all__ = ["Divide", "Part", "Retry", "Route", "handler"]
