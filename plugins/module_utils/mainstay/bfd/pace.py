# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The intervals that we announce, those in force, and the poll sequence that leads from one to the other.

A slower pace of ours must not begin before the neighbor has confirmed that it knows, or it would time us out; a
faster one that we expect of it must not be counted on before (RFC 5880 section 6.8.3). Until then the quicker
sending and the more patient listening hold. All spans are nanoseconds.
"""

from __future__ import annotations

import enum
import typing as t

from ..model.units import Duration, seconds

IDLE_FLOOR = seconds(1)
"""Nobody sends faster than this to a neighbor that may not be there (section 6.8.3)."""

Chance = t.Callable[[], float]
"""A random number, 0 <= number < 1."""


def jittered(interval: Duration, multiplier: int, chance: Chance) -> Duration:
    """75 to 100 % of the interval; at most 90 % where one lost packet is already too many (section 6.8.7)."""
    most = 0.90 if multiplier == 1 else 1.0
    return int(interval * (0.75 + (most - 0.75) * chance()))


class Poll(enum.Enum):
    """Where a poll sequence stands (section 6.5)."""

    OFF = "off"
    ON = "on"
    """Every packet carries P until one comes back with F."""
    AGAIN = "again"
    """On, and the values changed once more since it began: its end confirms the older ones."""
    PAUSED = "paused"
    """One packet without P, so that a late F of the sequence before cannot end the next one."""


class Pace:
    """Our half of the negotiation."""

    def __init__(self, desired_min_tx: Duration, required_min_rx: Duration) -> None:
        self.desired_min_tx = self.transmit_floor = desired_min_tx
        self.required_min_rx = self.receive_floor = required_min_rx
        self._poll = Poll.OFF
        self._asked = False
        """Whether a packet with P has left: what comes before cannot be the answer."""

    @property
    def polls(self) -> bool:
        """Whether the next periodic packet carries P."""
        return self._poll in (Poll.ON, Poll.AGAIN)

    @property
    def unconfirmed(self) -> bool:
        """Whether the neighbor has still to confirm."""
        return self._poll is not Poll.OFF

    def ask(self, desired_min_tx: Duration, required_min_rx: Duration, up: bool, known: bool) -> None:
        """Announce these from now on; `known`: the neighbor has a discriminator that a poll can be answered to."""
        changed = (desired_min_tx, required_min_rx) != (self.desired_min_tx, self.required_min_rx)
        self.desired_min_tx, self.required_min_rx = desired_min_tx, required_min_rx
        if not up:
            self._settle()
        elif changed:
            self.transmit_floor = min(self.transmit_floor, desired_min_tx)
            self.receive_floor = max(self.receive_floor, required_min_rx)
        if changed and known:
            self._poll = _REQUESTED[self._poll]

    def sent(self) -> None:
        """A periodic packet has left, with P if `polls`."""
        self._asked = self._asked or self.polls
        if self._poll is Poll.PAUSED:
            self._poll = Poll.ON

    def confirmed(self) -> None:
        """A packet with F came; it counts when P was sent."""
        if not self._asked:
            return
        self._poll, self._asked = _CONFIRMED[self._poll], False
        if self._poll is Poll.OFF:
            self._settle()

    def forget(self) -> None:
        """The neighbor is gone: nobody is left to confirm."""
        self._poll, self._asked = Poll.OFF, False
        self._settle()

    def _settle(self) -> None:
        self.transmit_floor, self.receive_floor = self.desired_min_tx, self.required_min_rx


_REQUESTED = {Poll.OFF: Poll.ON, Poll.ON: Poll.AGAIN, Poll.AGAIN: Poll.AGAIN, Poll.PAUSED: Poll.PAUSED}
_CONFIRMED = {Poll.OFF: Poll.OFF, Poll.ON: Poll.OFF, Poll.AGAIN: Poll.PAUSED, Poll.PAUSED: Poll.PAUSED}
