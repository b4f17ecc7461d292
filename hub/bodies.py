"""The body of a request in blocks, with as few copies as the server in front allows.

Knows one server from within, gunicorn, whose own reading copies a large body several times over; with any other, or
where gunicorn looks different than expected, the body is read as WSGI says.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

from gunicorn.http.body import Body, LengthReader


def blocks(source: Any, announced: int | None, size: int) -> Iterator[bytes]:
    """What arrives, until `announced` bytes did or the sender fell silent; without a length, until the end."""
    reader = getattr(source, "reader", None)
    is_plain = isinstance(source, Body) and type(reader) is LengthReader and source.buf.tell() == 0
    if is_plain and announced == reader.length:
        yield from _straight(source, reader, size)
        return
    received = 0
    while block := source.read(size if announced is None else min(size, announced - received)):
        received += len(block)
        yield block


def _straight(body: Body, reader: LengthReader, size: int) -> Iterator[bytes]:
    """Each piece as the socket gave it, counted off so that gunicorn knows where the next request begins.

    What gunicorn holds already comes first; then the system is asked for whole blocks, since every short one costs a
    change of threads.
    """
    socket_itself = getattr(reader.unreader, "sock", None)
    while reader.length:
        try:
            if type(socket_itself) is socket.socket and not reader.unreader.buf.getbuffer().nbytes:
                block = socket_itself.recv(min(reader.length, size), socket.MSG_WAITALL)
            else:
                block = reader.unreader.read(None, read_ahead=min(reader.length, size))
        except Exception:
            body.failed = True
            raise
        if not block:
            return
        if len(block) > reader.length:
            reader.unreader.unread(block[reader.length :])
            block = block[: reader.length]
        reader.length -= len(block)
        yield block
