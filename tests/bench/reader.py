"""Reads the begin of a file from a web server by several connections at once, to nowhere; prints the seconds it took.

Run as a program: host:port, path, token, connections, bytes of each. One thread and bare sockets, so that what is
measured is the server.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time

BUFFER_BYTES = 1 << 20


def main(address: str, path: str, token: str, connections: int, size_bytes: int) -> float:
    """Seconds until all have read their bytes; raises where one is refused or cut."""
    host, _, port = address.partition(":")
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n"
        f"Range: bytes=0-{size_bytes - 1}\r\nConnection: close\r\n\r\n"
    ).encode()
    selector, buffer = selectors.DefaultSelector(), bytearray(BUFFER_BYTES)
    began = time.perf_counter()
    for _ in range(connections):
        sock = socket.create_connection((host, int(port)))
        sock.sendall(request)
        selector.register(sock, selectors.EVENT_READ, {"got": 0, "head": b""})
    left = connections
    while left:
        for key, _ in selector.select(60):
            state = key.data
            count = key.fileobj.recv_into(buffer)  # type: ignore[union-attr]
            is_over = not count
            if state["got"] == 0 and not state["head"].endswith(b"\r\n\r\n"):
                block = state["head"] + bytes(buffer[:count])
                head, end, body = block.partition(b"\r\n\r\n")
                state["head"] = head + end
                if end and not head.startswith((b"HTTP/1.1 206", b"HTTP/1.1 200")):
                    raise SystemExit(head.decode(errors="replace"))
                count = len(body) if end else 0
            state["got"] += count
            if state["got"] >= size_bytes:
                selector.unregister(key.fileobj)
                left -= 1
            elif is_over:
                raise SystemExit(f"cut after {state['got']} of {size_bytes} bytes")
    return time.perf_counter() - began


if __name__ == "__main__":
    print(main(*sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])))
