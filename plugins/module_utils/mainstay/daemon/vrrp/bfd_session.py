# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one BFD session: its socket, its timer, its counters, its part of the status."""

from __future__ import annotations

import os
import random
import typing as t

from ...bfd.actions import SendControl, Transition
from ...bfd.events import DeadlineReached, Event, PacketReceived, Reconfigured, Started, Stopped
from ...bfd.explanation import diagnostic_text
from ...bfd.packet import ControlPacket, PacketError, RejectReason, State, check_ttl
from ...bfd.session import Session
from ...model.tracking import BfdInstance
from ...model.units import Instant, as_seconds, seconds
from ...net.bfd_socket import BfdSender, Datagram
from ...net.polling import Poller, Timer
from ..log_limit import LogLimit
from ..wall_clock import wall_clock
from ..worker import Happening, LogLine, Say

Note = t.Callable[[str, bool, str, Instant], None]
"""Takes the result of a session for whoever tracks it: name, up, why."""

FreePorts = t.Callable[[], t.Iterable[int]]
"""Source ports that no session has, in the order to try."""

HearOut = t.Callable[[Instant], None]
"""Reads all that has arrived for any session."""

# Descriptors that were short, or a family that was switched off, may be there again.
_RETRY = seconds(1)
# The same may be said so often; a neighbor that flaps must not fill the journal.
_PERIOD_OF_STATES = seconds(1)
_PERIOD_OF_PROBLEMS = seconds(60)


class BfdDiscards:
    """Received packets that were discarded: every one is counted under its reason, few are spoken of."""

    def __init__(self, subject: str, say: Say) -> None:
        self.subject = subject
        self.by_reason: t.Dict[str, int] = {}
        self._say = say
        self._limit = LogLimit(_PERIOD_OF_PROBLEMS)

    def count(self, error: PacketError, sender: str, now: Instant) -> None:
        """Count one packet; log it at most once a minute per reason, whoever sent it."""
        reason = error.reason.value
        self.by_reason[reason] = self.by_reason.get(reason, 0) + 1
        if self._limit.allows(reason, now):
            message = f"discarded a packet from {sender}: {error} ({self.by_reason[reason]} for this reason so far)"
            self._say(LogLine("warning", self.subject, message))


class Surroundings(t.NamedTuple):
    """What all sessions share."""

    poller: Poller
    say: Say
    note: Note
    hear_out: HearOut
    free_ports: FreePorts


