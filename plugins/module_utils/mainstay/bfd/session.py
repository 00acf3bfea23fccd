# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One BFD session in asynchronous mode (RFC 5880) as an enforced table.

Theory of operation. A `Session` changes only in `handle(event, now)`, which looks up (state, kind of event) in
`Session.rules`. What a packet does to the state stands in a second table, `HEARD`: (our state, the state in the
packet) -> our next state (section 6.2). Both are complete; a pair that is missing is a KeyError in the first test.

Two deadlines run side by side, and `deadline()` is the earlier one:

    send     the next periodic packet: the slower of what we want to send and what the neighbor wants to receive, with
             jitter. None while the neighbor wants none (its Required Min RX is 0, or it is in demand mode and both
             ends are UP with nothing to confirm), and while a passive session has heard nobody
    detect   the neighbor's multiplier times the slower of what it sends and what we listen for, after its last packet.
             When it comes the session is DOWN, in any state the neighbor's discriminator is forgotten

A packet that tells the neighbor something new (a state, an answer to its poll) leaves at once. Packets are prepared
bytes: they are packed when something in them changes. While both ends are UP and the neighbor repeats itself, a
received packet costs the moving of one deadline.

The shell owes the session that it reads what has arrived before it feeds DeadlineReached: after a stall the queue
holds the proof that the neighbor lives.
"""

from __future__ import annotations

import typing as t

from ..model.tracking import BfdInstance
from ..model.units import Duration, Instant, as_seconds
from .actions import Action, SendControl, Transition
from .events import DeadlineReached, Event, PacketReceived, Reconfigured, Started, Stopped
from .explanation import Explanation, diagnostic_text, explain
from .pace import IDLE_FLOOR, Chance, Pace, jittered
from .packet import FINAL, NANOSECONDS_PER_MICROSECOND, POLL, ControlPacket, Diagnostic, State, encode

Rule = t.Callable[["Session", t.Any, Instant], t.List[Action]]

_UNHEARD_MIN_RX: Duration = NANOSECONDS_PER_MICROSECOND
"""bfd.RemoteMinRxInterval before the first packet (section 6.8.1)."""

_FAREWELLS = 3
"""The last word is said thrice: the next packet, which would make up for a lost one, never comes."""

HEARD: t.Mapping[t.Tuple[State, State], State] = {
    (State.DOWN, State.ADMIN_DOWN): State.DOWN,
    (State.DOWN, State.DOWN): State.INIT,
    (State.DOWN, State.INIT): State.UP,
    (State.DOWN, State.UP): State.DOWN,
    (State.INIT, State.ADMIN_DOWN): State.DOWN,
    (State.INIT, State.DOWN): State.INIT,
    (State.INIT, State.INIT): State.UP,
    (State.INIT, State.UP): State.UP,
    (State.UP, State.ADMIN_DOWN): State.DOWN,
    (State.UP, State.DOWN): State.DOWN,
    (State.UP, State.INIT): State.UP,
    (State.UP, State.UP): State.UP,
}
"""(ours, the one in the packet) -> ours (section 6.8.6)."""


class Session:
    """One session: the only way in is `handle`, the only way out is what it returns."""

    def __init__(self, settings: BfdInstance, discriminator: int, chance: Chance) -> None:
        """`discriminator`: 1..2**32-1, of no other session of this system and best not guessable."""
        self.settings = settings
        self.discriminator = discriminator
        self.state = State.ADMIN_DOWN
        self.diagnostic = Diagnostic.NONE
        self.reason = "not started"
        """Why the state is what it is: the sentence of the last transition."""
        self.heard: t.Optional[ControlPacket] = None
        """The neighbor's last packet; None when it was silent for a whole detection time."""
        self.pace = Pace(self._desired_min_tx, settings.min_rx)
        self._chance = chance
        self._interval: t.Optional[Duration] = None
        self._sent_at: Instant = 0
        self._send_at: t.Optional[Instant] = None
        self._detect_at: t.Optional[Instant] = None
        self._detection: Duration = 0
        """That of the present `_detect_at`."""
        self._octets = b""
        self._prepare()

    def handle(self, event: Event, now: Instant) -> t.List[Action]:
        """Take in one event. Returns what is to be done, in this order."""
        return self.rules[self.state, type(event)](self, event, now)

    def deadline(self) -> t.Optional[Instant]:
        """When DeadlineReached is due, unless an event before then moves it; None for never."""
        if self._send_at is None or self._detect_at is None:
            return self._detect_at if self._send_at is None else self._send_at
        return min(self._send_at, self._detect_at)

    def explain(self) -> Explanation:
        """Why this state, and what would change it."""
        return explain(self)

    def presumed_dead(self, now: Instant) -> bool:
        """Whether DeadlineReached at `now` would mean that the neighbor is gone."""
        return self._detect_at is not None and now >= self._detect_at

    @property
    def transmit_interval(self) -> t.Optional[Duration]:
        """Of periodic packets before jitter (section 6.8.7); None: none are sent."""
        heard = self.heard
        if heard is None:
            return None if self.settings.passive else max(self.pace.transmit_floor, _UNHEARD_MIN_RX)
        both_up = self.state is State.UP and heard.state is State.UP
        demanded = heard.demand and both_up and not self.pace.unconfirmed
        if heard.required_min_rx == 0 or demanded:
            return None
        return max(self.pace.transmit_floor, heard.required_min_rx)

    @property
    def detection_time(self) -> t.Optional[Duration]:
        """Silence after which the neighbor is gone (section 6.8.4); None before it was heard."""
        if self.heard is None:
            return None
        return self.heard.detect_multiplier * max(self.pace.receive_floor, self.heard.desired_min_tx)

    @property
    def _desired_min_tx(self) -> Duration:
        if self.state is State.UP:
            return self.settings.min_tx
        return max(IDLE_FLOOR, self.settings.idle_tx, self.settings.min_tx)

    # ---- starting, stopping, settings

    def _start(self, _event: Started, now: Instant) -> t.List[Action]:
        return self._move(State.DOWN, Diagnostic.NONE, "started", now)

    def _stop(self, _event: Stopped, now: Instant) -> t.List[Action]:
        """Section 6.8.16. The session ends with this, so nothing repeats the last packet later."""
        moved, *farewell = self._move(State.ADMIN_DOWN, Diagnostic.ADMINISTRATIVELY_DOWN, "stopped", now)
        self._forget()
        self._interval = self._send_at = None
        return [moved, *farewell * _FAREWELLS]

    def _note_settings(self, event: Reconfigured, _now: Instant) -> t.List[Action]:
        self.settings = event.settings
        self._ask()
        return []

    def _set_settings(self, event: Reconfigured, now: Instant) -> t.List[Action]:
        """Section 6.8.3: what is announced otherwise than before is confirmed by a poll sequence."""
        self._note_settings(event, now)
        self._reschedule(now)
        if self._detect_at is not None:
            self._await_next(self._detect_at - self._detection)
        return []

    # ---- packets of the neighbor

    def _hear(self, event: PacketReceived, now: Instant) -> t.List[Action]:
        """Section 6.8.6, from where the packet is known to be valid and ours."""
        packet = event.packet
        if packet is self.heard and self._is_steady(packet):
            self._detect_at = now + self._detection
            return []
        self._take_in(packet)
        actions = self._follow(packet, now)
        self._await_next(now)
        self._reschedule(now)
        if packet.poll:
            actions.append(SendControl(_with_flag(self._octets, FINAL)))
        return actions

    def _await_next(self, heard_at: Instant) -> None:
        self._detection = self.detection_time or 0
        self._detect_at = heard_at + self._detection

    def _is_steady(self, packet: ControlPacket) -> bool:
        return self.state is State.UP is packet.state and not packet.poll and not packet.final

    def _take_in(self, packet: ControlPacket) -> None:
        before, self.heard = self.heard, packet
        if packet.final:
            self.pace.confirmed()
        if before is None or before.my_discriminator != packet.my_discriminator:
            self._prepare()

    def _follow(self, packet: ControlPacket, now: Instant) -> t.List[Action]:
        after = HEARD[self.state, packet.state]
        if after is self.state:
            return []
        diagnostic = Diagnostic.NEIGHBOR_SIGNALED_DOWN if after is State.DOWN else Diagnostic.NONE
        return self._move(after, diagnostic, _HEARD_REASONS[after].format(self._in_words(packet)), now)

    def _in_words(self, packet: ControlPacket) -> str:
        why = f" ({diagnostic_text(packet.diagnostic)})" if packet.diagnostic else ""
        return f"{self.settings.neighbor_ip} says {packet.state.name}{why}"

    # ---- deadlines

    def _tick(self, _event: DeadlineReached, now: Instant) -> t.List[Action]:
        actions = self._expire(now) if self.presumed_dead(now) else []
        if self._send_at is not None and now >= self._send_at:
            actions.append(self._send(now))
        return actions

    def _expire(self, now: Instant) -> t.List[Action]:
        """Section 6.8.4; what is known of a silent neighbor is forgotten in every state (section 6.8.1)."""
        reason = f"no packet from {self.settings.neighbor_ip} for {as_seconds(self.detection_time or 0):.3f} s"
        self._forget()
        if self.state is State.DOWN:
            self._prepare()
            self._reschedule(now)
            return []
        return self._move(State.DOWN, Diagnostic.DETECTION_TIME_EXPIRED, reason, now)

    # ---- shared steps

    def _ignore(self, _event: Event, _now: Instant) -> t.List[Action]:
        return []

    def _move(self, after: State, diagnostic: Diagnostic, reason: str, now: Instant) -> t.List[Action]:
        """Change the state; whoever tracks the session hears of it first, then the neighbor, at once."""
        before, self.state = self.state, after
        self.diagnostic, self.reason = diagnostic, reason
        self._ask()
        self._reschedule(now)
        moved = Transition(before, after, diagnostic, reason)
        return [moved] if self._interval is None else [moved, self._send(now)]

    def _ask(self) -> None:
        self.pace.ask(self._desired_min_tx, self.settings.min_rx, self.state is State.UP, self.heard is not None)
        self._prepare()

    def _forget(self) -> None:
        self.heard = self._detect_at = None
        self.pace.forget()

    def _reschedule(self, now: Instant) -> None:
        """Another interval counts from the last packet on, so that a shorter one is honored at once."""
        before, self._interval = self._interval, self.transmit_interval
        if self._interval is None:
            self._send_at = None
        elif self._interval != before:
            self._send_at = max(now, self._sent_at + self._jittered(self._interval))

    def _send(self, now: Instant) -> SendControl:
        octets = _with_flag(self._octets, POLL) if self.pace.polls else self._octets
        self.pace.sent()
        self._sent_at = now
        self._send_at = None if self._interval is None else now + self._jittered(self._interval)
        return SendControl(octets)

    def _jittered(self, interval: Duration) -> Duration:
        return jittered(interval, self.settings.multiplier, self._chance)

    def _prepare(self) -> None:
        packet = ControlPacket(
            self.state,
            self.diagnostic,
            self.settings.multiplier,
            self.discriminator,
            0 if self.heard is None else self.heard.my_discriminator,
            self.pace.desired_min_tx,
            self.pace.required_min_rx,
        )
        self._octets = encode(packet)

    rules: t.ClassVar[t.Mapping[t.Tuple[State, t.Type[t.Any]], Rule]] = {
        (State.ADMIN_DOWN, Started): _start,
        (State.ADMIN_DOWN, Stopped): _ignore,
        (State.ADMIN_DOWN, PacketReceived): _ignore,
        (State.ADMIN_DOWN, DeadlineReached): _ignore,
        (State.ADMIN_DOWN, Reconfigured): _note_settings,
        (State.DOWN, Started): _ignore,
        (State.DOWN, Stopped): _stop,
        (State.DOWN, PacketReceived): _hear,
        (State.DOWN, DeadlineReached): _tick,
        (State.DOWN, Reconfigured): _set_settings,
        (State.INIT, Started): _ignore,
        (State.INIT, Stopped): _stop,
        (State.INIT, PacketReceived): _hear,
        (State.INIT, DeadlineReached): _tick,
        (State.INIT, Reconfigured): _set_settings,
        (State.UP, Started): _ignore,
        (State.UP, Stopped): _stop,
        (State.UP, PacketReceived): _hear,
        (State.UP, DeadlineReached): _tick,
        (State.UP, Reconfigured): _set_settings,
    }


_HEARD_REASONS = {
    State.DOWN: "{}",
    State.INIT: "{}: it is heard, and does not hear us yet",
    State.UP: "{}: both hear each other",
}


def _with_flag(octets: bytes, flag: int) -> bytes:
    return octets[:1] + bytes((octets[1] | flag,)) + octets[2:]
