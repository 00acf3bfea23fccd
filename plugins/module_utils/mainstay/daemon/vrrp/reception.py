# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The receiving half of one virtual router: what a packet must look like, and what becomes of one that does not."""

from __future__ import annotations

import ipaddress
import time
import typing as t

from ...model.defaults import RunningInstance
from ...model.units import Instant
from ...net.standing import Standing
from ...net.vrrp_socket import Datagram
from ...vrrp.actions import Alarm
from ...vrrp.authentication import auth_data
from ...vrrp.capacity import advertised
from ...vrrp.expectations import Expectations
from ...vrrp.hmac_trailer import HmacVerifier, time_window
from ...vrrp.receive import Received, alarm_about, receive_datagram, receive_payload
from ...vrrp.rejection import PacketError
from ...vrrp.timers import OWNER_PRIORITY
from ..worker import Say
from .discards import Discards

_ANY_MTU = 65535
"""Until there is a link."""


class Judgement(t.NamedTuple):
    """What is to be made of one datagram."""

    received: t.Optional[Received]
    """None: it was discarded, and counted."""
    alarms: t.Tuple[Alarm, ...]


class Reception:
    """The receive ladder of one virtual router, with its counters."""

    def __init__(self, subject: str, say: Say) -> None:
        self.discards = Discards(subject, say)
        self._verifier: t.Optional[HmacVerifier] = None
        self._expectations: t.Optional[Expectations] = None
        self._of_a_double: t.Optional[Expectations] = None

    def expect(self, instance: RunningInstance, standing: Standing) -> None:
        """Judge by these settings, for an interface that stands like this, from now on."""
        self._adopt_keys(instance)
        mtu = _ANY_MTU if standing.link is None else standing.link.mtu
        common: t.Dict[str, t.Any] = {
            "virtual_router_id": instance.virtual_router_id,
            "advert_int": instance.advert_int,
            "addresses": tuple(virtual.address for virtual in advertised(instance, mtu)),
            "version": instance.version,
            "family": instance.family,
            "group": instance.mcast_dst_ip,
            "peers": instance.unicast_peer,
            "check_unicast_src": instance.check_unicast_src,
            "auth_data": None if instance.authentication is None else auth_data(instance.authentication.auth_pass),
            "hmac": self._verifier,
            "skip_check_adv_addr": instance.skip_check_adv_addr,
            "owner_ignores": instance.strict_mode and instance.priority == OWNER_PRIORITY,
        }
        self._expectations = Expectations(own_address=standing.source, **common)
        self._of_a_double = Expectations(own_address=None, **{**common, "check_unicast_src": False})

    def judge(self, datagram: Datagram, now: Instant) -> Judgement:
        """Climb the ladder; what falls off is counted under its reason."""
        return self._climb(datagram, self._expectations, now)

    def judge_double(self, datagram: Datagram, now: Instant) -> Judgement:
        """The same for what another machine sent from our own address (RX-21)."""
        return self._climb(datagram, self._of_a_double, now)

    def _climb(self, datagram: Datagram, expectations: t.Optional[Expectations], now: Instant) -> Judgement:
        if expectations is None:
            return Judgement(None, ())
        try:
            received = climb(datagram, expectations, time.time_ns() if expectations.hmac is not None else 0)
        except PacketError as error:
            sender = sender_of(datagram)
            self.discards.count(error, sender, now)
            alarm = alarm_about(error, sender)
            return Judgement(None, () if alarm is None else (alarm,))
        return Judgement(received, received.alarms)

    def _adopt_keys(self, instance: RunningInstance) -> None:
        """The verifier goes on over a reload: what it has seen is what a replay fails at."""
        if instance.auth_hmac is None:
            self._verifier = None
            return
        window = time_window(instance.auth_hmac, instance.advert_int)
        if self._verifier is None:
            self._verifier = HmacVerifier(instance.auth_hmac, window)
        else:
            self._verifier.adopt(instance.auth_hmac, window)


def climb(datagram: Datagram, expectations: Expectations, wall: int = 0) -> Received:
    """The ladder for either family. `wall` is the wall clock, for signatures. Raises PacketError."""
    if datagram.header is None:
        return receive_datagram(datagram.octets, expectations, wall)
    return receive_payload(datagram.octets, datagram.header, expectations, wall)


def sender_of(datagram: Datagram) -> str:
    """The source address, for a log line; "?" when the datagram is too short to have one."""
    source = datagram.source
    if source is None:
        return "?"
    return str(ipaddress.IPv4Address(source) if datagram.header is None else ipaddress.IPv6Address(source))
