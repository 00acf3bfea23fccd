# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All BFD sessions of the vrrp worker, and which of them a datagram is for.

A reload compares session by session, by what makes it the same to the neighbor: the addresses of both ends, and the
TTL of what is sent. What is equal stays up; other timers are negotiated while it does.
"""

from __future__ import annotations

import itertools
import random
import typing as t

from ...bfd.packet import PacketError, RejectReason, decode
from ...model.tracking import BfdInstance
from ...model.units import Instant
from ...net.bfd_socket import SOURCE_PORTS, Datagram, family_of
from ...net.polling import Poller
from ..worker import Say
from .bfd_reception import SUBJECT, BfdReception
from .bfd_session import BfdDiscards, BfdSessionRunner, Note, Surroundings
from .strangers import Strangers

_YOUR_DISCRIMINATOR = slice(8, 12)


class BfdSessions:
    """Implements bfd_instances for the vrrp worker."""

    def __init__(self, poller: Poller, strangers: Strangers, say: Say, note: Note) -> None:
        self._reception = BfdReception(poller, strangers, say, self._take)
        self._shared = Surroundings(poller, say, note, self._reception.hear_out, self._free_ports)
        self._runners: t.Dict[str, BfdSessionRunner] = {}
        self._by_discriminator: t.Dict[bytes, BfdSessionRunner] = {}
        self._strangers = BfdDiscards(SUBJECT, say)

    def configure(self, wanted: t.Mapping[str, BfdInstance], now: Instant) -> None:
        """Run these sessions; those that stay do not notice."""
        self._stop_all_but(wanted, now)
        for name, runner in self._runners.items():
            if runner.instance != wanted[name]:
                runner.adopt_settings(wanted[name], now)
        self._reception.hear([instance.neighbor_ip for instance in wanted.values()], now)
        for name, instance in wanted.items():
            if name not in self._runners:
                self._begin(instance, now)

    def stop(self, now: Instant) -> None:
        """Every neighbor is told that it ends on purpose."""
        self.configure({}, now)

    def status(self) -> t.Dict[str, object]:
        """By name, JSON-able."""
        return {name: self._session_status(runner) for name, runner in sorted(self._runners.items())}

    # ---- sessions

    def _stop_all_but(self, wanted: t.Mapping[str, BfdInstance], now: Instant) -> None:
        for name, runner in list(self._runners.items()):
            if name not in wanted or _identity(wanted[name]) != _identity(runner.instance):
                runner.stop(now)
                del self._runners[name]
                del self._by_discriminator[_octets(runner.session.discriminator)]

    def _begin(self, instance: BfdInstance, now: Instant) -> None:
        discriminator = self._new_discriminator()
        runner = BfdSessionRunner(instance, discriminator, self._shared)
        self._runners[instance.name] = runner
        self._by_discriminator[_octets(discriminator)] = runner
        runner.start(now)

    def _new_discriminator(self) -> int:
        """Not to be guessed: whoever knows it and is on the link can speak for the neighbor."""
        chooser = random.SystemRandom()
        chosen = chooser.randrange(1, 1 << 32)
        while _octets(chosen) in self._by_discriminator:
            chosen = chooser.randrange(1, 1 << 32)
        return chosen

    def _free_ports(self) -> t.Iterator[int]:
        """From a random one on. Sessions of different addresses must not share one either (RFC 5881 section 4)."""
        taken = {runner.source_port for runner in self._runners.values()}
        first = random.SystemRandom().choice(SOURCE_PORTS)
        rotated = itertools.chain(range(first, SOURCE_PORTS.stop), range(SOURCE_PORTS.start, first))
        return (port for port in rotated if port not in taken)

    def _session_status(self, runner: BfdSessionRunner) -> t.Dict[str, object]:
        status = runner.status()
        refusal = self._reception.refusal(family_of(runner.instance.neighbor_ip))
        problems = t.cast(t.List[str], status["problems"])
        return {**status, "problems": [refusal, *problems] if refusal else problems}

    # ---- receiving

    def _take(self, datagram: Datagram, now: Instant) -> None:
        runner = self._by_discriminator.get(datagram.payload[_YOUR_DISCRIMINATOR])
        if runner is not None and runner.accepted == datagram:
            runner.hear_again(now)
        else:
            self._take_in(datagram, now)

    def _take_in(self, datagram: Datagram, now: Instant) -> None:
        try:
            packet = decode(datagram.payload)
            runner = self._session_of(datagram, packet.your_discriminator)
            runner.hear(datagram, packet, now)
        except PacketError as error:
            self._discards_of(datagram).count(error, datagram.source, now)

    def _session_of(self, datagram: Datagram, your_discriminator: int) -> BfdSessionRunner:
        """RFC 5880 section 6.8.6: by our discriminator, or before the neighbor knows it by the addresses."""
        if your_discriminator:
            found = self._by_discriminator.get(_octets(your_discriminator))
            why = RejectReason.YOUR_DISCRIMINATOR, f"{your_discriminator} is no session of ours"
        else:
            found = self._of_neighbor(datagram)
            why = RejectReason.SOURCE, "no bfd_instance has this neighbor_ip"
        if found is None:
            raise PacketError(*why)
        return found

    def _of_neighbor(self, datagram: Datagram) -> t.Optional[BfdSessionRunner]:
        candidates = [one for one in self._runners.values() if one.instance.neighbor_ip == datagram.source]
        fitting = (one for one in candidates if one.instance.source_ip in (None, datagram.destination))
        return next(fitting, None)

    def _discards_of(self, datagram: Datagram) -> BfdDiscards:
        """Of the session with this neighbor, if there is one."""
        runner = self._of_neighbor(datagram)
        return self._strangers if runner is None else runner.discards


def _identity(instance: BfdInstance) -> t.Tuple[object, ...]:
    """What makes it the same session to the neighbor."""
    return instance.neighbor_ip, instance.source_ip, instance.ttl


def _octets(discriminator: int) -> bytes:
    return discriminator.to_bytes(4, "big")