class BfdSessionRunner:
    """One BfdInstance at work."""

    def __init__(self, instance: BfdInstance, discriminator: int, shared: Surroundings) -> None:
        self.instance = instance
        self.session = Session(instance, discriminator, random.random)
        self.discards = BfdDiscards(f"bfd_instance {instance.name}", shared.say)
        self.problem = ""
        """Why it cannot send; "" when it can."""
        self.accepted: t.Optional[Datagram] = None
        """The last valid datagram: one that is equal needs no second look."""
        self.sent = self.received = self.send_failures = self.transitions = 0
        self.since = wall_clock()
        self._shared = shared
        self._limit = LogLimit(_PERIOD_OF_PROBLEMS)
        self._limit_of_states = LogLimit(_PERIOD_OF_STATES)
        self._sender: t.Optional[BfdSender] = None
        self._heard: t.Optional[PacketReceived] = None
        self._timer: t.Optional[Timer] = None
        self._armed_for: Instant = 0

    @property
    def source_port(self) -> t.Optional[int]:
        """None while there is no socket."""
        return None if self._sender is None else self._sender.port

    # ---- what the sessions' owner calls

    def start(self, now: Instant) -> None:
        """Begin; where there is no socket to be had, a second later again."""
        why = f"no packet from {self.instance.neighbor_ip} yet"
        self._shared.note(self.instance.name, False, why, now)
        self._happened("START", why, "")
        self._open(now)

    def stop(self, now: Instant) -> None:
        """End: the neighbor is told that it was on purpose."""
        self._feed(Stopped(), now)
        self._disarm()
        if self._sender is not None:
            self._sender.close()
            self._sender = None

    def adopt_settings(self, instance: BfdInstance, now: Instant) -> None:
        """Other timers for the same session; it stays up."""
        self.instance = instance
        self.accepted = None  # max_hops may be another
        self._feed(Reconfigured(instance), now)

    def hear_again(self, now: Instant) -> None:
        """The last valid datagram arrived once more."""
        self.received += 1
        if self._heard is not None:
            self._feed(self._heard, now)

    def hear(self, datagram: Datagram, packet: ControlPacket, now: Instant) -> None:
        """A packet for this session that was decoded. Raises PacketError when it breaks RFC 5881."""
        check_ttl(datagram.ttl, self.instance.max_hops)
        if datagram.source != self.instance.neighbor_ip:
            raise PacketError(RejectReason.SOURCE, f"neighbor_ip is {self.instance.neighbor_ip}")
        self.received += 1
        self.accepted, self._heard = datagram, PacketReceived(packet)
        self._feed(self._heard, now)

    # ---- the socket

    def _open(self, now: Instant) -> None:
        self._timer = None
        instance = self.instance
        ports = self._shared.free_ports()
        try:
            self._sender = BfdSender(instance.source_ip, instance.neighbor_ip, instance.ttl, ports)
        except OSError as error:
            self._complain(f"no socket to send from: {os.strerror(error.errno or 0)}; tried again every second", now)
            self._timer = self._shared.poller.call_at(now + _RETRY, self._open)
            return
        self.problem = ""
        self._feed(Started(), now)

    def _send(self, action: SendControl, now: Instant) -> None:
        if self._sender is None:
            return
        try:
            self._sender.send(action.octets)
        except OSError as error:
            self.send_failures += 1
            words = f"cannot send to {self.instance.neighbor_ip}: {os.strerror(error.errno or 0)}"
            source = self.instance.source_ip
            self._complain(f"{words}; is {source} an address of this machine?" if source else words, now)
        else:
            self.sent += 1
            self.problem = ""

    def _complain(self, problem: str, now: Instant) -> None:
        self.problem = problem
        if self._limit.allows("sending", now):
            self._shared.say(LogLine("warning", self.discards.subject, problem))

    # ---- events in, actions out

    def _feed(self, event: Event, now: Instant) -> None:
        for action in self.session.handle(event, now):
            if isinstance(action, SendControl):
                self._send(action, now)
            else:
                self._moved(action, now)
        self._arm()

    def _moved(self, transition: Transition, now: Instant) -> None:
        self.transitions += 1
        self.since = wall_clock()
        was_up, is_up = transition.before is State.UP, transition.after is State.UP
        if was_up is not is_up:
            self._shared.note(self.instance.name, is_up, transition.reason, now)
            self._happened(_word(is_up), transition.reason, _word(was_up))
        way = f"{transition.before.name} -> {transition.after.name}"
        if transition.after is not State.INIT and self._limit_of_states.allows(way, now):
            level = "warning" if was_up and transition.after is State.DOWN else "info"
            self._shared.say(LogLine(level, self.discards.subject, f"{way}: {transition.reason}"))

    def _happened(self, event: str, reason: str, before: str) -> None:
        """For those outside of this worker who follow the session."""
        self._shared.say(Happening("BFD", self.instance.name, event, 0, reason, before, wall_clock()))

    # ---- the session's deadline

    def _arm(self) -> None:
        """A deadline that moved away is left where it is and found stale: it costs less than moving it too."""
        deadline = self.session.deadline()
        if deadline is None:
            self._disarm()
        elif self._timer is None or deadline < self._armed_for:
            self._disarm()
            self._armed_for = deadline
            self._timer = self._shared.poller.call_at(deadline, self._due)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self, now: Instant) -> None:
        self._timer = None
        if self.session.presumed_dead(now):
            self._shared.hear_out(now)
            now = self._shared.poller.now()
        self._feed(DeadlineReached(), now)

    # ---- status

    def status(self) -> t.Dict[str, object]:
        """JSON-able; spans in seconds."""
        session, instance = self.session, self.instance
        explanation = session.explain()
        return {
            "state": session.state.name,
            "since": self.since,
            "why": explanation.why,
            "outlook": explanation.outlook,
            "neighbor_ip": instance.neighbor_ip,
            "source_ip": instance.source_ip,
            "source_port": self.source_port,
            "diagnostic": diagnostic_text(session.diagnostic),
            "discriminator": session.discriminator,
            "transmit_interval": _span(session.transmit_interval),
            "detection_time": _span(session.detection_time),
            "neighbor": None if session.heard is None else _neighbor_status(session.heard),
            "transitions": self.transitions,
            "problems": [self.problem] if self.problem else [],
            "counters": {
                "packets_sent": self.sent,
                "packets_received": self.received,
                "send_failures": self.send_failures,
                "discarded": dict(sorted(self.discards.by_reason.items())),
            },
        }


def _neighbor_status(heard: ControlPacket) -> t.Dict[str, object]:
    return {
        "state": heard.state.name,
        "diagnostic": diagnostic_text(heard.diagnostic),
        "discriminator": heard.my_discriminator,
        "min_tx": as_seconds(heard.desired_min_tx),
        "min_rx": as_seconds(heard.required_min_rx),
        "multiplier": heard.detect_multiplier,
        "demand": heard.demand,
    }


def _span(duration: t.Optional[int]) -> t.Optional[float]:
    return None if duration is None else as_seconds(duration)


def _word(up: bool) -> str:
    return "UP" if up else "DOWN"
