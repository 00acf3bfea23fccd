# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thousands of servers in one: whatever connects to any loopback address of a node gets a line, or nothing at all.

One thread of the test answers for all of them, as in pool_lab; the socket belongs to the node.
"""

from __future__ import annotations

import bisect
import contextlib
import heapq
import selectors
import socket
import threading
import time

from netns.segment import Node

LINE = b"ready\r\n"
BACKLOG = 4096


class Crowd:
    """Counts who was asked, and how many were asked at a time."""

    def __init__(self, node: Node, hold: float, port: int = 0) -> None:
        """`hold`: seconds until a connection gets its line. `port`: 0 is any that is free."""
        self.hold = hold
        self.silent = False
        """Nobody gets anything from now on."""
        self.asked: dict[str, float] = {}
        """Address -> when somebody connected to it for the first time."""
        self.peak = 0
        """Most connections that were open at a time; an end is heard of a moment late, so it may be some too many."""
        with node.inside():
            self._listener = socket.create_server(("0.0.0.0", port), backlog=BACKLOG)
        self.port = int(self._listener.getsockname()[1])
        self._listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._waiting: list[tuple[float, int]] = []
        self._open: dict[int, socket.socket] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def busiest_second(self) -> int:
        """How many were asked for the first time within one second, at most."""
        times = sorted(self.asked.values())
        return max(bisect.bisect(times, begin + 1.0) - number for number, begin in enumerate(times))

    def close(self) -> None:
        """End it and every connection."""
        self._ended.set()
        self._thread.join()
        for connection in [*self._open.values(), self._listener]:
            connection.close()
        self._selector.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            for key, _events in self._selector.select(0.01):
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    self._heard(key.fd)
            while self._waiting and self._waiting[0][0] <= time.monotonic():
                self._answer(heapq.heappop(self._waiting)[1])

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                connection, _peer = self._listener.accept()
                connection.setblocking(False)
                self._open[connection.fileno()] = connection
                self._selector.register(connection, selectors.EVENT_READ)
                heapq.heappush(self._waiting, (time.monotonic() + self.hold, connection.fileno()))
                self.asked.setdefault(str(connection.getsockname()[0]), time.monotonic())
                self.peak = max(self.peak, len(self._open))

    def _answer(self, number: int) -> None:
        """A number may be another connection's by now, which gets its line a moment early."""
        if number in self._open and not self.silent:
            with contextlib.suppress(OSError):
                self._open[number].send(LINE)

    def _heard(self, number: int) -> None:
        """Checks say nothing: it is the end."""
        self._selector.unregister(number)
        self._open.pop(number).close()
