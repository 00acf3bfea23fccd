# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many frames from one node onto the segment, at a pace or as fast as they go."""

from __future__ import annotations

import contextlib
import itertools
import socket
import time
import typing as t
from dataclasses import dataclass

from netns.segment import DEVICE, Node

_NO_PROTOCOL = 0  # of a packet socket that receives nothing
_ROOM = 4 << 20  # bytes of the sender's own queue
_LOOKS_AT_THE_CLOCK = 64  # frames


@dataclass(frozen=True)
class Sent:
    """How many frames, in how many seconds."""

    count: int
    seconds: float

    @property
    def rate(self) -> float:
        """Frames a second."""
        return self.count / self.seconds


class Sender:
    """A packet socket on a node's interface."""

    def __init__(self, node: Node) -> None:
        self._socket = node.socket(socket.AF_PACKET, socket.SOCK_RAW, _NO_PROTOCOL)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ROOM)
        self._socket.bind((DEVICE, 0))

    def close(self) -> None:
        self._socket.close()

    def send(self, frames: t.Iterable[bytes], rate: float = 0) -> Sent:
        """Each frame once; `rate` frames a second, 0 is as fast as it goes."""
        count, began = 0, time.monotonic()
        for count, frame in enumerate(frames, 1):
            self._socket.send(frame)
            if rate and (rate < 1000 or count % _LOOKS_AT_THE_CLOCK == 0):
                ahead = began + count / rate - time.monotonic()
                if ahead > 0:
                    time.sleep(ahead)
        return Sent(count, max(time.monotonic() - began, 1e-9))

    def send_for(self, seconds: float, frames: t.Sequence[bytes], rate: float = 0) -> Sent:
        """The frames over and over, for so long."""
        end = time.monotonic() + seconds
        whole, turns = 0, itertools.cycle(frames)
        began = time.monotonic()
        burst = max(1, int(rate * seconds)) if rate and rate < 1000 else 1024
        while time.monotonic() < end:
            whole += self.send(itertools.islice(turns, burst), rate).count
        return Sent(whole, time.monotonic() - began)


@contextlib.contextmanager
def sender(node: Node) -> t.Iterator[Sender]:
    """A sender for the time of a with."""
    one = Sender(node)
    try:
        yield one
    finally:
        one.close()
