# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one object has to tell its scripts: one program at a time, in the order of the events.

The last state always gets through. When programs are slower than events, what is no state is dropped first
(MASTER_RX_LOWER_PRI comes with every lesser advert), then states that are history already, the oldest first.
"""

from __future__ import annotations

import typing as t

from ...model.commands import Command
from ...model.units import Duration, Instant
from .script_run import ScriptResult
from .scripts import ScriptRunner, Turn

MOST_WAITING = 16


class Order(t.NamedTuple):
    """One program for one event."""

    event: str
    command: Command
    arguments: t.Tuple[str, ...]
    is_state: bool
    """The object has a new state; False for mere events."""
    number: int
    """Of the event; several programs may belong to one."""


Ended = t.Callable[[Order, ScriptResult], None]


class ScriptQueue:
    """The programs of one instance or group."""

    def __init__(self, runner: ScriptRunner, timeout: Duration, ended: Ended, most: int = MOST_WAITING) -> None:
        """`ended` is called with the result of each program."""
        self._runner = runner
        self._timeout = timeout
        self._ended = ended
        self._most = most
        self._waiting: t.List[Order] = []
        self._run: t.Optional[Turn] = None
        self.dropped = 0
        """Orders that gave way to later ones."""

    @property
    def waiting(self) -> int:
        """How many programs wait for the one that runs."""
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        """Nothing runs, nothing waits."""
        return self._run is None and not self._waiting

    def put(self, order: Order) -> None:
        """Run it after everything that was put before."""
        if not order.is_state and any(waiting[:4] == order[:4] for waiting in self._waiting):
            self.dropped += 1  # the one that waits tells the same
            return
        self._waiting.append(order)
        if len(self._waiting) > self._most:
            del self._waiting[self._least_important()]
            self.dropped += 1
        self._next()

    def keep_last_state(self) -> None:
        """Forget what waits but the programs of the last state: there is no time for more."""
        last = self._last_state()
        kept = [order for order in self._waiting if order.number == last]
        self.dropped += len(self._waiting) - len(kept)
        self._waiting = kept

    def hurry(self, why: str, now: Instant) -> None:
        """End the program that runs when others wait for it."""
        if self._run is not None and self._waiting:
            self._run.end(why, now)

    def end(self, why: str, now: Instant) -> None:
        """Nothing that waits runs any more, what runs is ended."""
        self.dropped += len(self._waiting)
        self._waiting = []
        if self._run is not None:
            self._run.end(why, now)

    def _least_important(self) -> int:
        """Index of what is dropped first; never of the last state."""
        last = self._last_state()
        for index, order in enumerate(self._waiting):
            if not order.is_state:
                return index
        return next((index for index, order in enumerate(self._waiting) if order.number != last), 0)

    def _last_state(self) -> t.Optional[int]:
        return next((order.number for order in reversed(self._waiting) if order.is_state), None)

    def _next(self) -> None:
        if self._run is not None or not self._waiting:
            return
        order = self._waiting.pop(0)

        def done(result: ScriptResult, _now: Instant) -> None:
            self._run = None
            self._ended(order, result)
            self._next()

        self._run = self._runner.run(order.command, order.arguments, self._timeout, done)
