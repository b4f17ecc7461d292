"""Django's PostgreSQL backend, with cursors that prepare their statements and a health check that asks the kernel.

Owns how this project's connections differ from Django's, and nothing of what is asked on them.
"""

from __future__ import annotations

import select
from typing import Any

from django.db.backends.postgresql import base, operations


class DatabaseOperations(operations.DatabaseOperations):
    """What is said of a statement that ran."""

    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str | None:
        """The statement with its values; the driver remembers none that was prepared."""
        return super().last_executed_query(cursor, sql, params) or self.compose_sql(sql, params)


class DatabaseWrapper(base.DatabaseWrapper):
    """One connection of one thread."""

    ops_class = DatabaseOperations

    def get_connection_params(self) -> dict[str, Any]:
        """Let cursors that bind on the server prepare what they run, at once; all others are of the kind that can't."""
        return super().get_connection_params() | {"prepare_threshold": 0}

    def prepared_cursor(self) -> Any:
        """A cursor like `cursor()` whose statements the server parses and plans once for each connection.

        For statements that are written out and run often: each one stays in the server's memory.
        """
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            return self._prepare_cursor(base.ServerBindingCursor(self.connection))

    def is_usable(self) -> bool:
        """Whether the connection still stands, without a question to the server.

        A server that ends a connection says so, and then there is something to read, where there is nothing on one that
        waits. After an error, or where something is there, the question is asked.
        """
        if self.connection is None or self.connection.closed:
            return False
        if self.errors_occurred or _is_readable(self.connection.fileno()):
            return super().is_usable()
        return True


def _is_readable(number: int) -> bool:
    poll = select.poll()
    poll.register(number, select.POLLIN | select.POLLPRI)
    return bool(poll.poll(0))
