# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends one instance's adverts from prepared bytes, and knows whether they leave."""

from __future__ import annotations

import os
import typing as t

from ..model.config import VrrpInstance
from ..net.vrrp_socket import VRRP_GROUP
from ..vrrp.advert import Advert
from ..vrrp.packet import encode_advert
from .vrrp_port import VrrpPort
from .worker import LogLine, Say

_RELEASE = 0
# A single failure is a full queue or a link that is just going; more in a row are a fault to tell.
_FAILURES_TO_TELL = 3


class Advertiser:
    """The transmitting half of one virtual router."""

    def __init__(self, subject: str, port: VrrpPort, say: Say) -> None:
        self.subject = subject
        self._port = port
        self._say = say
        self._instance: t.Optional[VrrpInstance] = None
        self._source = ""
        self._packets: t.Dict[int, bytes] = {}
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

    def prepare(self, instance: VrrpInstance, source: str) -> None:
        """Encode what may have to be sent in a hurry; nothing prepared before survives."""
        self._instance, self._source = instance, source
        self._packets = {}
        for priority in (instance.priority, _RELEASE):
            self._packet(priority)

    def send(self, priority: int) -> bool:
        """Send one advert; whether it left."""
        packet = self._packet(priority)
        if packet is None:  # the interface never had an address to send from
            return False
        try:
            self._port.send(packet)
        except OSError as error:
            self._count_failure(priority, error)
            return False
        self._count_success(priority)
        return True

    def _count_success(self, priority: int) -> None:
        self.sent += 1
        self.priority_zero_sent += priority == _RELEASE
        if self._failures_in_a_row >= _FAILURES_TO_TELL:
            self._say(LogLine("info", self.subject, f"adverts leave {self._port.device} again"))
        self._failures_in_a_row = 0

    def _count_failure(self, priority: int, error: OSError) -> None:
        if priority == _RELEASE:  # on a dead link the farewell cannot leave, and that is no news
            return
        self.send_failures += 1
        self._failures_in_a_row += 1
        self._error = os.strerror(error.errno or 0)
        if self._failures_in_a_row == _FAILURES_TO_TELL:
            self._say(LogLine("error", self.subject, str(self.problem)))

    def _packet(self, priority: int) -> t.Optional[bytes]:
        packet = self._packets.get(priority)
        if packet is None and self._instance is not None:
            packet = self._packets[priority] = _encode(self._instance, self._source, priority)
        return packet


def _encode(instance: VrrpInstance, source: str, priority: int) -> bytes:
    addresses = tuple(virtual.address for virtual in instance.virtual_ipaddress)
    advert = Advert(instance.version, instance.virtual_router_id, priority, instance.advert_int, addresses)
    return encode_advert(advert, source, VRRP_GROUP)
