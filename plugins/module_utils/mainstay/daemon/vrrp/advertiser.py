# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends one instance's adverts from prepared bytes, and knows whether they leave.

Multicast is one letter to the group. Unicast is one for each peer, with its own checksum where that covers the
destination; who has peers never falls back to the group. With use_vmac adverts leave through the macvlan, so that
switches learn where its MAC is (PKT-15). A signature (auth_hmac) holds the time, so it alone is made
when the advert leaves.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import time
import typing as t

from ...model.defaults import RunningInstance
from ...model.units import Instant, seconds
from ...net.rtnl import Link
from ...net.vrrp_socket import UNICAST, Delivery, VrrpSocket, delivery
from ...vrrp.advert import Advert
from ...vrrp.authentication import auth_data
from ...vrrp.capacity import advertised
from ...vrrp.checksum import ChecksumForm, transmit_form
from ...vrrp.hmac_trailer import HmacSigner, time_window
from ...vrrp.packet import encode_advert, with_trailer
from ..log_limit import LogLimit
from ..worker import LogLine, Say
from .port import VrrpPort

_RELEASE = 0
_HOP_LIMIT = 255  # RFC 9568 5.1.1.3
# A single failure is a full queue or a link that is just going; more in a row are a fault to tell.
_FAILURES_TO_TELL = 3
_FORMS_PERIOD = seconds(60)


class _Letter(t.NamedTuple):
    """One advert to one destination."""

    packet: bytes
    destination: str
    where: Delivery


