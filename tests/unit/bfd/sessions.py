# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A BFD session to tell stories with: short packets, states that are quick to reach, a neighbor on a virtual clock."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from mainstay.bfd.actions import Action, SendControl, Transition
from mainstay.bfd.events import DeadlineReached, Event, PacketReceived, Started, Stopped
from mainstay.bfd.packet import ControlPacket, State, decode
from mainstay.bfd.session import Session
from mainstay.model.tracking import BfdInstance
from mainstay.model.units import Duration, Instant, seconds

OURS, THEIRS = 0x11111111, 0x22222222
SETTINGS = BfdInstance("gw", "192.0.2.2", min_rx=seconds(0.1), min_tx=seconds(0.1), multiplier=3)
DETECTION = seconds(0.3)


def packet(state: State, **changes: Any) -> ControlPacket:
    """What a neighbor with our timers says; it knows us unless it is DOWN."""
    yours = 0 if state <= State.DOWN else OURS
    said = ControlPacket(state, 0, 3, THEIRS, yours, seconds(0.1), seconds(0.1))
    return replace(said, **changes)


def hear(session: Session, state: State, now: Instant = 0, **changes: Any) -> list[Action]:
    return session.handle(PacketReceived(packet(state, **changes)), now)


def session_in(state: State, settings: BfdInstance = SETTINGS, chance: float = 0.0, **changes: Any) -> Session:
    """A session that reached `state` the ordinary way at the instant 0; chance 1 is no jitter, 0 the most."""
    session = Session(replace(settings, **changes), OURS, lambda: chance)
    if state is not State.ADMIN_DOWN:
        session.handle(Started(), 0)
    if state in (State.INIT, State.UP):
        hear(session, State.DOWN)
    if state is State.UP:
        hear(session, State.UP)
    if session.state is not state:
        raise AssertionError(f"meant to be {state.name}, is {session.state.name}: {session.reason}")
    return session


def confirmed(session: Session, now: Instant = 0) -> Session:
    """The neighbor answers the poll with which a session goes up."""
    hear(session, State.UP, now, final=True)
    return session


def sent(actions: list[Action]) -> list[ControlPacket]:
    """The packets among these, decoded."""
    return [decode(action.octets) for action in actions if isinstance(action, SendControl)]


def moves(actions: list[Action]) -> list[tuple[State, State]]:
    return [(action.before, action.after) for action in actions if isinstance(action, Transition)]


SessionClass = Callable[[BfdInstance, int, Callable[[], float]], Session]


class Pair:
    """Two systems, a and b, on a wire that loses and delays; time is virtual and every run the same."""

    def __init__(
        self,
        seed: int = 1,
        a: BfdInstance = SETTINGS,
        b: BfdInstance = SETTINGS,
        session_class: SessionClass = Session,
    ) -> None:
        self.now: Instant = 0
        self.loss = 0.0
        self.delay = seconds(0.001)
        self.sent: dict[str, list[tuple[Instant, ControlPacket]]] = {"a": [], "b": []}
        self.moved: list[tuple[Instant, str, State]] = []
        self.dead: set[str] = set()
        self.deaf: set[str] = set()
        """Nothing arrives at these."""
        self._random = Random(seed)
        self._orders = itertools.count()
        self._queue: list[tuple[Instant, int, Callable[[], None]]] = []
        self._arrived: dict[str, Instant] = {"a": 0, "b": 0}
        """One wire keeps the order."""
        self._armed: dict[str, Instant | None] = {"a": None, "b": None}
        self.sessions = {
            "a": session_class(a, 1, self._random.random),
            "b": Session(b, 2, self._random.random),
        }

    def start(self, *names: str) -> None:
        for name in names or ("a", "b"):
            self.dead.discard(name)
            self.feed(name, Started())

    def crash(self, name: str) -> None:
        """Not a word, and nothing is known after the restart."""
        self.dead.add(name)
        before = self.sessions[name]
        self.sessions[name] = type(before)(before.settings, before.discriminator + 2, self._random.random)

    def stop(self, name: str) -> None:
        self.feed(name, Stopped())

    def state(self, name: str) -> State:
        return self.sessions[name].state

    @property
    def both_up(self) -> bool:
        return self.state("a") is self.state("b") is State.UP

    def run_for(self, span: Duration) -> None:
        until = self.now + span
        calls = 0
        while self._queue and self._queue[0][0] <= until:
            self.now, _, call = heapq.heappop(self._queue)
            call()
            calls += 1
            if calls > 1_000_000:
                raise AssertionError(f"no end of what is to do at {self.now}")
        self.now = until

    def feed(self, name: str, event: Event) -> None:
        if name in self.dead:
            return
        for action in self.sessions[name].handle(event, self.now):
            if isinstance(action, SendControl):
                self._send(name, decode(action.octets))
            else:
                self.moved.append((self.now, name, action.after))
        self._arm(name)

    def _send(self, name: str, said: ControlPacket) -> None:
        self.sent[name].append((self.now, said))
        other = "b" if name == "a" else "a"
        if self._random.random() >= self.loss:
            arrival = max(self.now + self._random.randint(0, self.delay), self._arrived[other])
            self._arrived[other] = arrival
            self._at(arrival, lambda: self._deliver(other, said))

    def _deliver(self, name: str, said: ControlPacket) -> None:
        if name not in self.deaf and said.your_discriminator in (0, self.sessions[name].discriminator):
            self.feed(name, PacketReceived(said))

    def _arm(self, name: str) -> None:
        deadline = self.sessions[name].deadline()
        self._armed[name] = deadline
        if deadline is not None:
            self._at(deadline, lambda: self._due(name, deadline))

    def _due(self, name: str, deadline: Instant) -> None:
        if self._armed[name] == deadline:
            self.feed(name, DeadlineReached())

    def _at(self, instant: Instant, call: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (instant, next(self._orders), call))
