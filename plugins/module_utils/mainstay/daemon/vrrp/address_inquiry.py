# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks, while an instance is master, whether another host answers for its IPv4 addresses (F32).

Somebody who added the address by hand, or a router that does not speak with us any more, sends nothing that we would
hear. So the segment is asked a second after a takeover, when a former master has let go, and every half minute from
then on. An answer is an alarm and no more: who of the two should have the address is not for us to say. What comes
before the first question is none: while a former master lets go, its kernel may still answer our announcement.

The sockets are opened when the addresses are prepared and stay: the kernel takes milliseconds to close one, which a
master that advertises every ten has not got.
"""

from __future__ import annotations

import contextlib
import typing as t

from ...model.units import Instant, seconds
from ...net.addresses import LeasedAddress
from ...net.arp_question import ArpQuestion, Claim
from ...net.links import LinkMirror
from ...net.polling import READABLE, Poller, Timer
from ...vrrp.actions import Alarm

FIRST_PAUSE = seconds(1)
PERIOD = seconds(30)
_AT_ONCE = 64

Place = t.Tuple[int, str, bytes, t.Tuple[str, ...]]
"""Index, name and hardware address of a link, and our addresses on it."""
OpenQuestion = t.Callable[[str, t.Sequence[str]], ArpQuestion]
Answered = t.Callable[[Alarm, Instant], None]


class AddressInquiry:
    """Of one instance; asks nothing while it is not master."""

    def __init__(
        self, poller: Poller, mirror: LinkMirror, answered: Answered, open_question: OpenQuestion = ArpQuestion
    ) -> None:
        self._poller = poller
        self._mirror = mirror
        self._answered = answered
        self._open_question = open_question
        self._open: t.Dict[Place, ArpQuestion] = {}
        self._timer: t.Optional[Timer] = None
        self._asked = False

    def prepare(self, addresses: t.Sequence[LeasedAddress]) -> None:
        """These are the addresses; a link that was made anew gets another socket."""
        wanted = self._places(addresses)
        for place in set(self._open) - wanted:
            self._hang_up(place)
        for place in wanted - set(self._open):
            # A link that went meanwhile, or no descriptor left: the announcements tell of both.
            with contextlib.suppress(OSError):
                self._listen(place)

    def begin(self, now: Instant) -> None:
        """We are master; a rhythm that runs already goes on."""
        if self._timer is None and self._open:
            self._timer = self._poller.call_at(now + FIRST_PAUSE, self._ask)

    def end(self) -> None:
        """Not master any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._asked = False

    def close(self) -> None:
        """Give the descriptors back."""
        self.end()
        for place in list(self._open):
            self._hang_up(place)

    def _places(self, addresses: t.Sequence[LeasedAddress]) -> t.Set[Place]:
        by_device: t.Dict[str, t.List[str]] = {}
        for leased in addresses:
            if leased.key.family == 4:
                by_device.setdefault(leased.device, []).append(leased.key.address)
        links = {device: self._mirror.named(device) for device in by_device}
        return {
            (link.index, device, link.hardware_address, tuple(by_device[device]))
            for device, link in links.items()
            if link is not None and link.ethernet
        }

    def _listen(self, place: Place) -> None:
        _index, device, _hardware_address, addresses = place
        question = self._open_question(device, addresses)
        self._open[place] = question
        self._poller.watch(question.fileno(), READABLE, lambda _bits, now: self._readable(question, now))

    def _hang_up(self, place: Place) -> None:
        question = self._open.pop(place)
        self._poller.unwatch(question.fileno())
        question.close()

    def _ask(self, now: Instant) -> None:
        self._timer = self._poller.call_at(now + PERIOD, self._ask)
        self._asked = True
        for (_index, _device, hardware_address, _addresses), question in self._open.items():
            with contextlib.suppress(OSError):  # the link is down: nobody could answer
                question.ask(hardware_address)

    def _readable(self, question: ArpQuestion, now: Instant) -> None:
        for _count in range(_AT_ONCE):
            claim = _receive(question)
            if claim is None:
                return
            if self._asked and claim.hardware_address not in self._own():
                self._answered(_alarm(claim), now)

    def _own(self) -> t.Set[bytes]:
        """What a switch sends back to us is our own."""
        return {hardware_address for _index, _device, hardware_address, _addresses in self._open}


def _receive(question: ArpQuestion) -> t.Optional[Claim]:
    try:
        return question.receive()
    except OSError:
        return None  # the interface went under the socket; the mirror of links tells the story


def _alarm(claim: Claim) -> Alarm:
    who = f"{claim.address} is answered for by {claim.hardware_address.hex(':')}, too"
    return Alarm("address_elsewhere", f"{who}: another host has it, or answers in its place; end that there")
