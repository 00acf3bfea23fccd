# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event loop of every process: epoll, one timerfd and a heap of deadlines.

Theory of operation. One turn (`run_once`) waits until a descriptor is ready or the earliest deadline has
come, reads the clock once, serves the ready descriptors and then the deadlines that are due. Descriptors
come first on purpose: a process that was frozen wakes up with both an expired master-down timer and the
adverts that arrived meanwhile, and must hear its peer before it declares the peer dead.

Exactly what was due at the wake-up is called in one turn. A callback that asks for a deadline in the past
waits for the next turn, so timers can never starve descriptors, and a descriptor unwatched by an earlier
callback of the same turn is not called any more.

An exception in a callback ends the loop and the process: the supervisor starts a fresh one, which is safer
than going on with a half-changed state.
"""

from __future__ import annotations

import heapq
import itertools
import select
import time
import typing as t

from ..model.units import Instant
from ..net.polling import READABLE, WRITABLE, Due, Ready
from .timer_descriptor import TimerDescriptor

_FAILED = select.EPOLLERR | select.EPOLLHUP
_COMPACT_FROM = 64
"""Cancelled timers stay in the heap until they are this many and the majority."""


class _Watch:
    """What one descriptor is watched for."""

    __slots__ = ("ready",)

    def __init__(self, ready: Ready) -> None:
        self.ready = ready


class _PendingCall:
    """One entry of the heap; cancelling only marks it, so it costs nothing."""

    __slots__ = ("_reactor", "due")

    def __init__(self, due: Due, reactor: Reactor) -> None:
        self.due: t.Optional[Due] = due
        self._reactor = reactor

    def cancel(self) -> None:
        """Never call it; cancelling twice or after the call is harmless."""
        if self.due is not None:
            self.due = None
            self._reactor.count_cancelled()


class Reactor:
    """Descriptors and deadlines of one thread; implements net/polling.Poller."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._alarm = TimerDescriptor()
        self._epoll.register(self._alarm.descriptor, select.EPOLLIN)
        self._watches: t.Dict[int, _Watch] = {}
        # The number in the middle is never the same twice: calls of one deadline keep their order, and no two calls
        # are compared themselves.
        self._heap: t.List[t.Tuple[Instant, int, _PendingCall]] = []
        self._cancelled = 0
        self._orders = itertools.count()
        self._stopped = False

    def now(self) -> Instant:
        """The monotonic clock, in nanoseconds."""
        return time.monotonic_ns()

    def wall_seconds(self) -> int:
        """Seconds since 1970: for what carries a date, never for a deadline."""
        return int(time.time())

    def watch(self, descriptor: int, interest: int, ready: Ready) -> None:
        """Call `ready` whenever the descriptor is ready for `interest`; watching again replaces."""
        mask = select.EPOLLIN if interest & READABLE else 0
        mask |= select.EPOLLOUT if interest & WRITABLE else 0
        if descriptor in self._watches:
            self._epoll.modify(descriptor, mask)
        else:
            self._epoll.register(descriptor, mask)
        self._watches[descriptor] = _Watch(ready)

    def unwatch(self, descriptor: int) -> None:
        """Stop watching; an unknown descriptor is harmless.

        Must be called before the descriptor is closed.
        """
        if self._watches.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def call_at(self, deadline: Instant, due: Due) -> _PendingCall:
        """Call `due` once, no earlier than `deadline`; calls of one deadline keep their order."""
        call = _PendingCall(due, self)
        heapq.heappush(self._heap, (deadline, next(self._orders), call))
        return call

    def run(self) -> None:
        """Turn until `stop`. An exception of a callback comes out here."""
        self._stopped = False
        while not self._stopped:
            self.run_once()

    def stop(self) -> None:
        """Leave `run` after the present turn."""
        self._stopped = True

    def run_once(self) -> None:
        """Wait for something to do, then do it: one turn."""
        self._drop_cancelled_head()
        self._alarm.arm(self._heap[0][0] if self._heap else None)
        events = self._epoll.poll()
        now = self.now()
        self._serve(events, now)
        self._call_due(now)

    def close(self) -> None:
        """Give the descriptors back: a forked child does so with its parent's loop."""
        self._watches.clear()
        self._heap.clear()
        self._epoll.close()
        self._alarm.close()

    def count_cancelled(self) -> None:
        """One more pending call was cancelled; forget the cancelled ones when they are the majority."""
        self._cancelled += 1
        if self._cancelled >= _COMPACT_FROM and self._cancelled * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].due is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def _serve(self, events: t.Sequence[t.Tuple[int, int]], now: Instant) -> None:
        # Looked up before the first call: a descriptor number that is closed and reused within the turn
        # must not receive its predecessor's readiness.
        ready = [(descriptor, mask, self._watches.get(descriptor)) for descriptor, mask in events]
        for descriptor, mask, watch in ready:
            if descriptor == self._alarm.descriptor:
                self._alarm.disarmed()
            elif watch is not None and self._watches.get(descriptor) is watch:
                watch.ready(_bits(mask), now)

    def _call_due(self, now: Instant) -> None:
        calls = []
        while self._heap and self._heap[0][0] <= now:
            calls.append(heapq.heappop(self._heap)[2])
        for call in calls:
            due, call.due = call.due, None
            if due is not None:
                due(now)
            else:
                self._cancelled = max(0, self._cancelled - 1)

    def _drop_cancelled_head(self) -> None:
        while self._heap and self._heap[0][2].due is None:
            heapq.heappop(self._heap)
            self._cancelled = max(0, self._cancelled - 1)


def _bits(mask: int) -> int:
    if mask & _FAILED:
        return READABLE | WRITABLE
    return (READABLE if mask & select.EPOLLIN else 0) | (WRITABLE if mask & select.EPOLLOUT else 0)