class Advertiser:
    """The transmitting half of one virtual router."""

    def __init__(self, subject: str, port: VrrpPort, say: Say) -> None:
        self.subject = subject
        self._port = port
        self._say = say
        self._instance: t.Optional[RunningInstance] = None
        self._source = ""
        self._packed_source = b""
        self._mtu = 0
        self._outlet: t.Optional[VrrpSocket] = None
        self._outlet_index = 0
        self._destinations: t.Dict[str, Delivery] = {}
        self._letters: t.Dict[int, t.List[_Letter]] = {}
        self._heard: t.Optional[ChecksumForm] = None
        self._forms_told = LogLimit(_FORMS_PERIOD)
        self._signer: t.Optional[HmacSigner] = None
        self._not_advertised: t.Tuple[str, ...] = ()
        self._failures_in_a_row = 0
        self._error = ""
        self.sent = 0
        self.priority_zero_sent = 0
        self.send_failures = 0

    @property
    def problem(self) -> t.Optional[str]:
        """A sentence while adverts do not leave, else None."""
        if self._failures_in_a_row < _FAILURES_TO_TELL:
            return None
        where = f"on {self._port.device}: {self._error}"
        return f"adverts cannot be sent {where} ({self._failures_in_a_row} in a row); peers will take over"

    def move_to(self, port: VrrpPort) -> None:
        """Send through another port from now on; `prepare` has to follow."""
        self._port = port

    def close(self) -> None:
        """Give the descriptor of the macvlan's socket back."""
        self._open_outlet(None, 4)

    def prepare(self, instance: RunningInstance, source: str, outlet: t.Optional[Link] = None) -> None:
        """Encode what may have to be sent in a hurry; nothing prepared before survives.

        `outlet`: the macvlan that adverts are to leave through, None while there is none.
        """
        link = self._port.standing.link
        if link is None:
            return
        self._instance, self._source, self._mtu = instance, source, link.mtu
        self._open_outlet(outlet, instance.family)
        self._packed_source = ipaddress.ip_address(source).packed
        self._adopt_keys(instance)
        peers = [peer.address for peer in instance.unicast_peer]
        hop_limit = instance.unicast_ttl if peers else _HOP_LIMIT
        self._destinations = {
            destination: delivery(source, destination, hop_limit, self._outlet_index or link.index)
            for destination in peers or [instance.mcast_dst_ip]
        }
        self._encode_all(instance)
        self._tell_excess(instance)

    def follow(self, heard: ChecksumForm, now: Instant) -> None:
        """A peer's advert was accepted whose checksum has this form: v3_checksum auto answers in the same.

        Two peers that differ, or somebody who forges adverts, make it change with every packet: told seldom.
        """
        if heard is self._heard or self._instance is None:
            return
        before = transmit_form(self._instance.v3_checksum, self._heard)
        self._heard = heard
        after = transmit_form(self._instance.v3_checksum, heard)
        if after is not before and self._instance.version == 3 and self._instance.family == 4:
            self._encode_all(self._instance)
            if self._forms_told.allows(after.value, now):
                message = f"checksums are sent as {after.value} from now on, as a peer does"
                self._say(LogLine("info", self.subject, message))

    def send(self, priority: int) -> bool:
        """Send one advert to everybody it is for; whether any of it left."""
        letters = self._letters_of(priority)
        trailer = self._trailer(letters)
        failures = []
        for letter in letters:
            try:
                self._hand_over(self._signed(letter, trailer), letter.where)
            except OSError as error:
                failures.append(error)
        if len(failures) == len(letters):  # or the interface never had an address to send from
            self._count_failure(priority, failures)
            return False
        self._count_success(priority)
        return True

    def _hand_over(self, packet: bytes, where: Delivery) -> None:
        """Raises OSError when it could not leave."""
        through_macvlan = self._instance is not None and self._instance.use_vmac and not self._instance.vmac_xmit_base
        if not through_macvlan:
            self._port.send(packet, where)
        elif self._outlet is None:
            raise OSError(errno.ENETDOWN, os.strerror(errno.ENETDOWN))
        else:
            self._outlet.send(packet, where)

    def _open_outlet(self, outlet: t.Optional[Link], family: int) -> None:
        index = 0 if outlet is None else outlet.index
        if index == self._outlet_index:
            return
        if self._outlet is not None:
            self._outlet.close()
        self._outlet, self._outlet_index = None, 0
        if outlet is None:
            return
        try:
            self._outlet = VrrpSocket(outlet.name, index, family, UNICAST, senders=())
            self._outlet_index = index
        except OSError as error:
            message = f"no socket for adverts on {outlet.name}: {os.strerror(error.errno or 0)}"
            self._say(LogLine("error", self.subject, message))

    def _signed(self, letter: _Letter, trailer: bytes) -> bytes:
        return with_trailer(letter.packet, trailer, self._source, letter.destination) if trailer else letter.packet

    def _trailer(self, letters: t.Sequence[_Letter]) -> bytes:
        """One signature serves every peer: it covers neither destination nor checksum."""
        if self._signer is None or not letters:
            return b""
        return self._signer.trailer(letters[0].packet, self._packed_source, time.time_ns())

    def _adopt_keys(self, instance: RunningInstance) -> None:
        """The signer goes on over a reload: its numbers may never start again."""
        if instance.auth_hmac is None:
            self._signer = None
            return
        window = time_window(instance.auth_hmac, instance.advert_int)
        if self._signer is None:
            self._signer = HmacSigner(instance.auth_hmac, window)
        else:
            self._signer.adopt(instance.auth_hmac, window)

    def _count_success(self, priority: int) -> None:
        self.sent += 1
        self.priority_zero_sent += priority == _RELEASE
        if self._failures_in_a_row >= _FAILURES_TO_TELL:
            self._say(LogLine("info", self.subject, f"adverts leave {self._port.device} again"))
        self._failures_in_a_row = 0

    def _count_failure(self, priority: int, failures: t.Sequence[OSError]) -> None:
        # On a dead link the farewell cannot leave, and that is no news.
        if priority == _RELEASE or not failures:
            return
        self.send_failures += 1
        self._failures_in_a_row += 1
        self._error = os.strerror(failures[-1].errno or 0)
        if self._failures_in_a_row == _FAILURES_TO_TELL:
            self._say(LogLine("error", self.subject, str(self.problem)))

    def _tell_excess(self, instance: RunningInstance) -> None:
        """PKT-12, once for each set of addresses."""
        fitting = len(advertised(instance, self._mtu))
        excess = tuple(virtual.address for virtual in instance.virtual_ipaddress[fitting:])
        if excess and excess != self._not_advertised:
            told = f"only {fitting} of {len(instance.virtual_ipaddress)} addresses fit an advert"
            where = f"(MTU {self._mtu} of {self._port.device})"
            remedy = "the rest moves with them unadvertised, as virtual_ipaddress_excluded would"
            self._say(LogLine("warning", self.subject, f"{told} {where}; {remedy}, from {excess[0]} on"))
        self._not_advertised = excess

    def _encode_all(self, instance: RunningInstance) -> None:
        self._letters = {}
        for priority in (instance.priority, _RELEASE):
            self._letters_of(priority)

    def _letters_of(self, priority: int) -> t.List[_Letter]:
        if priority not in self._letters and self._instance is not None:
            self._letters[priority] = [
                _Letter(self._encode(self._instance, priority, destination), destination, where)
                for destination, where in self._destinations.items()
            ]
        return self._letters.get(priority, [])

    def _encode(self, instance: RunningInstance, priority: int, destination: str) -> bytes:
        addresses = tuple(virtual.address for virtual in advertised(instance, self._mtu))
        advert = Advert(instance.version, instance.virtual_router_id, priority, instance.advert_int, addresses)
        password = None if instance.authentication is None else auth_data(instance.authentication.auth_pass)
        form = transmit_form(instance.v3_checksum, self._heard)
        return encode_advert(advert, self._source, destination, form, password)
