# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One interface as VRRP sees it: what is heard there, shared by the virtual routers on it, and whether it can be used.

There is one port for each interface, family, group (or none, for unicast peers) and chosen source; `PortKey` is what
tells them apart. Two of them may hear the same datagram, as every raw socket hears what is sent to our own address:
it is a stranger's only when no port of its kind knows its virtual_router_id.

Every datagram goes to the router whose virtual_router_id it carries, as it is read. What belongs to none of ours climbs
the same receive ladder, fails, and is counted for the interface.
"""

from __future__ import annotations

import errno
import os
import typing as t
from dataclasses import replace

from ...model.defaults import RunningInstance
from ...model.units import Instant, seconds
from ...model.vrrp_config import HmacAuthentication
from ...net.double_socket import Double
from ...net.polling import Poller, Timer
from ...net.standing import Standing, Wanted
from ...net.vrrp_socket import UNICAST, Datagram, Delivery
from ...vrrp.expectations import Expectations
from ...vrrp.hmac_trailer import HmacVerifier
from ...vrrp.packet import VERSION_2, VERSION_3
from ...vrrp.receive import peek_virtual_router_id
from ...vrrp.rejection import PacketError
from ..worker import Say
from .discards import Discards
from .doubles import DoubleWatch
from .hearing import Hearing, Place
from .reception import climb, sender_of
from .strangers import Strangers

Receiver = t.Callable[[Datagram, Instant], bool]
"""Takes one datagram for its virtual router and the instant it was read; whether it was a good advert."""

DoubleReceiver = t.Callable[[Double, Instant], None]
"""Takes what another machine sent to its virtual router from our own address."""

LookAgain = t.Callable[[t.FrozenSet[str], Instant], None]
"""Judges these interfaces anew, as after a change of their links."""

# A descriptor or memory that was short may be there again without any link changing.
_RETRY = seconds(1)
# Lets signed adverts of strangers pass as far as RX-09, where they end; its keys are never asked for.
_ANY_SIGNATURE = HmacVerifier(HmacAuthentication((), 0), 0)


class PortKey(t.NamedTuple):
    """What the virtual routers of one port have in common."""

    device: str
    group: str = "224.0.0.18"
    """Where adverts are sent to and heard from; UNICAST for routers that have peers instead."""
    wanted: Wanted = Wanted()


def port_key(instance: RunningInstance) -> PortKey:
    """The port that this virtual router needs."""
    if not instance.unicast_peer:
        return PortKey(instance.interface, instance.mcast_dst_ip, Wanted(instance.family, instance.mcast_src_ip))
    routed = instance.family == 6 and not any(peer.address.startswith("fe80:") for peer in instance.unicast_peer)
    return PortKey(instance.interface, UNICAST, Wanted(instance.family, instance.unicast_src_ip, routed))


def identity(instance: RunningInstance) -> t.Tuple[object, ...]:
    """What makes it the same virtual router to its peers; from which address it talks to them does not."""
    key = port_key(instance)
    return key.device, key.group, key.wanted.family, instance.virtual_router_id, instance.version


def _no_sibling(_virtual_router_id: int) -> bool:
    return False


class VrrpPort:
    """The sockets of one interface."""

    def __init__(
        self,
        poller: Poller,
        strangers: Strangers,
        key: PortKey,
        say: Say,
        look_again: LookAgain,
        known_elsewhere: t.Callable[[int], bool] = _no_sibling,
    ) -> None:
        """`look_again` is called for this interface a second after its socket could not be opened.

        `known_elsewhere` says whether another port that hears the same has a router of this id.
        """
        self.key = key
        self.device = device = key.device
        self._known_elsewhere = known_elsewhere
        self.standing = Standing()
        self.discards = Discards(f"interface {device}", say)
        self._poller = poller
        self._look_again = look_again
        self._retry: t.Optional[Timer] = None
        self._receivers: t.Dict[int, Receiver] = {}
        self._double_receivers: t.Dict[int, DoubleReceiver] = {}
        self._doubles = DoubleWatch(poller, key.device, self._deliver_double)
        self._hearing = Hearing(poller, strangers, key.device, say, self._deliver)

    @property
    def in_use(self) -> bool:
        """Some virtual router is attached."""
        return bool(self._receivers)

    @property
    def unread(self) -> int:
        """Packets that came faster than they could be read."""
        return self._hearing.unread

    def serves(self, virtual_router_id: int) -> bool:
        """A virtual router of this id is attached."""
        return virtual_router_id in self._receivers

    def attach(self, virtual_router_id: int, receiver: Receiver, of_doubles: DoubleReceiver) -> None:
        """Give this router's packets to `receiver`, and `of_doubles` what somebody sends it from our address."""
        self._receivers[virtual_router_id] = receiver
        self._double_receivers[virtual_router_id] = of_doubles

    def detach(self, virtual_router_id: int) -> None:
        """Give this router's packets to nobody."""
        self._receivers.pop(virtual_router_id, None)
        self._double_receivers.pop(virtual_router_id, None)

    def settle(self, standing: Standing) -> None:
        """Make the socket fit the interface as it stands; the standing tells when that fails."""
        index = standing.link.index if standing.link is not None else None
        self._cancel_retry()
        try:
            if index != self._hearing.index:
                self._reopen(index)
            if self.key.wanted.family == 4:
                self._doubles.settle(standing)
        except OSError as error:
            self._close()
            self._retry = self._poller.call_at(self._poller.now() + _RETRY, self._retried)
            if standing.usable:
                standing = replace(standing, cause=_refusal(self.device, error))
        self.standing = standing

    def send(self, packet: bytes, where: Delivery) -> None:
        """Send one message. Raises OSError when it could not leave."""
        self._hearing.send(packet, where)

    def hear_out(self, wake: Instant) -> None:
        """Hand out all that waits; `wake` is the instant of the wake-up that brought a deadline."""
        self._hearing.hear_out(wake)

    def close(self) -> None:
        """Leave the group."""
        self._cancel_retry()
        self._close()

    def _retried(self, now: Instant) -> None:
        self._retry = None
        self._look_again(frozenset({self.device}), now)

    def _cancel_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def _reopen(self, index: t.Optional[int]) -> None:
        self._close()
        if index is not None:
            self._hearing.open(Place(self.device, index, self.key.wanted.family, self.key.group))

    def _close(self) -> None:
        self._hearing.close()
        self._doubles.close()

    def _deliver_double(self, double: Double, now: Instant) -> None:
        receiver = self._double_receivers.get(peek_virtual_router_id(double.datagram) or 0)
        if receiver is not None:
            receiver(double, now)

    def _deliver(self, datagram: Datagram, now: Instant) -> bool:
        virtual_router_id = _virtual_router_id(datagram)
        receiver = self._receivers.get(virtual_router_id)
        if receiver is not None:
            # The same id may have a router with unicast peers beside the group's: what its peers send is not for us.
            ours = self.key.group == UNICAST or not _for_us_alone(datagram)
            return (ours or not self._known_elsewhere(virtual_router_id)) and receiver(datagram, now)
        if not self._known_elsewhere(virtual_router_id):
            self._count_stranger(datagram, now)
        return False

    def _count_stranger(self, datagram: Datagram, now: Instant) -> None:
        if not self._receivers:
            return
        try:
            climb(datagram, self._anybody(datagram))
        except PacketError as error:
            self.discards.count(error, sender_of(datagram), now, _virtual_router_id(datagram) != 0)

    def _anybody(self, datagram: Datagram) -> Expectations:
        """Whatever version it speaks and whether it signs is its own affair: it is refused as a stranger (RX-09)."""
        return Expectations(
            min(self._receivers),
            seconds(1),
            (),
            version=VERSION_2 if _version(datagram) == VERSION_2 else VERSION_3,
            family=self.key.wanted.family,
            group=self.key.group or None,
            hmac=_ANY_SIGNATURE,
        )


def _virtual_router_id(datagram: Datagram) -> int:
    """Unchecked; 0, which nobody has, for what is too short to say."""
    if datagram.header is None:
        return peek_virtual_router_id(datagram.octets) or 0
    return datagram.octets[1] if len(datagram.octets) > 1 else 0


def _version(datagram: Datagram) -> int:
    """Unchecked; 0 for what is too short to say."""
    octets = datagram.octets
    offset = (octets[0] & 0x0F) * 4 if octets and datagram.header is None else 0
    return octets[offset] >> 4 if offset < len(octets) else 0


def _for_us_alone(datagram: Datagram) -> bool:
    """Sent to an address of ours and to no group."""
    if datagram.header is not None:
        return datagram.header.destination >> 120 != 0xFF
    return len(datagram.octets) >= 20 and datagram.octets[16] >> 4 != 0xE


def _refusal(device: str, error: OSError) -> str:
    remedy = _REMEDIES.get(error.errno or 0, "")
    return f"no VRRP socket on {device}: {os.strerror(error.errno or 0)}{remedy}; tried again every second"


_REMEDIES = {
    errno.EPERM: "; the daemon needs CAP_NET_RAW",
    errno.EMFILE: "; raise LimitNOFILE of mainstay.service",
    errno.ENFILE: "; raise the sysctl fs.file-max",
}
